import type { MicrophoneTrouble } from "#client";

const remedies: Record<MicrophoneTrouble, { title: string; text: string; retry: boolean }> = {
  denied: {
    title: "The microphone is blocked",
    text: "Allow it for this page in the browser's address bar, then try again.",
    retry: true,
  },
  missing: { title: "No microphone was found", text: "Plug one in or turn it on, then try again.", retry: true },
  busy: { title: "The microphone does not start", text: "Another program may be using it.", retry: true },
  insecure: {
    title: "The microphone needs a secure address",
    text: "Browsers give it only to pages on https or on localhost. Ask whoever runs this server for its https address.",
    retry: false,
  },
};

/** Why one can't be heard, and the way out. */
export function MicrophoneNotice({ trouble, onRetry }: { trouble: MicrophoneTrouble; onRetry: () => void }) {
  const { title, text, retry } = remedies[trouble];
  return (
    <div className="notice notice-warn" role="alert">
      <div>
        <p>
          <strong>{title}</strong>
        </p>
        <p>{text}</p>
      </div>
      {retry && (
        <button type="button" className="button button-small" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
