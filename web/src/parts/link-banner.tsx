import { useServices } from "../services.tsx";

/** Says how the connection is, when it is not simply there. */
export function LinkBanner() {
  const { session, link, draining } = useServices();
  const state = bannerOf();
  return (
    <div className="link-banner" role="status" data-link={draining ? "draining" : link.kind}>
      {state && (
        <>
          {state.busy && <span className="waiting waiting-small" aria-hidden="true" />}
          <span className="link-banner-text">{state.text}</span>
          {state.action && (
            <button type="button" className="button button-small" onClick={state.action.run}>
              {state.action.label}
            </button>
          )}
        </>
      )}
    </div>
  );

  function bannerOf(): { text: string; busy: boolean; action?: { label: string; run: () => void } } | null {
    switch (link.kind) {
      case "connected":
        return draining ? { text: "The server is about to restart. You stay signed in.", busy: true } : null;
      case "connecting":
        return { text: "Connecting…", busy: true };
      case "reconnecting":
        return draining
          ? { text: "The server is restarting. You'll be back in a moment.", busy: true }
          : { text: "Connection lost. Reconnecting…", busy: true };
      case "closed":
        return closedBanner(link.reason);
    }
  }

  function closedBanner(reason: string) {
    const again = { label: "Connect again", run: () => session.reconnect() };
    switch (reason) {
      case "kicked":
        return { text: "A moderator has disconnected you.", busy: false, action: again };
      case "expired":
        return { text: "Connecting…", busy: true };
      case "PROTOCOL_UNSUPPORTED":
        return {
          text: "This page is older than the server.",
          busy: false,
          action: { label: "Reload", run: () => location.reload() },
        };
      case "ORIGIN_NOT_ALLOWED":
        return { text: "The server does not accept connections from this address.", busy: false };
      default:
        return { text: "The server has closed the connection.", busy: false, action: again };
    }
  }
}
