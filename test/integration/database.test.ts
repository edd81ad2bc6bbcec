import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pino } from "pino";
import { lockDataDir } from "../../src/db/data-dir-lock.ts";
import { type Database, openDatabase } from "../../src/db/database.ts";
import type { AppError } from "../../src/lib/app-error.ts";
import type { Logger } from "../../src/lib/logger.ts";
import { silent, storedGuest } from "../support/database.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../support/postgres.ts";

const embedded = (dataDir: string) => openDatabase({ DATA_DIR: dataDir, DATABASE_URL: undefined }, { log: silent });
const onPostgres = (url: string, log: Logger = silent) => openDatabase({ DATA_DIR: "", DATABASE_URL: url }, { log });

function script(code: string): ChildProcess {
  const lock = new URL("../../src/db/data-dir-lock.ts", import.meta.url);
  const database = new URL("../../src/db/database.ts", import.meta.url);
  const logger = new URL("../../src/lib/logger.ts", import.meta.url);
  const head = `import { lockDataDir } from "${lock}"; import { openDatabase } from "${database}"; import { createLogger } from "${logger}";`;
  return spawn(process.execPath, ["--input-type=module", "--eval", head + code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}
async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = await once(child.stdout!, "data");
  return `${chunk}`.trim();
}

describe("the embedded database", () => {
  let dataDir: string;
  before(() => {
    dataDir = mkdtempSync(join(tmpdir(), "parlance-data-"));
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  test("[DB-1] keeps its data under DATA_DIR, from one start to the next", async () => {
    const first = await embedded(dataDir);
    assert.equal(first.kind, "pglite");
    const user = await storedGuest(first, "Keeper");
    await first.close();
    await first.close();
    const second = await embedded(dataDir);
    assert.deepEqual(await second.users.byId(user.id), user);
    await second.close();
  });

  test("[DB-3] a second process is refused with the pid of the first and a remedy", async () => {
    const child = script(
      `const release = lockDataDir(${JSON.stringify(dataDir)}); console.log("locked"); setInterval(() => {}, 1000)`,
    );
    assert.equal(await firstLine(child), "locked");
    await assert.rejects(embedded(dataDir), (error: Error) => {
      assert.equal(error.name, "DataDirLocked");
      assert.match(error.message, new RegExp(`process ${child.pid}\\b.*Stop it`));
      return true;
    });
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  });

  test("[DB-4] after a kill in the middle of writing, the next start takes over and finds what was stored", async () => {
    const child = script(`
      const db = await openDatabase({ DATA_DIR: ${JSON.stringify(dataDir)} }, { log: createLogger("silent") });
      for (let at = 0; ; at += 1) {
        const user = { id: "killed-" + at, name: "K", kind: "guest", role: "member", passwordHash: null, bannedAtMs: null };
        await db.users.insert(user);
        console.log(user.id);
      }`);
    let printed = "";
    child.stdout!.on("data", (chunk) => {
      printed += chunk;
      if (printed.split("\n").length > 50) child.kill("SIGKILL");
    });
    await once(child, "close");
    const stored = printed.split("\n").slice(0, -1);
    const database = await embedded(dataDir);
    for (const id of stored) assert.ok(await database.users.byId(id), id);
    await database.close();
  });

  test("[DB-4] a lock is stale when its process id belongs to another process now", () => {
    const folder = mkdtempSync(join(tmpdir(), "parlance-lock-"));
    const holder = { pid: process.pid, startedAt: "another time", host: hostname(), token: "t" };
    writeFileSync(join(folder, "database.lock.7"), JSON.stringify(holder));
    const release = lockDataDir(folder);
    assert.deepEqual(readdirSync(folder), ["database.lock.8"]);
    assert.throws(() => lockDataDir(folder), /in use by process/);
    release();
    release();
    assert.deepEqual(readdirSync(folder), []);
    rmSync(folder, { recursive: true });
  });

  test("[DB-3] a lock of another host is respected, and the message names the file to delete", () => {
    const folder = mkdtempSync(join(tmpdir(), "parlance-lock-"));
    const holder = { pid: 1, startedAt: "s", host: "elsewhere.example", token: "t" };
    writeFileSync(join(folder, "database.lock.1"), JSON.stringify(holder));
    assert.throws(() => lockDataDir(folder), /on elsewhere\.example.*database\.lock\.1/);
    rmSync(folder, { recursive: true });
  });

  test("[DB-4] of several processes that start at once on a stale lock, one gets it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "parlance-lock-"));
    const holder = { pid: process.pid, startedAt: "another time", host: hostname(), token: "t" };
    writeFileSync(join(folder, "database.lock.1"), JSON.stringify(holder));
    const children = Array.from({ length: 4 }, () =>
      script(`
        let mine = "no";
        try { lockDataDir(${JSON.stringify(folder)}); mine = "yes"; } catch {}
        console.log(mine);
        setInterval(() => {}, 1000);`),
    );
    const answers = await Promise.all(children.map(firstLine));
    for (const child of children) child.kill("SIGKILL");
    assert.deepEqual(answers.sort(), ["no", "no", "no", "yes"]);
    rmSync(folder, { recursive: true });
  });
});

describe("PostgreSQL", { skip: postgresMissing() }, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres?.stop());

  test("[DB-2] several processes may start at once on an empty database, and again later", async () => {
    const url = await postgres.createDatabase();
    const start = () => Promise.all(Array.from({ length: 4 }, () => onPostgres(url)));
    const tables = async (database: Database) =>
      (await database.db.introspection.getTables()).map((table) => table.name);
    const first = await start();
    const names = await tables(first[0]!);
    assert.ok(names.includes("messages"));
    const again = await start();
    assert.deepEqual(await tables(again[0]!), names);
    for (const database of [...first, ...again]) await database.close();
  });

  test("[DB-8] a database that is gone answers with UNAVAILABLE and is logged once, and serves again once it is back", async () => {
    const own = await startPostgres();
    const lines: string[] = [];
    const log = pino({ level: "info" }, { write: (line) => void lines.push(line) });
    try {
      const database = await onPostgres(await own.createDatabase(), log);
      const { id } = await storedGuest(database);
      await own.kill();
      for (let tries = 0; tries < 3; tries += 1)
        await assert.rejects(database.users.byId(id), (error) => (error as AppError).code === "UNAVAILABLE");
      await own.start();
      assert.equal((await database.users.byId(id))?.id, id);
      assert.equal(lines.filter((line) => line.includes("the database is unreachable")).length, 1);
      assert.equal(lines.filter((line) => line.includes("the database is back")).length, 1);
      await database.close();
    } finally {
      await own.stop();
    }
  });
});
