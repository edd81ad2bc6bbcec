import { randomUUID } from "node:crypto";
import { type Conversation, limits, type Message, type Publisher } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { MessageRelay } from "./message-relay.ts";
import type { ConversationRepository, OutboxRepository, People } from "./ports.ts";

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

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#relay = new MessageRelay(options);
    this.#sent = options.metrics.counter("chat_messages_total", "Messages sent, new or repeated by a retry.", ["kind"]);
  }

  /** A page of the list; `next` is the cursor of the one after it, null at the end. */
  async list(userId: string, cursor?: string): Promise<{ conversations: Conversation[]; next: string | null }> {
    const limit = limits.chatListPage;
    const [activeAtMs = "", id = ""] = cursor?.split(/\.(.*)/s) ?? [];
    const after = cursor === undefined ? {} : { after: { activeAtMs: Number(activeAtMs), id } };
    const found = await this.#options.conversations.list(userId, { limit, ...after });
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
    return this.#options.conversations.openDirect(userId, otherId, Date.now());
  }

  /** Resolves once the message is stored for good; it reaches the members' connections right after. @throws AppError MESSAGE_CONFLICT */
  async send(userId: string, draft: { conversationId: string; clientId: string; text: string }): Promise<Message> {
    await this.#requireMember(userId, draft.conversationId);
    try {
      const { conversationId, clientId, text } = draft;
      const { message, created } = await this.#options.conversations.append({
        ...{ id: randomUUID(), conversationId, clientId, text },
        ...{ senderId: userId, sentAtMs: Date.now() },
      });
      this.#sent.inc({ kind: created ? "new" : "repeated" });
      return message;
    } finally {
      // Also after a failure: the lock it held may have made a relay pass over an earlier message of the conversation.
      this.#relay.nudge();
    }
  }

  async history(
    userId: string,
    conversationId: string,
    range: { afterSeq?: number | undefined; beforeSeq?: number | undefined; limit: number },
  ): Promise<{ messages: Message[]; lastSeq: number }> {
    await this.#requireMember(userId, conversationId);
    const { conversations } = this.#options;
    const found = await conversations.history(conversationId, {
      limit: range.limit,
      ...(range.afterSeq !== undefined && { afterSeq: range.afterSeq }),
      ...(range.beforeSeq !== undefined && { beforeSeq: range.beforeSeq }),
    });
    const messages = range.afterSeq === undefined ? fitting(found.reverse()).reverse() : fitting(found);
    // Asked after the messages, so that it is never behind them.
    return { messages, lastSeq: await conversations.lastSeq(conversationId) };
  }

  async markRead(userId: string, conversationId: string, seq: number): Promise<void> {
    const members = await this.#requireMember(userId, conversationId);
    const moved = await this.#options.conversations.markRead(conversationId, userId, seq);
    if (moved === null) return;
    for (const user of members) {
      this.#options.publisher.publish({ user }, "chat.read", { conversationId, userId, seq: moved });
    }
  }

  /** Publishes what is stored and stops. Idempotent. */
  close(): Promise<void> {
    return this.#relay.close();
  }

  async #requireMember(userId: string, conversationId: string): Promise<string[]> {
    const members = await this.#options.conversations.members(conversationId);
    if (!members.includes(userId)) throw new AppError("CONVERSATION_NOT_FOUND");
    return members;
  }
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
