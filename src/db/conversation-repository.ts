import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { jsonArrayFrom, jsonObjectFrom } from "kysely/helpers/postgres";
import type { Conversation, Message } from "#protocol";
import type { ConversationRepository, ListPlace, OutboxRepository } from "../chat/ports.ts";
import { AppError } from "../lib/app-error.ts";
import type { Db } from "./tables.ts";
import { isUniqueViolation } from "./unique-violation.ts";

/** In the order in which a message is written out. */
const columns = [
  "messages.id",
  "messages.conversationId",
  "messages.seq",
  "messages.clientId",
  "messages.senderId",
  "messages.text",
  "messages.sentAtMs",
] as const;

/**
 * Conversations and their outbox. A conversation's row lock orders its messages: `append` takes it to give out the next
 * seq, `drain` takes it to publish, so that seqs have no gaps and are published in order by however many nodes.
 */
export class DbConversationRepository implements ConversationRepository, OutboxRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async openDirect(userId: string, otherId: string, nowMs: number): Promise<Conversation> {
    const directKey = [userId, otherId].sort().join(" ");
    const id = await this.#db.transaction().execute(async (trx) => {
      const made = await trx
        .insertInto("conversations")
        .values({ id: randomUUID(), directKey, activeAtMs: nowMs })
        .onConflict((conflict) => conflict.column("directKey").doNothing())
        .returning("id")
        .executeTakeFirst();
      if (!made) {
        const found = trx.selectFrom("conversations").select("id").where("directKey", "=", directKey);
        return (await found.executeTakeFirstOrThrow()).id;
      }
      const members = [userId, otherId].map((member) => ({ conversationId: made.id, userId: member }));
      await trx.insertInto("conversationMembers").values(members).execute();
      return made.id;
    });
    return conversationOf(await this.#select().where("conversations.id", "=", id).executeTakeFirstOrThrow());
  }

  async list(
    userId: string,
    { limit, after }: { limit: number; after?: ListPlace },
  ): Promise<{ conversation: Conversation; place: ListPlace }[]> {
    let query = this.#select()
      .innerJoin("conversationMembers as mine", "mine.conversationId", "conversations.id")
      .where("mine.userId", "=", userId)
      .where("conversations.lastSeq", ">", 0);
    if (after)
      query = query.where((eb) =>
        eb.or([
          eb("conversations.activeAtMs", "<", after.activeAtMs),
          eb("conversations.activeAtMs", "=", after.activeAtMs).and("conversations.id", ">", after.id),
        ]),
      );
    const rows = await query
      .orderBy("conversations.activeAtMs", "desc")
      .orderBy("conversations.id")
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      conversation: conversationOf(row),
      place: { activeAtMs: row.activeAtMs, id: row.id },
    }));
  }

  async members(conversationId: string): Promise<string[]> {
    const rows = await this.#db
      .selectFrom("conversationMembers")
      .select("userId")
      .where("conversationId", "=", conversationId)
      .orderBy("userId")
      .execute();
    return rows.map((row) => row.userId);
  }

  async append(message: Omit<Message, "seq">): Promise<{ message: Message; created: boolean }> {
    const { id, conversationId, clientId, senderId, text, sentAtMs } = message;
    try {
      // One statement, so one transaction: a clientId that was used takes the seq back along with all the rest.
      const created = await this.#db
        .with("next", (db) =>
          db
            .updateTable("conversations")
            .set((eb) => ({
              lastSeq: eb("lastSeq", "+", 1),
              activeAtMs: eb.fn<number>("greatest", ["activeAtMs", eb.val(sentAtMs)]),
            }))
            .where("id", "=", conversationId)
            .returning("lastSeq"),
        )
        .with("readByItsSender", (db) =>
          db
            .updateTable("conversationMembers")
            .from("next")
            .set((eb) => ({ readSeq: eb.ref("next.lastSeq") }))
            .where("conversationId", "=", conversationId)
            .where("userId", "=", senderId),
        )
        .insertInto("messages")
        .columns(["id", "conversationId", "seq", "clientId", "senderId", "text", "sentAtMs"])
        .expression((db) =>
          db
            .selectFrom("next")
            .select((eb) => [
              eb.val(id).as("id"),
              eb.val(conversationId).as("conversationId"),
              "next.lastSeq",
              eb.val(clientId).as("clientId"),
              eb.val(senderId).as("senderId"),
              eb.val(text).as("text"),
              eb.cast<number>(eb.val(sentAtMs), "bigint").as("sentAtMs"),
            ]),
        )
        .returning(columns)
        .executeTakeFirst();
      if (!created) throw new AppError("CONVERSATION_NOT_FOUND");
      return { message: created, created: true };
    } catch (error) {
      if (!isUniqueViolation(error, "messages_client_id_once")) throw error;
    }
    const stored = await this.#db
      .selectFrom("messages")
      .select(columns)
      .where("senderId", "=", senderId)
      .where("clientId", "=", clientId)
      .executeTakeFirstOrThrow();
    if (stored.conversationId !== conversationId || stored.text !== text) throw new AppError("MESSAGE_CONFLICT");
    return { message: stored, created: false };
  }

  async history(
    conversationId: string,
    range: { afterSeq?: number; beforeSeq?: number; limit: number },
  ): Promise<Message[]> {
    const { afterSeq, beforeSeq, limit } = range;
    let query = this.#db.selectFrom("messages").select(columns).where("conversationId", "=", conversationId);
    if (afterSeq !== undefined) query = query.where("seq", ">", afterSeq);
    if (beforeSeq !== undefined) query = query.where("seq", "<", beforeSeq);
    const forward = afterSeq !== undefined;
    const messages = await query
      .orderBy("seq", forward ? "asc" : "desc")
      .limit(limit)
      .execute();
    return forward ? messages : messages.reverse();
  }

  async lastSeq(conversationId: string): Promise<number> {
    const query = this.#db.selectFrom("conversations").select("lastSeq").where("id", "=", conversationId);
    return (await query.executeTakeFirst())?.lastSeq ?? 0;
  }

  async markRead(conversationId: string, userId: string, seq: number): Promise<number | null> {
    const reachable = sql<number>`least(${seq}::bigint, ${sql.ref("conversations.lastSeq")})`;
    const moved = await this.#db
      .updateTable("conversationMembers")
      .from("conversations")
      .set({ readSeq: reachable })
      .whereRef("conversations.id", "=", "conversationMembers.conversationId")
      .where("conversationId", "=", conversationId)
      .where("userId", "=", userId)
      .where("readSeq", "<", reachable)
      .returning("readSeq")
      .executeTakeFirst();
    return moved?.readSeq ?? null;
  }

  async drain(limit: number, publish: (entry: { message: Message; memberIds: string[] }) => void): Promise<number> {
    return this.#db.transaction().execute(async (trx) => {
      // A conversation that is locked is being published by another node, or appended to by one that drains right after.
      const pending = await trx
        .selectFrom("conversations")
        .select(["id", "publishedSeq"])
        .whereRef("publishedSeq", "<", "lastSeq")
        .orderBy("activeAtMs")
        .limit(limit)
        .forNoKeyUpdate()
        .skipLocked()
        .execute();
      if (pending.length === 0) return 0;
      const ids = pending.map((conversation) => conversation.id);
      const messages = await trx
        .selectFrom("messages")
        .innerJoin("conversations", "conversations.id", "messages.conversationId")
        .select(columns)
        .where("messages.conversationId", "in", ids)
        .whereRef("messages.seq", ">", "conversations.publishedSeq")
        .orderBy("messages.conversationId")
        .orderBy("messages.seq")
        .limit(limit)
        .execute();
      const members = await trx
        .selectFrom("conversationMembers")
        .select(["conversationId", "userId"])
        .where("conversationId", "in", ids)
        .execute();
      const memberIds = Map.groupBy(members, (member) => member.conversationId);
      const publishedSeq = new Map<string, number>();
      for (const message of messages) {
        const people = memberIds.get(message.conversationId) ?? [];
        publish({ message, memberIds: people.map((member) => member.userId) });
        publishedSeq.set(message.conversationId, message.seq);
      }
      for (const [id, seq] of publishedSeq)
        await trx.updateTable("conversations").set({ publishedSeq: seq }).where("id", "=", id).execute();
      return messages.length;
    });
  }

  #select() {
    return this.#db
      .selectFrom("conversations")
      .select((eb) => [
        "conversations.id",
        "conversations.lastSeq",
        "conversations.activeAtMs",
        jsonArrayFrom(
          eb
            .selectFrom("conversationMembers as member")
            .innerJoin("users", "users.id", "member.userId")
            .select(["users.id", "users.name", "member.readSeq"])
            .whereRef("member.conversationId", "=", "conversations.id")
            .orderBy("users.id"),
        ).as("members"),
        jsonObjectFrom(
          eb
            .selectFrom("messages")
            .select(columns)
            .whereRef("messages.conversationId", "=", "conversations.id")
            .whereRef("messages.seq", "=", "conversations.lastSeq"),
        ).as("lastMessage"),
      ]);
  }
}

function conversationOf(row: {
  id: string;
  lastSeq: number;
  members: { id: string; name: string; readSeq: number }[];
  lastMessage: Message | null;
}): Conversation {
  return {
    id: row.id,
    members: row.members.map(({ id, name }) => ({ id, name })),
    lastSeq: row.lastSeq,
    lastMessage: row.lastMessage,
    readSeq: Object.fromEntries(row.members.map(({ id, readSeq }) => [id, readSeq])),
  };
}
