import { Fragment, useEffect, useLayoutEffect, useRef } from "react";
import type { DifferencePart } from "#client";
import { fullTime, shortTime } from "../words.ts";
import { Difference } from "./difference.tsx";

/** A message as the thread shows it, sent or on its way. */
export type Bubble = {
  key: string;
  text: string;
  mine: boolean;
  /** Whose it is, where that is not plain from the thread. */
  name?: string;
  atMs?: number;
  note?: string;
  onRetry?: (() => void) | undefined;
  /** What it is about: a message that it answers or corrects. */
  about?: string;
  /** Shown in place of the text: how it differs from what it corrects. */
  difference?: readonly DifferencePart[];
  /** There is no text any more. */
  gone?: boolean;
  reactions?: readonly { emoji: string; names: string; mine: boolean; onToggle: () => void }[];
  actions?: readonly { label: string; onPick: () => void }[];
};

/** The log of a thread or of a room: kept at its end, unless one has scrolled up to read; what one writes is always shown. */
export function ThreadLog({
  label,
  bubbles,
  older,
}: {
  label: string;
  bubbles: Bubble[];
  older?: { load: () => void; busy: boolean } | undefined;
}) {
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const before = useRef<{ height: number; firstKey?: string | undefined; lastKey?: string | undefined }>({ height: 0 });

  useLayoutEffect(() => {
    const box = log.current;
    if (!box) return;
    const firstKey = bubbles[0]?.key;
    const last = bubbles.at(-1);
    if (last?.mine && last.key !== before.current.lastKey) atEnd.current = true;
    const grewAbove = before.current.firstKey !== undefined && before.current.firstKey !== firstKey;
    if (atEnd.current) box.scrollTop = box.scrollHeight;
    else if (grewAbove) box.scrollTop += box.scrollHeight - before.current.height;
    before.current = { height: box.scrollHeight, firstKey, lastKey: last?.key };
  }, [bubbles]);

  // A phone's keyboard, a banner or a turned screen makes the log shorter: what was at its end stays there.
  useEffect(() => {
    const box = log.current;
    if (!box) return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  return (
    <div
      className="thread-log"
      role="log"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
      ref={log}
      onScroll={({ currentTarget: box }) => {
        atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
      }}
    >
      {older && (
        <button type="button" className="button button-small more" onClick={older.load} disabled={older.busy}>
          {older.busy ? "Fetching…" : "Show earlier messages"}
        </button>
      )}
      {bubbles.map((bubble, at) => (
        <Fragment key={bubble.key}>
          {startsDay(bubbles[at - 1]?.atMs, bubble.atMs) && <p className="thread-day hint">{dayOf(bubble.atMs)}</p>}
          <div className={bubbleClass(bubble)}>
            {bubble.name && <span className="bubble-name">{bubble.name}</span>}
            {bubble.about && <span className="bubble-about">{bubble.about}</span>}
            {bubble.difference ? <Difference parts={bubble.difference} /> : bubble.text}
            <span className="bubble-note">
              {bubble.atMs !== undefined && (
                <time dateTime={new Date(bubble.atMs).toISOString()} title={fullTime(bubble.atMs)}>
                  {shortTime(bubble.atMs)}
                </time>
              )}
              {bubble.note && ` ${bubble.note}`}
              {bubble.onRetry && (
                <button type="button" className="link-button" onClick={bubble.onRetry}>
                  Send again
                </button>
              )}
            </span>
            <BubbleTools {...bubble} />
          </div>
        </Fragment>
      ))}
    </div>
  );
}

/** Reactions, and what one can do with the message. */
function BubbleTools({ text, reactions = [], actions = [] }: Bubble) {
  const menu = useRef<HTMLDetailsElement>(null);
  if (reactions.length === 0 && actions.length === 0) return null;
  const close = () => {
    if (menu.current) menu.current.open = false;
  };
  return (
    <span className="bubble-tools">
      {reactions.map(({ emoji, names, mine, onToggle }) => (
        <button
          key={emoji}
          type="button"
          className="reaction"
          aria-pressed={mine}
          aria-label={`${emoji} by ${names}`}
          onClick={onToggle}
        >
          {emoji}
        </button>
      ))}
      {actions.length > 0 && (
        <details className="bubble-menu" ref={menu}>
          <summary aria-label={`What to do with “${text.slice(0, 40)}”`}>⋯</summary>
          <span className="bubble-actions">
            {actions.map(({ label, onPick }) => (
              <button
                key={label}
                type="button"
                className="button button-small button-quiet"
                onClick={() => {
                  close();
                  onPick();
                }}
              >
                {label}
              </button>
            ))}
          </span>
        </details>
      )}
    </span>
  );
}

function bubbleClass({ mine, onRetry, gone }: Bubble): string {
  return `bubble${mine ? " bubble-mine" : ""}${onRetry ? " bubble-failed" : ""}${gone ? " bubble-gone" : ""}`;
}

function startsDay(previousMs: number | undefined, atMs: number | undefined): boolean {
  if (atMs === undefined) return false;
  return previousMs === undefined || new Date(previousMs).toDateString() !== new Date(atMs).toDateString();
}

const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

function dayOf(atMs: number | undefined): string {
  if (atMs === undefined) return "";
  return new Date(atMs).toDateString() === new Date().toDateString() ? "Today" : dayFormat.format(atMs);
}
