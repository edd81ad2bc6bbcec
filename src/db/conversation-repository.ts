import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { jsonArrayFrom, jsonObjectFrom } from "kysely/helpers/postgres";
import type {
  ConversationRepository,
  Decide,
  ListPlace,
  NewMessage,
  OutboxEntry,
  OutboxRepository,
  StoredConversation,
  StoredMessage,
} from "../chat/ports.ts";
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
  "messages.version",
  "messages.editedAtMs",
  "messages.deletedAtMs",
  "messages.pinnedAtMs",
  "messages.replyTo",
  "messages.corrects",
  "messages.reactions",
  "messages.hiddenFrom",
] as const;

/**
 * Conversations and their outbox. A conversation's row lock orders its messages and their changes: `append` takes it to give
 * out the next seq, `change` for the next version, `drain` takes it to publish, so that seqs have no gaps and both are
 * published in order by however many nodes.
 */
export class DbConversationRepository implements ConversationRepository, OutboxRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async openDirect(userId: string, otherId: string, nowMs: number): Promise<StoredConversation> {
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
  ): Promise<{ conversation: StoredConversation; place: ListPlace }[]> {
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

  async append(draft: NewMessage): Promise<{ message: StoredMessage; version: number; created: boolean }> {
    const { id, conversationId, clientId, senderId, text, sentAtMs, replyTo, corrects } = draft;
    const bigint = (value: number | null) => sql<number>`${value}::bigint`;
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
            .returning(["lastSeq", "version"]),
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
        .columns(["id", "conversationId", "seq", "clientId", "senderId", "text", "sentAtMs", "replyTo", "corrects"])
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
              bigint(sentAtMs).as("sentAtMs"),
              bigint(replyTo).as("replyTo"),
              bigint(corrects).as("corrects"),
            ]),
        )
        .returning(columns)
        .returning((eb) => eb.selectFrom("next").select("next.version").as("at"))
        .executeTakeFirst();
      if (!created) throw new AppError("CONVERSATION_NOT_FOUND");
      const { at, ...message } = created;
      return { message, version: Number(at), created: true };
    } catch (error) {
      if (!isUniqueViolation(error, "messages_client_id_once")) throw error;
    }
    const { at, ...message } = await this.#db
      .selectFrom("messages")
      .innerJoin("conversations", "conversations.id", "messages.conversationId")
      .select(columns)
      .select("conversations.version as at")
      .where("senderId", "=", senderId)
      .where("clientId", "=", clientId)
      .executeTakeFirstOrThrow();
    const rewritten = message.editedAtMs !== null || message.deletedAtMs !== null;
    const same =
      message.conversationId === conversationId &&
      (rewritten || message.text === text) &&
      message.replyTo === replyTo &&
      message.corrects === corrects;
    if (!same) throw new AppError("MESSAGE_CONFLICT");
    return { message, version: at, created: false };
  }

  async message(conversationId: string, seq: number): Promise<StoredMessage | undefined> {
    return this.#db
      .selectFrom("messages")
      .select(columns)
      .where("conversationId", "=", conversationId)
      .where("seq", "=", seq)
      .executeTakeFirst();
  }

  async change(
    conversationId: string,
    seq: number,
    decide: Decide,
  ): Promise<{ message: StoredMessage; changed: boolean }> {
    return this.#db.transaction().execute(async (trx) => {
      const conversation = await trx
        .selectFrom("conversations")
        .select("version")
        .where("id", "=", conversationId)
        .forNoKeyUpdate()
        .executeTakeFirst();
      const found = await trx
        .selectFrom("messages")
        .select(columns)
        .select((eb) => [
          eb
            .selectFrom("messages as pinned")
            .select((pinned) => pinned.fn.countAll<number>().as("count"))
            .where("pinned.conversationId", "=", conversationId)
            .where("pinned.pinnedAtMs", "is not", null)
            .as("pinned"),
          eb
            .exists(
              eb
                .selectFrom("messages as correction")
                .select("correction.seq")
                .where("correction.conversationId", "=", conversationId)
                .where("correction.corrects", "=", seq)
                .where("correction.deletedAtMs", "is", null),
            )
            .as("corrected"),
        ])
        .where("conversationId", "=", conversationId)
        .where("seq", "=", seq)
        .executeTakeFirst();
      if (!conversation || !found) throw new AppError("MESSAGE_NOT_FOUND");
      const { pinned, corrected, ...message } = found;
      const patch = decide(message, { pinned: Number(pinned), corrected: Boolean(corrected) });
      if (!patch) return { message, changed: false };
      const { reactions, hiddenFrom, ...plain } = patch;
      const version = conversation.version + 1;
      await trx.updateTable("conversations").set({ version }).where("id", "=", conversationId).execute();
      const updated = await trx
        .updateTable("messages")
        .set({
          ...plain,
          version,
          ...(reactions && { reactions: JSON.stringify(reactions) }),
          ...(hiddenFrom && { hiddenFrom: JSON.stringify(hiddenFrom) }),
        })
        .where("conversationId", "=", conversationId)
        .where("seq", "=", seq)
        .returning(columns)
        .executeTakeFirstOrThrow();
      return { message: updated, changed: true };
    });
  }

  async changes(conversationId: string, afterVersion: number, limit: number): Promise<StoredMessage[]> {
    return (
      this.#db
        .selectFrom("messages")
        .select(columns)
        .where("conversationId", "=", conversationId)
        // Implied by the second one; it lets the planner take the index of those.
        .where("version", ">", 0)
        .where("version", ">", afterVersion)
        .orderBy("version")
        .limit(limit)
        .execute()
    );
  }

  async pinned(conversationId: string, afterSeq: number): Promise<StoredMessage[]> {
    return this.#db
      .selectFrom("messages")
      .select(columns)
      .where("conversationId", "=", conversationId)
      .where("pinnedAtMs", "is not", null)
      .where("seq", ">", afterSeq)
      .orderBy("seq")
      .execute();
  }

  async history(
    conversationId: string,
    range: { afterSeq?: number; beforeSeq?: number; limit: number },
  ): Promise<StoredMessage[]> {
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

  async marks(conversationId: string): Promise<{ lastSeq: number; version: number }> {
    const query = this.#db.selectFrom("conversations").select(["lastSeq", "version"]).where("id", "=", conversationId);
    return (await query.executeTakeFirst()) ?? { lastSeq: 0, version: 0 };
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

  async setMuted(conversationId: string, userId: string, muted: boolean): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable("conversationMembers")
      .set({ muted })
      .where("conversationId", "=", conversationId)
      .where("userId", "=", userId)
      .where("muted", "!=", muted)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  async drain(limit: number, publish: (entry: OutboxEntry) => void): Promise<number> {
    return this.#db.transaction().execute(async (trx) => {
      // A conversation that is locked is being published by another node, or written to by one that drains right after.
      const pending = await trx
        .selectFrom("conversations")
        .select(["id", "publishedSeq", "version", "publishedVersion"])
        .where((eb) =>
          eb.or([eb("publishedSeq", "<", eb.ref("lastSeq")), eb("publishedVersion", "<", eb.ref("version"))]),
        )
        .orderBy("activeAtMs")
        .limit(limit)
        .forNoKeyUpdate()
        .skipLocked()
        .execute();
      if (pending.length === 0) return 0;
      const ids = pending.map((conversation) => conversation.id);
      const ofThem = trx
        .selectFrom("messages")
        .innerJoin("conversations", "conversations.id", "messages.conversationId")
        .select(columns)
        .where("messages.conversationId", "in", ids)
        .orderBy("messages.conversationId")
        .limit(limit);
      const messages = await ofThem
        .whereRef("messages.seq", ">", "conversations.publishedSeq")
        .orderBy("messages.seq")
        .execute();
      const changes = await ofThem
        .where("messages.version", ">", 0)
        .whereRef("messages.version", ">", "conversations.publishedVersion")
        .orderBy("messages.version")
        .execute();
      const members = await trx
        .selectFrom("conversationMembers")
        .select(["conversationId", "userId"])
        .where("conversationId", "in", ids)
        .execute();
      const memberIds = Map.groupBy(members, (member) => member.conversationId);
      const messagesOf = Map.groupBy(messages, (message) => message.conversationId);
      const changesOf = Map.groupBy(changes, (message) => message.conversationId);
      for (const { id, version, ...published } of pending) {
        let { publishedSeq, publishedVersion } = published;
        const to = { memberIds: (memberIds.get(id) ?? []).map((member) => member.userId) };
        for (const message of messagesOf.get(id) ?? []) {
          publish({ kind: "new", message, version, ...to });
          publishedSeq = message.seq;
        }
        for (const message of changesOf.get(id) ?? []) {
          publish({ kind: "change", message, afterVersion: publishedVersion, ...to });
          publishedVersion = message.version;
        }
        await trx.updateTable("conversations").set({ publishedSeq, publishedVersion }).where("id", "=", id).execute();
      }
      return messages.length + changes.length;
    });
  }

  #select() {
    return this.#db
      .selectFrom("conversations")
      .select((eb) => [
        "conversations.id",
        "conversations.lastSeq",
        "conversations.version",
        "conversations.activeAtMs",
        jsonArrayFrom(
          eb
            .selectFrom("conversationMembers as member")
            .innerJoin("users", "users.id", "member.userId")
            .select(["users.id", "users.name", "member.readSeq", "member.muted"])
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
  version: number;
  members: { id: string; name: string; readSeq: number; muted: boolean }[];
  lastMessage: StoredMessage | null;
}): StoredConversation {
  return {
    id: row.id,
    members: row.members.map(({ id, name }) => ({ id, name })),
    lastSeq: row.lastSeq,
    version: row.version,
    lastMessage: row.lastMessage,
    readSeq: Object.fromEntries(row.members.map(({ id, readSeq }) => [id, readSeq])),
    mutedBy: row.members.filter(({ muted }) => muted).map(({ id }) => id),
  };
}
