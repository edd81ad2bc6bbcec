import { readdir } from "node:fs/promises";
import path from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { CamelCasePlugin, type Dialect, Kysely, PGliteDialect, sql } from "kysely";
import { FileMigrationProvider, Migrator } from "kysely/migration";
import type { SecretRepository, SessionRepository, UserRepository } from "../accounts/ports.ts";
import type { ConversationRepository, OutboxRepository } from "../chat/ports.ts";
import type { Config } from "../config.ts";
import type { AttemptRepository, DrillRepository, ProgressRepository } from "../drills/ports.ts";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { RoomRepository } from "../rooms/ports.ts";
import { DbAttemptRepository } from "./attempt-repository.ts";
import { DbConversationRepository } from "./conversation-repository.ts";
import { lockDataDir } from "./data-dir-lock.ts";
import { drillItems } from "./drill-items.ts";
import { DbDrillRepository } from "./drill-repository.ts";
import { postgresDialect } from "./postgres.ts";
import { DbProgressRepository } from "./progress-repository.ts";
import { DbRoomRepository } from "./room-repository.ts";
import { DbSecretRepository } from "./secret-repository.ts";
import { DbSessionRepository } from "./session-repository.ts";
import type { Db, Tables } from "./tables.ts";
import { DbUserRepository } from "./user-repository.ts";

export type Database = {
  /** For what no repository covers: tests and operations. */
  readonly db: Db;
  readonly kind: "pglite" | "postgres";
  readonly users: UserRepository;
  readonly sessions: SessionRepository;
  readonly secrets: SecretRepository;
  readonly conversations: ConversationRepository;
  readonly outbox: OutboxRepository;
  readonly rooms: RoomRepository;
  readonly drills: DrillRepository;
  readonly attempts: AttemptRepository;
  readonly progress: ProgressRepository;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
};

const migrationFolder = path.join(import.meta.dirname, "../../migrations");

/**
 * Opens the embedded database in DATA_DIR, or the PostgreSQL of DATABASE_URL, and brings its tables up to date. Several
 * processes may do so on one PostgreSQL at once.
 * @throws DataDirLocked when another process has DATA_DIR open; Error that says why PostgreSQL can't be reached; what a
 * migration threw
 */
export async function openDatabase(
  config: Pick<Config, "DATABASE_URL" | "DATA_DIR">,
  { log, metrics }: { log: Logger; metrics?: Metrics },
): Promise<Database> {
  const { dialect, release } = config.DATABASE_URL
    ? { dialect: postgresDialect(config.DATABASE_URL, { log, metrics }), release: () => {} }
    : embedded(config.DATA_DIR);
  const db = new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()] });
  const drills = new DbDrillRepository(db);
  const conversations = new DbConversationRepository(db);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= db.destroy().finally(release);
    return closing;
  };
  try {
    await migrate(db, log);
    await drills.seed(drillItems);
  } catch (error) {
    await close();
    if (error instanceof AppError)
      throw new Error(`PostgreSQL can't be reached (see DATABASE_URL): ${reasonOf(error)}`);
    throw error;
  }
  return {
    db,
    kind: config.DATABASE_URL ? "postgres" : "pglite",
    users: new DbUserRepository(db),
    sessions: new DbSessionRepository(db),
    secrets: new DbSecretRepository(db),
    conversations,
    outbox: conversations,
    rooms: new DbRoomRepository(db),
    drills,
    attempts: new DbAttemptRepository(db),
    progress: new DbProgressRepository(db),
    async ping() {
      await sql`select 1`.execute(db);
    },
    close,
  };
}

function reasonOf({ cause }: AppError): string {
  // Where a name has several addresses, the error has one error for each and no text of its own.
  const error = cause instanceof AggregateError ? cause.errors[0] : cause;
  return error instanceof Error ? error.message : "no answer";
}

function embedded(dataDir: string): { dialect: Dialect; release: () => void } {
  const release = lockDataDir(dataDir);
  return { dialect: new PGliteDialect({ pglite: () => new PGlite(path.join(dataDir, "database")) }), release };
}

async function migrate(db: Db, log: Logger): Promise<void> {
  // Without the plugin: migrations name columns as they are.
  const provider = new FileMigrationProvider({ fs: { readdir }, path, migrationFolder });
  const migrator = new Migrator({ db: db.withoutPlugins(), provider });
  const { error, results = [] } = await migrator.migrateToLatest();
  for (const { migrationName, status } of results) {
    if (status === "Success") log.info({ migration: migrationName }, "migrated");
  }
  if (error) throw error;
}
