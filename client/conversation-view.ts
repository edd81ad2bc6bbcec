import type { Message, PublicUser } from "#protocol";
import type { Outgoing, OutgoingMessage } from "./outgoing.ts";
import type { Thread } from "./thread.ts";
import type { Typing } from "./typing.ts";

/** A conversation as a page shows it; another object on each change. */
export type ConversationView = {
  readonly id: string;
  readonly members: readonly PublicUser[];
  /** The newest messages known, ascending and without gaps; all of them only as far back as was asked for. */
  readonly messages: readonly Message[];
  /** One's own that are on their way or were refused, in the order of writing. */
  readonly outgoing: readonly OutgoingMessage[];
  readonly lastMessage: Message | null;
  /** Messages of others that one has not read. */
  readonly unread: number;
  /** Up to which seq each member has read, by user id. */
  readonly readSeq: Readonly<Record<string, number>>;
  /** Whether one has muted it: its unread messages are not among those counted for all conversations. */
  readonly muted: boolean;
  /** Ids of those who are typing now. */
  readonly typing: readonly string[];
  /** Whether there are earlier messages to ask for, or they are being fetched. */
  readonly older: "none" | "available" | "loading";
};

export type ConversationParts = { thread: Thread; outgoing: Outgoing; typing: Typing; loadingOlder: boolean };

export function viewOf(
  { thread, outgoing, typing, loadingOlder }: ConversationParts,
  me: string | undefined,
): ConversationView {
  return {
    id: thread.id,
    members: thread.members,
    messages: thread.messages,
    outgoing: outgoing.items,
    lastMessage: thread.messages.at(-1) ?? null,
    unread: me === undefined ? 0 : Math.max(0, thread.knownSeq - (thread.readSeq[me] ?? 0)),
    readSeq: thread.readSeq,
    muted: thread.muted,
    typing: typing.userIds,
    older: loadingOlder ? "loading" : thread.hasOlder ? "available" : "none",
  };
}
