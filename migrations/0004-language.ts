import { type Kysely, sql } from "kysely";

/** Sentences and attempts have a language; all there were are English. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ["drills", "attempts"])
    await sql.raw(`alter table ${table} add column language text not null default 'en'`).execute(db);
}
