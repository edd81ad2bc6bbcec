import { useEffect, useMemo, useState } from "react";
import { type Conversations, type ConversationView, wordDifference } from "#client";
import { limits, type Message } from "#protocol";
import { useServices, useStore } from "../services.tsx";
import { codeInWords, otherOf, previewOf } from "../words.ts";
import { Avatar } from "./avatar.tsx";
import { Composer } from "./composer.tsx";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";
import { Failure } from "./notice.tsx";
import { Pinned } from "./pinned.tsx";
import { type Bubble, ThreadLog } from "./thread-log.tsx";

/** What one writes just now, if it is not simply a new message. */
type Writing = { kind: "replyTo" | "corrects" | "edit"; message: Message };

const REACTIONS = ["👍", "❤️", "😂", "🎉", "🤔"];

export function ConversationThread({ conversation }: { conversation: ConversationView }) {
  const { conversations, user, online } = useServices();
  const isOnline = useStore(online);
  const [error, setError] = useState<unknown>();
  const [writing, setWriting] = useState<Writing>();
  const { id, members, messages, unread, older, typing, muted } = conversation;
  const other = otherOf(members, user.id);
  const presence = typing.includes(other.id) ? "typing…" : isOnline.has(other.id) ? "online" : "offline";
  const bubbles = useMemo(
    () => bubblesOf(conversation, user.id, conversations, { write: setWriting, fail: setError }),
    [conversation, user.id, conversations],
  );

  useEffect(() => conversations.watch(id), [conversations, id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new message is read once the page is on the screen
  useEffect(() => {
    const mark = () => {
      if (document.visibilityState === "visible" && unread > 0) conversations.markRead(id);
    };
    mark();
    document.addEventListener("visibilitychange", mark);
    return () => document.removeEventListener("visibilitychange", mark);
  }, [conversations, id, unread, messages]);

  const send = (text: string) => {
    try {
      if (writing?.kind === "edit") conversations.edit(id, writing.message.seq, text).catch(setError);
      else conversations.send(id, text, writing && { [writing.kind]: writing.message.seq });
      setError(undefined);
      setWriting(undefined);
    } catch (problem) {
      setError(problem);
    }
  };

  return (
    <section className="thread card" aria-label={`Conversation with ${other.name}`}>
      <header className="thread-head">
        <Link
          to={{ page: "messages", conversationId: null }}
          className="button button-round button-quiet only-phone"
          aria-label="Back to the conversations"
        >
          <Icon name="back" />
        </Link>
        <Avatar name={other.name} online={isOnline.has(other.id)} />
        <div className="thread-who">
          <h2>{other.name}</h2>
          <p className="hint" aria-live="polite">
            {presence}
          </p>
        </div>
        <Pinned conversationId={id} />
        <button
          type="button"
          className="button button-small button-quiet"
          onClick={() => void conversations.mute(id, !muted).catch(setError)}
        >
          {muted ? "Unmute" : "Mute"}
        </button>
      </header>
      <ThreadLog
        label={`Messages with ${other.name}`}
        bubbles={bubbles}
        older={
          older === "none"
            ? undefined
            : { load: () => conversations.loadOlder(id).catch(setError), busy: older === "loading" }
        }
      />
      {error ? <Failure error={error} /> : null}
      {writing && (
        <p className="writing hint">
          <span>
            {writingLabels[writing.kind]}: “{writing.message.text}”
          </span>
          <button type="button" className="link-button" onClick={() => setWriting(undefined)}>
            Cancel
          </button>
        </p>
      )}
      <Composer
        key={writing ? `${writing.kind} ${writing.message.seq}` : "new"}
        label={`Write to ${other.name}`}
        max={limits.messageText}
        onSend={send}
        onTyped={() => conversations.typed(id)}
        start={writing && (writing.kind === "replyTo" ? "" : writing.message.text)}
      />
    </section>
  );
}

const writingLabels = { replyTo: "Answering", corrects: "Correcting", edit: "Editing" };

/** The thread as bubbles; only one's newest message says how far it has come. */
function bubblesOf(
  { id, messages, outgoing, readSeq, members }: ConversationView,
  me: string,
  conversations: Conversations,
  { write, fail }: { write: (writing: Writing) => void; fail: (error: unknown) => void },
): Bubble[] {
  const lastMine = messages.findLast(({ senderId }) => senderId === me);
  const read = readSeq[otherOf(members, me).id] ?? 0;
  const firstSeq = messages[0]?.seq ?? 0;
  const held = (seq: number | null): Message | undefined => (seq === null ? undefined : messages[seq - firstSeq]);
  const nameOf = (userId: string) => (userId === me ? "you" : (members.find((one) => one.id === userId)?.name ?? ""));
  const sayAbout = (what: string, message: Message | undefined) =>
    `${what} ${message ? `“${previewOf(message)}”` : "an earlier message"}`;

  const stored = messages.flatMap((message): Bubble[] => {
    const { seq, senderId, clientId: key, sentAtMs: atMs } = message;
    if (message.deletedFor === "me") return [];
    const mine = senderId === me;
    if (message.deletedFor) return [{ key, text: "Message deleted", mine, atMs, gone: true }];
    const notes = [
      message.pinnedAtMs !== null && "Pinned",
      message.editedAtMs !== null && "Edited",
      message === lastMine && (seq <= read ? "Read" : "Sent"),
    ].filter((note) => note !== false);
    const corrected = held(message.corrects);
    const known = corrected && !corrected.deletedFor;
    return [
      {
        ...{ key, text: message.text, mine, atMs },
        ...(notes.length > 0 && { note: notes.map((note) => `· ${note}`).join(" ") }),
        ...(message.replyTo !== null && { about: sayAbout("Answer to", held(message.replyTo)) }),
        ...(message.corrects !== null && { about: known ? "Correction" : sayAbout("Correction of", corrected) }),
        ...(known && { difference: wordDifference(corrected.text, message.text) }),
        reactions: [...new Set(message.reactions.map(({ emoji }) => emoji))].map((emoji) => {
          const people = message.reactions.filter((one) => one.emoji === emoji).map(({ userId }) => userId);
          const on = !people.includes(me);
          const onToggle = () => void conversations.react(id, seq, emoji, on).catch(fail);
          return { emoji, names: people.map(nameOf).join(" and "), mine: !on, onToggle };
        }),
        actions: [
          ...REACTIONS.map((emoji) => ({
            label: emoji,
            onPick: () => void conversations.react(id, seq, emoji, true).catch(fail),
          })),
          { label: "Answer", onPick: () => write({ kind: "replyTo", message }) },
          mine
            ? { label: "Edit", onPick: () => write({ kind: "edit", message }) }
            : { label: "Correct", onPick: () => write({ kind: "corrects", message }) },
          {
            label: message.pinnedAtMs === null ? "Pin" : "Unpin",
            onPick: () => void conversations.pin(id, seq, message.pinnedAtMs === null).catch(fail),
          },
          { label: "Delete for me", onPick: () => void conversations.delete(id, seq, "me").catch(fail) },
          ...(mine
            ? [{ label: "Delete for both", onPick: () => void conversations.delete(id, seq, "all").catch(fail) }]
            : []),
        ],
      },
    ];
  });
  const waiting = outgoing.map((message): Bubble => {
    const { clientId, text, status, error } = message;
    if (status === "sending") return { key: clientId, text, mine: true, note: "On its way…" };
    const why = error ? codeInWords(error) : "";
    return {
      key: clientId,
      text,
      mine: true,
      note: `Not sent. ${why}`,
      onRetry: () => conversations.retry(id, clientId),
    };
  });
  return [...stored, ...waiting];
}
