import { type Kysely, sql } from "kysely";

/** What a reading told of its speaker's pronunciation, for the judging of the next ones: null where it told too little. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table attempts add column profile jsonb`.execute(db);
}
