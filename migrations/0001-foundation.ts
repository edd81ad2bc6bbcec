import { type Kysely, sql } from "kysely";

/**
 * Times are ms since 1970 on the server's clock. Names are compared by `name_key`, made in the server (NFKC, lower case),
 * since `lower()` depends on the database's locale.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `create table users (
    id text primary key,
    name text not null,
    name_key text collate "C" not null,
    kind text not null check (kind in ('guest', 'account', 'external')),
    role text not null check (role in ('member', 'moderator', 'admin')),
    password_hash text,
    banned_at_ms bigint,
    issuer text,
    subject text,
    created_at timestamptz not null default now(),
    constraint users_external_once unique (issuer, subject)
  )`,
  `create unique index users_account_name_once on users (name_key) where kind = 'account'`,
  `create index users_by_name on users (name_key, id)`,

  `create table sessions (
    id text primary key,
    user_id text not null references users on delete cascade,
    refresh_hash text not null,
    previous_hash text,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    revoked_at_ms bigint
  )`,
  `create index sessions_by_user on sessions (user_id)`,

  // Who did what to whom stays when a user goes, so it references nothing.
  `create table audit (
    id bigint generated always as identity primary key,
    at_ms bigint not null,
    action text not null check (action in ('ban', 'unban')),
    user_id text not null,
    by_user_id text,
    reason text
  )`,

  // published_seq is the outbox: messages above it are committed and not yet handed to the hub.
  `create table conversations (
    id text primary key,
    direct_key text unique,
    last_seq bigint not null default 0,
    published_seq bigint not null default 0,
    active_at_ms bigint not null
  )`,
  `create index conversations_unpublished on conversations (active_at_ms) where published_seq < last_seq`,
  `create table conversation_members (
    conversation_id text not null references conversations on delete cascade,
    user_id text not null references users on delete cascade,
    read_seq bigint not null default 0,
    primary key (conversation_id, user_id)
  )`,
  `create index conversation_members_by_user on conversation_members (user_id)`,
  `create table messages (
    conversation_id text not null references conversations on delete cascade,
    seq bigint not null check (seq > 0),
    id text not null unique,
    sender_id text not null references users,
    client_id text not null,
    text text not null,
    sent_at_ms bigint not null,
    primary key (conversation_id, seq),
    constraint messages_client_id_once unique (sender_id, client_id)
  )`,

  `create table secrets (name text primary key, value text not null)`,

  `create table rooms (
    id text primary key,
    topic text not null,
    language text not null,
    capacity integer not null,
    created_by text not null,
    created_at_ms bigint not null,
    closed_at_ms bigint
  )`,
  `create index rooms_open on rooms (created_at_ms desc) where closed_at_ms is null`,

  `create table drills (
    id text primary key,
    position integer not null,
    text text not null,
    level text not null,
    focus text not null
  )`,
  `create table attempts (
    id text primary key,
    user_id text not null references users on delete cascade,
    drill_id text references drills on delete set null,
    text text not null,
    started_at_ms double precision not null,
    outcome text not null,
    accuracy double precision not null,
    fluency double precision not null,
    completeness double precision not null,
    total double precision not null,
    audio_ms double precision not null
  )`,
  `create index attempts_by_user on attempts (user_id, started_at_ms desc)`,
  `create table attempt_words (
    attempt_id text not null references attempts on delete cascade,
    word_index integer not null,
    text text not null,
    score double precision not null,
    error_type text not null,
    start_ms double precision not null,
    end_ms double precision not null,
    primary key (attempt_id, word_index)
  )`,
  `create table attempt_phones (
    attempt_id text not null,
    word_index integer not null,
    phone_index integer not null,
    phone text not null,
    score double precision not null,
    band text not null,
    start_ms double precision not null,
    end_ms double precision not null,
    heard text,
    primary key (attempt_id, word_index, phone_index),
    foreign key (attempt_id, word_index) references attempt_words on delete cascade
  )`,
];
