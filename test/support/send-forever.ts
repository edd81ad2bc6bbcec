// A process that sends messages until it is killed: DATA_DIR or DATABASE_URL, then SENDER and CONVERSATION, from the
// environment, and edits every third one. Prints "sent CLIENT_ID SEQ" once a message was acknowledged and "published SEQ"
// when it was pushed; "edited SEQ VERSION" and "changed FROM TO" are the same of a change.
import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { Chat } from "../../src/chat/chat.ts";
import { openDatabase } from "../../src/db/database.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import type { Publisher, PushPayload } from "../../src/protocol/index.ts";

const { DATA_DIR = "", DATABASE_URL, SENDER = "", CONVERSATION: conversationId = "" } = process.env;
const log = createLogger("silent");
const database = await openDatabase({ DATA_DIR, DATABASE_URL }, { log });
// Synchronous, so that a line that was printed is one that the parent reads, however this process ends.
const print = (line: string) => writeSync(1, `${line}\n`);
const publisher: Pick<Publisher, "publish"> = {
  publish(to, name, payload) {
    if (!("user" in to) || to.user !== SENDER) return;
    if (name === "chat.message") print(`published ${(payload as PushPayload<"chat.message">).message.seq}`);
    if (name !== "chat.changed") return;
    const { message, afterVersion } = payload as PushPayload<"chat.changed">;
    print(`changed ${afterVersion} ${message.version}`);
  },
};
const { conversations, outbox, users: people } = database;
const chat = new Chat({ conversations, outbox, people, publisher, log, metrics: createMetrics() });

async function sendForever(): Promise<never> {
  for (;;) {
    const clientId = randomUUID();
    const { message } = await chat.send(SENDER, { conversationId, clientId, text: `message ${clientId}` });
    print(`sent ${clientId} ${message.seq}`);
    if (message.seq % 3 > 0) continue;
    const target = { conversationId, seq: message.seq };
    const { message: edited } = await chat.edit(SENDER, target, `edited ${clientId}`);
    print(`edited ${edited.seq} ${edited.version}`);
  }
}
await Promise.all([sendForever(), sendForever(), sendForever(), sendForever()]);
