import { type Attempt, type AttemptSummary, attempt as attemptSchema, attemptSummary } from "#protocol";
import type { AttemptRepository } from "../drills/ports.ts";
import type { Db } from "./tables.ts";

const columns = [
  "id",
  "drillId",
  "text",
  "startedAtMs",
  "outcome",
  "accuracy",
  "fluency",
  "completeness",
  "total",
  "audioMs",
] as const;

/** Attempts with a row for each word and each phone, so that progress by phone can be asked of the database. */
export class DbAttemptRepository implements AttemptRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async insert(userId: string, attempt: Attempt): Promise<void> {
    const { id: attemptId, words, ...summary } = attempt;
    const wordRows = words.map(({ phones: _, ...word }, wordIndex) => ({ ...word, attemptId, wordIndex }));
    const phoneRows = words.flatMap(({ phones }, wordIndex) =>
      phones.map((phone, phoneIndex) => ({
        ...phone,
        heard: phone.heard ?? null,
        attemptId,
        wordIndex,
        phoneIndex,
      })),
    );
    await this.#db.transaction().execute(async (trx) => {
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto("attempts")
        .values({ ...summary, id: attemptId, userId })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) return;
      if (wordRows.length > 0) await trx.insertInto("attemptWords").values(wordRows).execute();
      if (phoneRows.length > 0) await trx.insertInto("attemptPhones").values(phoneRows).execute();
    });
  }

  async history(userId: string, range: { beforeMs?: number; limit: number }): Promise<AttemptSummary[]> {
    let query = this.#db.selectFrom("attempts").select(columns).where("userId", "=", userId);
    if (range.beforeMs !== undefined) query = query.where("startedAtMs", "<", range.beforeMs);
    const rows = await query.orderBy("startedAtMs", "desc").orderBy("id", "desc").limit(range.limit).execute();
    return rows.map((row) => attemptSummary.parse(row));
  }

  async byId(userId: string, attemptId: string): Promise<Attempt | undefined> {
    const summary = await this.#db
      .selectFrom("attempts")
      .select(columns)
      .where("id", "=", attemptId)
      .where("userId", "=", userId)
      .executeTakeFirst();
    if (!summary) return undefined;
    const words = await this.#db
      .selectFrom("attemptWords")
      .selectAll()
      .where("attemptId", "=", attemptId)
      .orderBy("wordIndex")
      .execute();
    const phones = await this.#db
      .selectFrom("attemptPhones")
      .selectAll()
      .where("attemptId", "=", attemptId)
      .orderBy("wordIndex")
      .orderBy("phoneIndex")
      .execute();
    const byWord = Map.groupBy(phones, (phone) => phone.wordIndex);
    // The schema narrows outcome, band and error type, and drops the key columns.
    return attemptSchema.parse({
      ...summary,
      words: words.map((word) => ({
        ...word,
        phones: (byWord.get(word.wordIndex) ?? []).map(({ heard, ...phone }) => (heard ? { ...phone, heard } : phone)),
      })),
    });
  }
}
