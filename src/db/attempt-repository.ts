import {
  type Attempt,
  type AttemptSummary,
  attempt as attemptSchema,
  attemptSummary,
  pronunciationScore,
} from "#protocol";
import type { AttemptRepository, SpeakerProfile } from "../drills/ports.ts";
import type { Db } from "./tables.ts";

const columns = [
  "id",
  "drillId",
  "language",
  "text",
  "startedAtMs",
  "outcome",
  "accuracy",
  "fluency",
  "completeness",
  "total",
  "audioMs",
  "prosody",
] as const;

/** Attempts with a row for each word and each phone, so that progress by phone can be asked of the database. */
export class DbAttemptRepository implements AttemptRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async insert(userId: string, attempt: Attempt, profile?: SpeakerProfile): Promise<void> {
    const { id: attemptId, words, insertions, speaking, prosody = null, pronunciation: _, ...summary } = attempt;
    const details = asJson({ insertions: insertions.length > 0 ? insertions : undefined, speaking });
    const wordRows = words.map(({ phones: _, stress, ...word }, wordIndex) => ({
      ...word,
      details: asJson({ stress }),
      attemptId,
      wordIndex,
    }));
    const phoneRows = words.flatMap(({ phones }, wordIndex) =>
      phones.map(({ heard = null, nBest, feedback, ...phone }, phoneIndex) => ({
        ...phone,
        heard,
        details: asJson({ nBest, feedback }),
        attemptId,
        wordIndex,
        phoneIndex,
      })),
    );
    await this.#db.transaction().execute(async (trx) => {
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto("attempts")
        .values({
          ...summary,
          prosody,
          details,
          profile: profile ? JSON.stringify(profile) : null,
          id: attemptId,
          userId,
        })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) return;
      if (wordRows.length > 0) await trx.insertInto("attemptWords").values(wordRows).execute();
      if (phoneRows.length > 0) await trx.insertInto("attemptPhones").values(phoneRows).execute();
    });
  }

  async profiles(userId: string, language: string, limit: number): Promise<SpeakerProfile[]> {
    const rows = await this.#db
      .selectFrom("attempts")
      .select("profile")
      .where("userId", "=", userId)
      .where("language", "=", language)
      .where("profile", "is not", null)
      .orderBy("startedAtMs", "desc")
      .orderBy("id", "desc")
      .limit(limit)
      .execute();
    return rows.map(({ profile }) => profile as SpeakerProfile).reverse();
  }

  async history(userId: string, range: { beforeMs?: number; limit: number }): Promise<AttemptSummary[]> {
    let query = this.#db.selectFrom("attempts").select(columns).where("userId", "=", userId);
    if (range.beforeMs !== undefined) query = query.where("startedAtMs", "<", range.beforeMs);
    const rows = await query.orderBy("startedAtMs", "desc").orderBy("id", "desc").limit(range.limit).execute();
    return rows.map((row) => attemptSummary.parse({ ...withoutNulls(row), pronunciation: pronunciationOf(row) }));
  }

  async byId(userId: string, attemptId: string): Promise<Attempt | undefined> {
    const summary = await this.#db
      .selectFrom("attempts")
      .select([...columns, "details"])
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
      ...unpacked(summary),
      pronunciation: pronunciationOf(summary),
      words: words.map((word) => ({
        ...unpacked(word),
        phones: (byWord.get(word.wordIndex) ?? []).map(unpacked),
      })),
    });
  }
}

/** It follows from the other scores, so it is not stored. */
function pronunciationOf(row: Omit<Parameters<typeof pronunciationScore>[0], "prosody"> & { prosody: number | null }) {
  return pronunciationScore({ ...row, prosody: row.prosody ?? undefined });
}

/** Undefined values are left out, and nothing at all is null. */
function asJson(details: Record<string, unknown>): string | null {
  const json = JSON.stringify(details);
  return json === "{}" ? null : json;
}

/** The row with what its `details` hold, where the protocol's optional fields are absent rather than null. */
function unpacked({ details, ...row }: { details: Record<string, unknown> | null }): Record<string, unknown> {
  return withoutNulls({ ...row, ...details });
}

/** Only a drill's id may be null in an attempt. */
function withoutNulls(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([key, value]) => value !== null || key === "drillId"));
}
