import { type RawBuilder, sql } from "kysely";
import type { PhoneTally, PractisedTally, ProgressRepository } from "../drills/ports.ts";
import type { Db } from "./tables.ts";

/** Outcomes in which the sentence was read. */
const READ = ["scored", "incomplete"];

/** `pronunciationScore` of the protocol, unrounded: it follows from the other scores, so it is not stored. LEAST skips nulls. */
const pronunciation = sql<number>`
  0.2 * (accuracy + fluency + completeness + coalesce(prosody, 0))
  + CASE WHEN prosody IS NULL THEN 0.4 ELSE 0.2 END * least(accuracy, fluency, completeness, prosody)`;

/** What attempts add up to. Sums are made in the database: a year of practice is some 100,000 rows. */
export class DbProgressRepository implements ProgressRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async practised(userId: string, starts: readonly number[]): Promise<PractisedTally[]> {
    return this.#db
      .selectFrom("attempts")
      .where("userId", "=", userId)
      .where("startedAtMs", ">=", starts[0] ?? 0)
      .where("outcome", "in", READ)
      .select((eb) => [
        periodOf(starts).as("period"),
        eb.cast<number>(eb.fn.countAll(), "integer").as("attempts"),
        eb.fn.sum<number>("audioMs").as("audioMs"),
        eb.fn.avg<number>(pronunciation).as("pronunciation"),
      ])
      .groupBy("period")
      .orderBy("period")
      .execute();
  }

  async phones(userId: string, language: string, starts: readonly number[], newest: number): Promise<PhoneTally[]> {
    const attempts = this.#db
      .selectFrom("attempts")
      .where("userId", "=", userId)
      .where("language", "=", language)
      .where("startedAtMs", ">=", starts[0] ?? 0)
      .where("outcome", "in", READ)
      .orderBy("startedAtMs", "desc")
      .limit(newest)
      .select((eb) => [eb.ref("id").as("attemptId"), periodOf(starts).as("period")]);
    return (
      this.#db
        .selectFrom(attempts.as("read"))
        .innerJoin("attemptPhones as said", "said.attemptId", "read.attemptId")
        // What was left out has no length.
        .whereRef("said.endMs", ">", "said.startMs")
        .select((eb) => [
          "read.period",
          "said.phone",
          "said.heard",
          eb.cast<number>(eb.fn.countAll(), "integer").as("count"),
          eb.fn.sum<number>("said.score").as("scores"),
          eb.cast<number>(eb.fn.countAll().filterWhere("said.band", "=", "poor"), "integer").as("poor"),
        ])
        .groupBy(["read.period", "said.phone", "said.heard"])
        .execute()
    );
  }
}

/** The index of the last of `starts` that the attempt did not begin before. */
function periodOf(starts: readonly number[]): RawBuilder<number> {
  return sql<number>`width_bucket(started_at_ms, ${[...starts]}::double precision[]) - 1`;
}
