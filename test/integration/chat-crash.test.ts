import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { OutboxEntry, StoredMessage } from "../../src/chat/ports.ts";
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
    const stored = new Map<string, StoredMessage>();
    const { lastSeq: last, version } = await database.conversations.marks(id);
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
    /** Changes as they were published, by whom however often: a client that hears them all in turn misses none. */
    const changes = [...printed.matchAll(/^changed (\d+) (\d+)$/gm)].map(([, from, to]) => [Number(from), Number(to)]);
    const publish = (entry: OutboxEntry) => {
      if (entry.kind === "new") after.push(entry.message.seq);
      else changes.push([entry.afterVersion, entry.message.version]);
    };
    while ((await database.outbox.drain(50, publish)) > 0);
    const inOrder = (seqs: number[]) => seqs.every((seq, at) => at === 0 || seq === seqs[at - 1]! + 1);
    assert.ok(inOrder(before), "published without a gap before the kill");
    assert.ok(inOrder(after), "published without a gap after it");
    assert.equal(new Set([...before, ...after]).size, last, "every message was published at least once");

    const edited = [...printed.matchAll(/^edited (\d+) (\d+)$/gm)];
    assert.ok(edited.length > 10);
    const messages = [...stored.values()];
    for (const [, seq, changed] of edited) {
      const message = messages[Number(seq) - 1];
      assert.ok(
        message?.text.startsWith("edited") && message.version >= Number(changed),
        "an acknowledged edit is there",
      );
    }
    let heard = 0;
    for (const [from = 0, to = 0] of changes) if (from <= heard) heard = Math.max(heard, to);
    assert.equal(heard, version, "every change was published at least once, in order");
  } finally {
    await database.close();
  }
}

test("[CHAT-4] [CHAT-14] kill -9 while sending and editing loses nothing that was acknowledged, on PostgreSQL", {
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

test("[CHAT-4] [CHAT-14] kill -9 while sending and editing loses nothing that was acknowledged, on PGlite", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "parlance-crash-"));
  try {
    const open = () => openDatabase({ DATA_DIR: dataDir, DATABASE_URL: undefined }, { log: silent });
    await killWhileSending(open, { DATA_DIR: dataDir });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
