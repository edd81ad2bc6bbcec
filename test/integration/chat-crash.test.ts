import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Message } from "#protocol";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { silent, storedGuest } from "../support/database.ts";
import { postgresMissing, startPostgres } from "../support/postgres.ts";

const program = new URL("../support/send-forever.ts", import.meta.url).pathname;

/** Kills a sending process without warning, then holds what is stored against what it had acknowledged and published. */
async function killWhileSending(open: () => Promise<Database>, env: Record<string, string>): Promise<void> {
  let database = await open();
  const [sender, other] = [await storedGuest(database), await storedGuest(database)];
  const { id } = await database.conversations.openDirect(sender.id, other.id, 0);
  // The embedded database belongs to one process at a time.
  await database.close();

  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env, SENDER: sender.id, CONVERSATION: id },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
    if (printed.split("sent ").length > 150) child.kill("SIGKILL");
  });
  await once(child, "close");
  assert.equal(child.signalCode, "SIGKILL");

  database = await open();
  try {
    const stored = new Map<string, Message>();
    const last = await database.conversations.lastSeq(id);
    for (let at = 0; at < last; at += 100) {
      for (const message of await database.conversations.history(id, { afterSeq: at, limit: 100 }))
        stored.set(message.clientId, message);
    }
    assert.deepEqual(
      [...stored.values()].map((message) => message.seq),
      Array.from({ length: last }, (_, at) => at + 1),
    );
    const acknowledged = [...printed.matchAll(/^sent (\S+) (\d+)$/gm)];
    assert.ok(acknowledged.length >= 149);
    for (const [, clientId = "", seq] of acknowledged) assert.equal(stored.get(clientId)?.seq, Number(seq));

    const before = [...printed.matchAll(/^published (\d+)$/gm)].map(([, seq]) => Number(seq));
    const after: number[] = [];
    while ((await database.outbox.drain(50, ({ message }) => after.push(message.seq))) > 0);
    const inOrder = (seqs: number[]) => seqs.every((seq, at) => at === 0 || seq === seqs[at - 1]! + 1);
    assert.ok(inOrder(before), "published without a gap before the kill");
    assert.ok(inOrder(after), "published without a gap after it");
    assert.equal(new Set([...before, ...after]).size, last, "every message was published at least once");
  } finally {
    await database.close();
  }
}

test("[CHAT-4] kill -9 while sending loses no acknowledged message, on PostgreSQL", {
  skip: postgresMissing(),
}, async () => {
  const postgres = await startPostgres();
  try {
    const url = await postgres.createDatabase();
    const open = () => openDatabase({ DATA_DIR: "", DATABASE_URL: url }, { log: silent });
    await killWhileSending(open, { DATABASE_URL: url });
  } finally {
    await postgres.stop();
  }
});

test("[CHAT-4] kill -9 while sending loses no acknowledged message, on PGlite", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "parlance-crash-"));
  try {
    const open = () => openDatabase({ DATA_DIR: dataDir, DATABASE_URL: undefined }, { log: silent });
    await killWhileSending(open, { DATA_DIR: dataDir });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
