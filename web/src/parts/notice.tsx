import type { ReactNode } from "react";
import { inWords } from "../words.ts";

/** A state that fills a page or a panel: nothing there yet, loading, or what to do next. */
export function Blank({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="blank">
      <p className="blank-title">{title}</p>
      {children}
    </div>
  );
}

export function Waiting({ what }: { what: string }) {
  return (
    <div className="blank" role="status">
      <span className="waiting" aria-hidden="true" />
      <p>{what}</p>
    </div>
  );
}

/** A failure in plain words, spoken at once by a screen reader. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  return (
    <div className="notice notice-bad" role="alert">
      <p>{inWords(error)}</p>
      {onRetry && (
        <button type="button" className="button button-small" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
