import { type Kysely, sql } from "kysely";

/** What a result has more of: its prosody score, and as JSON what no query looks into. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `alter table attempts add column prosody double precision, add column details jsonb`,
  `alter table attempt_words add column details jsonb`,
  `alter table attempt_phones add column details jsonb`,
];
