import type { Conversation, Message, PublicUser } from "#protocol";

/** Whom one may write to; the user repository is one. */
export interface People {
  /** Those of the ids that exist. */
  publicByIds(ids: string[]): Promise<PublicUser[]>;
}

/** A message as it is kept: with whom it is hidden from instead of how one of them sees it. */
export type StoredMessage = Omit<Message, "deletedFor"> & { deletedAtMs: number | null; hiddenFrom: string[] };

export type StoredConversation = Omit<Conversation, "lastMessage" | "muted"> & {
  lastMessage: StoredMessage | null;
  /** Ids of those who muted it for themselves. */
  mutedBy: string[];
};

export type NewMessage = Pick<
  Message,
  "id" | "conversationId" | "clientId" | "senderId" | "text" | "sentAtMs" | "replyTo" | "corrects"
>;

/** What of a message a change replaces. */
export type Patch = Partial<
  Pick<StoredMessage, "text" | "editedAtMs" | "deletedAtMs" | "pinnedAtMs" | "reactions" | "hiddenFrom">
>;

/**
 * What a change makes of a message; null for no change. `pinned` counts the conversation's pinned messages.
 * @throws AppError when it is not allowed
 */
export type Decide = (message: StoredMessage, about: { pinned: number; corrected: boolean }) => Patch | null;

/** Where a conversation stands in a list by activity. */
export type ListPlace = { activeAtMs: number; id: string };

export interface ConversationRepository {
  /** The direct conversation of two people, created once however many ask at the same time. */
  openDirect(userId: string, otherId: string, nowMs: number): Promise<StoredConversation>;
  /** Those with a message, the most recently active first; `after` is the last one of the page before. */
  list(
    userId: string,
    page: { limit: number; after?: ListPlace },
  ): Promise<{ conversation: StoredConversation; place: ListPlace }[]>;
  /** Member ids; empty when there is no such conversation. */
  members(conversationId: string): Promise<string[]>;
  /**
   * In one transaction: takes the conversation's next seq under its row lock, writes the message, leaves it to the outbox,
   * and moves the sender's read mark up to it. `version` is the conversation's at that time.
   * The same (sender, clientId) again returns the stored message with `created: false`.
   * @throws AppError MESSAGE_CONFLICT when that clientId was used for another message;
   *   CONVERSATION_NOT_FOUND when there is none
   */
  append(message: NewMessage): Promise<{ message: StoredMessage; version: number; created: boolean }>;
  message(conversationId: string, seq: number): Promise<StoredMessage | undefined>;
  /**
   * In one transaction, under the conversation's row lock: applies what `decide` makes of the message, with the
   * conversation's next version, and leaves it to the outbox.
   * @throws AppError MESSAGE_NOT_FOUND; what `decide` throws
   */
  change(conversationId: string, seq: number, decide: Decide): Promise<{ message: StoredMessage; changed: boolean }>;
  /** Messages whose last change came after that version, ascending by version. */
  changes(conversationId: string, afterVersion: number, limit: number): Promise<StoredMessage[]>;
  /** Ascending by seq. */
  pinned(conversationId: string, afterSeq: number): Promise<StoredMessage[]>;
  /** Ascending by seq. */
  history(
    conversationId: string,
    range: { afterSeq?: number; beforeSeq?: number; limit: number },
  ): Promise<StoredMessage[]>;
  /** The newest seq and version, 0 when there is none. */
  marks(conversationId: string): Promise<{ lastSeq: number; version: number }>;
  /** Resolves to whether that is a change. */
  setMuted(conversationId: string, userId: string, muted: boolean): Promise<boolean>;
  /** Moves the mark forward, clamped to lastSeq; returns the new mark, or null when it did not move. */
  markRead(conversationId: string, userId: string, seq: number): Promise<number | null>;
}

/** A message or a change of one, with what a client needs to tell whether it missed anything. */
export type OutboxEntry = { message: StoredMessage; memberIds: string[] } & (
  | { kind: "new"; version: number }
  | { kind: "change"; afterVersion: number }
);

/** Messages and changes that are committed but perhaps not yet published: at-least-once hand-over from the transaction to the hub. */
export interface OutboxRepository {
  /**
   * Runs `publish` over up to `limit` pending messages, in order of seq in each conversation, and up to `limit` pending
   * changes, in order of version, then marks them as published; when it throws, they stay pending. Of a message that changed
   * several times the last change is left. Safe to run on several nodes at once. Returns how many of both.
   */
  drain(limit: number, publish: (entry: OutboxEntry) => void): Promise<number>;
}
