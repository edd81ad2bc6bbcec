import { type Kysely, sql } from "kysely";

/** Each member may mute a conversation for oneself. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(`alter table conversation_members add column muted boolean not null default false`).execute(db);
}
