import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Account } from "../../src/accounts/ports.ts";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "./postgres.ts";

export const silent = createLogger("silent");

/** An embedded database in a temporary folder that goes when it is closed. */
export async function embeddedDatabase(): Promise<Database> {
  const folder = mkdtempSync(join(tmpdir(), "parlance-db-"));
  const database = await openDatabase({ DATA_DIR: folder, DATABASE_URL: undefined }, { log: silent });
  return {
    ...database,
    async close() {
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs one conformance suite over PGlite and over PostgreSQL. `database()` is for use inside tests. */
export function onBothDatabases(name: string, suite: (database: () => Database) => void): void {
  describe(`${name} on PGlite`, () => {
    let database: Database;
    before(async () => {
      database = await embeddedDatabase();
    });
    after(() => database.close());
    suite(() => database);
  });
  describe(`${name} on PostgreSQL`, { skip: postgresMissing() }, () => {
    let postgres: TestPostgres;
    let database: Database;
    before(async () => {
      postgres = await startPostgres();
      const url = await postgres.createDatabase();
      database = await openDatabase({ DATA_DIR: "", DATABASE_URL: url }, { log: silent });
    });
    after(async () => {
      await database?.close();
      await postgres?.stop();
    });
    suite(() => database);
  });
}

/** A guest who exists in that database. */
export async function storedGuest(database: Database, name = "Guest"): Promise<Account> {
  const user: Account = { id: randomUUID(), name, kind: "guest", role: "member", passwordHash: null, bannedAtMs: null };
  await database.users.insert(user);
  return user;
}
