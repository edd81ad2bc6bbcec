import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#protocol";
import { deleteForAll, deleteForMe, edit } from "../../src/chat/changes.ts";
import type { StoredMessage } from "../../src/chat/ports.ts";
import type { AppError } from "../../src/lib/app-error.ts";

const message: StoredMessage = {
  ...{ id: "m", conversationId: "c", seq: 1, clientId: "1", senderId: "ann", text: "hi", sentAtMs: 1_000, version: 0 },
  ...{ editedAtMs: null, deletedAtMs: null, pinnedAtMs: null, reactions: [], hiddenFrom: [] },
  ...{ replyTo: null, corrects: null },
};
const alone = { pinned: 0, corrected: false };
const fails = (act: () => unknown, code: string) => assert.throws(act, (error) => (error as AppError).code === code);

test("[CHAT-16] a message is edited for messageEditMs after its sending", () => {
  const last = message.sentAtMs + limits.messageEditMs;
  assert.deepEqual(edit("ann", "ho", last)(message, alone), { text: "ho", editedAtMs: last });
  fails(() => edit("ann", "ho", last + 1)(message, alone), "MESSAGE_TOO_OLD");
  fails(() => edit("bob", "ho", last + 1)(message, alone), "FORBIDDEN");
});

test("[CHAT-17] a message is deleted for all for messageDeleteMs after its sending, for oneself at any time", () => {
  const last = message.sentAtMs + limits.messageDeleteMs;
  assert.equal(deleteForAll("ann", last)(message, alone)?.deletedAtMs, last);
  fails(() => deleteForAll("ann", last + 1)(message, alone), "MESSAGE_TOO_OLD");
  assert.deepEqual(deleteForMe("bob")(message, alone), { hiddenFrom: ["bob"] });
});
