import type { Conversation, Message, PublicUser } from "#protocol";

/** Whom one may write to; the user repository is one. */
export interface People {
  /** Those of the ids that exist. */
  publicByIds(ids: string[]): Promise<PublicUser[]>;
}

/** Where a conversation stands in a list by activity. */
export type ListPlace = { activeAtMs: number; id: string };

export interface ConversationRepository {
  /** The direct conversation of two people, created once however many ask at the same time. */
  openDirect(userId: string, otherId: string, nowMs: number): Promise<Conversation>;
  /** Those with a message, the most recently active first; `after` is the last one of the page before. */
  list(
    userId: string,
    page: { limit: number; after?: ListPlace },
  ): Promise<{ conversation: Conversation; place: ListPlace }[]>;
  /** Member ids; empty when there is no such conversation. */
  members(conversationId: string): Promise<string[]>;
  /**
   * In one transaction: takes the conversation's next seq under its row lock, writes the message, leaves it to the outbox,
   * and moves the sender's read mark up to it.
   * The same (sender, clientId) again returns the stored message with `created: false`.
   * @throws AppError MESSAGE_CONFLICT when that clientId was used for another text or conversation;
   *   CONVERSATION_NOT_FOUND when there is none
   */
  append(message: Omit<Message, "seq">): Promise<{ message: Message; created: boolean }>;
  /** Ascending by seq. */
  history(conversationId: string, range: { afterSeq?: number; beforeSeq?: number; limit: number }): Promise<Message[]>;
  lastSeq(conversationId: string): Promise<number>;
  /** Moves the mark forward, clamped to lastSeq; returns the new mark, or null when it did not move. */
  markRead(conversationId: string, userId: string, seq: number): Promise<number | null>;
}

/** Messages that are committed but perhaps not yet published: at-least-once hand-over from the transaction to the hub. */
export interface OutboxRepository {
  /**
   * Runs `publish` over up to `limit` pending messages, in order of seq in each conversation, then marks them as published;
   * when it throws, they stay pending. Safe to run on several nodes at once. Returns how many.
   */
  drain(limit: number, publish: (entry: { message: Message; memberIds: string[] }) => void): Promise<number>;
}
