import { randomUUID } from "node:crypto";
import { type Conversation, limits, type Message, type Publisher } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { deleteForAll, deleteForMe, edit, pin, react, requireVisible } from "./changes.ts";
import { messageFor } from "./message-for.ts";
import { MessageRelay } from "./message-relay.ts";
import type {
  ConversationRepository,
  Decide,
  OutboxRepository,
  People,
  StoredConversation,
  StoredMessage,
} from "./ports.ts";

/** A message of a conversation. */
export type Target = { conversationId: string; seq: number };
export type Draft = {
  conversationId: string;
  clientId: string;
  text: string;
  replyTo?: number | undefined;
  corrects?: number | undefined;
};
/** A message as it is now; nothing else changed in its conversation from `afterVersion` up to its version. */
export type Change = { message: Message; afterVersion: number };

export type ChatOptions = {
  conversations: ConversationRepository;
  outbox: OutboxRepository;
  people: People;
  publisher: Pick<Publisher, "publish">;
  log: Logger;
  metrics: Metrics;
};

/**
 * Private messages. Each method acts for `userId`; to those who are not members a conversation does not exist
 * (CONVERSATION_NOT_FOUND).
 */
export class Chat {
  readonly #options: ChatOptions;
  readonly #relay: MessageRelay;
  readonly #sent;
  readonly #changes;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#relay = new MessageRelay(options);
    this.#sent = options.metrics.counter("chat_messages_total", "Messages sent, new or repeated by a retry.", ["kind"]);
    this.#changes = options.metrics.counter("chat_changes_total", "Changes of messages that were stored.", ["kind"]);
  }

  /** A page of the list; `next` is the cursor of the one after it, null at the end. */
  async list(userId: string, cursor?: string): Promise<{ conversations: Conversation[]; next: string | null }> {
    const limit = limits.chatListPage;
    const [activeAtMs = "", id = ""] = cursor?.split(/\.(.*)/s) ?? [];
    const after = cursor === undefined ? {} : { after: { activeAtMs: Number(activeAtMs), id } };
    const listed = await this.#options.conversations.list(userId, { limit, ...after });
    const found = listed.map(({ conversation, place }) => ({
      conversation: conversationFor(userId, conversation),
      place,
    }));
    const page = fitting(found);
    const last = page.length === limit || page.length < found.length ? page.at(-1) : undefined;
    return {
      conversations: page.map(({ conversation }) => conversation),
      next: last ? `${last.place.activeAtMs}.${last.place.id}` : null,
    };
  }

  /** @throws AppError CANNOT_MESSAGE_SELF, USER_NOT_FOUND */
  async open(userId: string, otherId: string): Promise<Conversation> {
    if (userId === otherId) throw new AppError("CANNOT_MESSAGE_SELF");
    const [other] = await this.#options.people.publicByIds([otherId]);
    if (!other) throw new AppError("USER_NOT_FOUND");
    return conversationFor(userId, await this.#options.conversations.openDirect(userId, otherId, Date.now()));
  }

  /**
   * Resolves once the message is stored for good; it reaches the members' connections right after. `version` is the
   * conversation's that the message is known at.
   * @throws AppError MESSAGE_CONFLICT; MESSAGE_NOT_FOUND when what it answers or corrects is not there; FORBIDDEN to correct
   *   one's own message
   */
  async send(userId: string, draft: Draft): Promise<{ message: Message; version: number }> {
    const { conversationId, clientId, text, replyTo, corrects } = draft;
    await this.#requireMember(userId, conversationId);
    if (replyTo !== undefined) await this.#requireMessage(userId, conversationId, replyTo);
    if (corrects !== undefined) {
      const corrected = await this.#requireMessage(userId, conversationId, corrects);
      if (corrected.senderId === userId) throw new AppError("FORBIDDEN", "One's own message is edited, not corrected.");
    }
    try {
      const { message, version, created } = await this.#options.conversations.append({
        ...{ id: randomUUID(), conversationId, clientId, text },
        ...{ senderId: userId, sentAtMs: Date.now(), replyTo: replyTo ?? null, corrects: corrects ?? null },
      });
      this.#sent.inc({ kind: created ? "new" : "repeated" });
      return { message: messageFor(userId, message), version };
    } finally {
      // Also after a failure: the lock it held may have made a relay pass over an earlier message of the conversation.
      this.#relay.nudge();
    }
  }

  /** @throws AppError MESSAGE_NOT_FOUND, FORBIDDEN, MESSAGE_TOO_OLD, MESSAGE_CORRECTED */
  edit(userId: string, target: Target, text: string): Promise<Change> {
    return this.#change("edit", userId, target, edit(userId, text, Date.now()));
  }

  /** @throws AppError MESSAGE_NOT_FOUND; for all also FORBIDDEN, MESSAGE_TOO_OLD */
  delete(userId: string, target: Target, forWhom: "me" | "all"): Promise<Change> {
    const decide = forWhom === "all" ? deleteForAll(userId, Date.now()) : deleteForMe(userId);
    return this.#change("delete", userId, target, decide);
  }

  /** @throws AppError MESSAGE_NOT_FOUND, TOO_MANY_REACTIONS */
  react(userId: string, target: Target, emoji: string, on: boolean): Promise<Change> {
    return this.#change("react", userId, target, react(userId, emoji, on));
  }

  /** @throws AppError MESSAGE_NOT_FOUND, TOO_MANY_PINS */
  pin(userId: string, target: Target, on: boolean): Promise<Change> {
    return this.#change("pin", userId, target, pin(userId, on, Date.now()));
  }

  async pins(
    userId: string,
    conversationId: string,
    afterSeq: number,
  ): Promise<{ messages: Message[]; next: number | null }> {
    await this.#requireMember(userId, conversationId);
    const stored = await this.#options.conversations.pinned(conversationId, afterSeq);
    const found = stored.map((message) => messageFor(userId, message)).filter(({ deletedFor }) => !deletedFor);
    const messages = fitting(found);
    return { messages, next: messages.length < found.length ? (messages.at(-1)?.seq ?? null) : null };
  }

  /** What changed after a version, all up to the `version` that is returned with it. */
  async changes(
    userId: string,
    conversationId: string,
    afterVersion: number,
    limit: number,
  ): Promise<{ messages: Message[]; version: number; lastVersion: number }> {
    await this.#requireMember(userId, conversationId);
    const { conversations } = this.#options;
    // Asked before the messages: what changed by then is in them.
    const { version: before } = await conversations.marks(conversationId);
    const stored = await conversations.changes(conversationId, afterVersion, limit);
    const messages = fitting(stored.map((message) => messageFor(userId, message)));
    const last = messages.at(-1)?.version ?? 0;
    const whole = messages.length === stored.length && stored.length < limit;
    return { messages, version: whole ? Math.max(before, last) : last, lastVersion: Math.max(before, last) };
  }

  async history(
    userId: string,
    conversationId: string,
    range: { afterSeq?: number | undefined; beforeSeq?: number | undefined; limit: number },
  ): Promise<{ messages: Message[]; lastSeq: number; version: number }> {
    await this.#requireMember(userId, conversationId);
    const { conversations } = this.#options;
    // Asked before the messages, so that they are never behind it.
    const { version } = await conversations.marks(conversationId);
    const stored = await conversations.history(conversationId, {
      limit: range.limit,
      ...(range.afterSeq !== undefined && { afterSeq: range.afterSeq }),
      ...(range.beforeSeq !== undefined && { beforeSeq: range.beforeSeq }),
    });
    const found = stored.map((message) => messageFor(userId, message));
    const messages = range.afterSeq === undefined ? fitting(found.reverse()).reverse() : fitting(found);
    // Asked after the messages, so that it is never behind them.
    const { lastSeq } = await conversations.marks(conversationId);
    return { messages, lastSeq, version };
  }

  async markRead(userId: string, conversationId: string, seq: number): Promise<void> {
    const members = await this.#requireMember(userId, conversationId);
    const moved = await this.#options.conversations.markRead(conversationId, userId, seq);
    if (moved === null) return;
    for (const user of members) {
      this.#options.publisher.publish({ user }, "chat.read", { conversationId, userId, seq: moved });
    }
  }

  /** Told to that person's own connections alone. */
  async mute(userId: string, conversationId: string, muted: boolean): Promise<void> {
    await this.#requireMember(userId, conversationId);
    if (await this.#options.conversations.setMuted(conversationId, userId, muted))
      this.#options.publisher.publish({ user: userId }, "chat.muted", { conversationId, muted });
  }

  /** Tells the other members; nothing is kept. */
  async typing(userId: string, conversationId: string): Promise<void> {
    const members = await this.#requireMember(userId, conversationId);
    for (const user of members)
      if (user !== userId) this.#options.publisher.publish({ user }, "chat.typing", { conversationId, userId });
  }

  /** Publishes what is stored and stops. Idempotent. */
  close(): Promise<void> {
    return this.#relay.close();
  }

  async #change(kind: string, userId: string, { conversationId, seq }: Target, decide: Decide): Promise<Change> {
    await this.#requireMember(userId, conversationId);
    try {
      const { message, changed } = await this.#options.conversations.change(conversationId, seq, decide);
      if (changed) this.#changes.inc({ kind });
      return { message: messageFor(userId, message), afterVersion: Math.max(0, message.version - 1) };
    } finally {
      this.#relay.nudge();
    }
  }

  async #requireMessage(userId: string, conversationId: string, seq: number): Promise<StoredMessage> {
    const message = await this.#options.conversations.message(conversationId, seq);
    if (!message) throw new AppError("MESSAGE_NOT_FOUND");
    requireVisible(userId, message);
    return message;
  }

  async #requireMember(userId: string, conversationId: string): Promise<string[]> {
    const members = await this.#options.conversations.members(conversationId);
    if (!members.includes(userId)) throw new AppError("CONVERSATION_NOT_FOUND");
    return members;
  }
}

function conversationFor(userId: string, { lastMessage, mutedBy, ...conversation }: StoredConversation): Conversation {
  const muted = mutedBy.includes(userId);
  return { ...conversation, lastMessage: lastMessage && messageFor(userId, lastMessage), muted };
}

/** As many of the first items as one page may hold, and at least one. */
function fitting<T>(items: readonly T[]): T[] {
  let bytes = 0;
  const end = items.findIndex((item, at) => {
    bytes += Buffer.byteLength(JSON.stringify(item));
    return at > 0 && bytes > limits.chatPageBytes;
  });
  return items.slice(0, end === -1 ? items.length : end);
}
