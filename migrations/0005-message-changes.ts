import { type Kysely, sql } from "kysely";

/** Messages can be edited, deleted, reacted to, pinned, answered and corrected: each change takes a conversation's next version. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `alter table messages
    add column version bigint not null default 0,
    add column edited_at_ms bigint,
    add column deleted_at_ms bigint,
    add column pinned_at_ms bigint,
    add column reply_to bigint,
    add column corrects bigint,
    add column reactions jsonb not null default '[]',
    add column hidden_from jsonb not null default '[]'`,
  `create index messages_changed on messages (conversation_id, version) where version > 0`,
  `create index messages_pinned on messages (conversation_id, seq) where pinned_at_ms is not null`,
  `create index messages_correcting on messages (conversation_id, corrects) where corrects is not null`,

  // published_version is to changes what published_seq is to messages.
  `alter table conversations
    add column version bigint not null default 0,
    add column published_version bigint not null default 0`,
  `drop index conversations_unpublished`,
  `create index conversations_unpublished on conversations (active_at_ms)
    where published_seq < last_seq or published_version < version`,
];
