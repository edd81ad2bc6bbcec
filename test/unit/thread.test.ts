import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Conversation, Message } from "#protocol";
import { Thread } from "../../client/thread.ts";

const stored = Array.from({ length: 60 }, (_, at): Message => {
  const seq = at + 1;
  const senderId = seq % 3 ? "ann" : "bob";
  return { id: `m${seq}`, conversationId: "c", seq, clientId: `c${seq}`, senderId, text: `${seq}`, sentAtMs: seq };
});
const conversationAt = (lastSeq: number, readSeq = {}): Conversation => ({
  id: "c",
  members: [],
  lastSeq,
  lastMessage: stored[lastSeq - 1] ?? null,
  readSeq,
});
const between = (first: number, last: number) => stored.slice(Math.max(0, first - 1), last);

function assertUnbroken(thread: Thread): void {
  const [first] = thread.messages;
  assert.deepEqual(
    thread.messages,
    first ? between(first.seq, first.seq + thread.messages.length - 1) : [],
    "an unbroken run of what is stored",
  );
  assert.ok(thread.knownSeq >= thread.lastSeq);
}

const seq = fc.integer({ min: 1, max: stored.length });
const operation = fc.oneof(
  fc.record({ kind: fc.constant("push" as const), seq }),
  fc.record({ kind: fc.constant("list" as const), seq }),
  fc.record({ kind: fc.constant("page" as const), seq, length: fc.nat(10) }),
  fc.record({ kind: fc.constant("older" as const), seq, length: fc.nat(10) }),
  fc.record({ kind: fc.constant("restart" as const), seq, length: fc.nat(10) }),
  fc.record({ kind: fc.constant("trim" as const), seq }),
);

test("[CHAT-10] a thread is an unbroken run of messages whatever comes in which order, and paging completes it", () => {
  fc.assert(
    fc.property(fc.nat(stored.length), fc.array(operation, { maxLength: 40 }), (start, operations) => {
      const thread = new Thread(conversationAt(start));
      for (const action of operations) {
        const page = "length" in action ? between(action.seq, action.seq + action.length) : [];
        if (action.kind === "push") thread.add(between(action.seq, action.seq));
        else if (action.kind === "list") thread.merge(conversationAt(action.seq));
        else if (action.kind === "page") thread.add(page);
        else if (action.kind === "older") thread.addOlder(page);
        else if (action.kind === "restart") thread.restart(page);
        else thread.trim();
        assertUnbroken(thread);
      }
      thread.merge(conversationAt(stored.length));
      while (thread.behind) thread.add(between(thread.lastSeq + 1, thread.lastSeq + 7));
      while (thread.hasOlder) {
        const first = thread.messages[0]?.seq ?? thread.knownSeq + 1;
        thread.addOlder(between(first - 7, first - 1));
      }
      assert.deepEqual(thread.messages, stored);
    }),
    { numRuns: 500 },
  );
});

test("[CHAT-6] read marks never move back, and who writes has read", () => {
  const thread = new Thread(conversationAt(2, { ann: 2, bob: 1 }));
  assert.equal(thread.read("ann", 1), false);
  thread.add(between(3, 3));
  thread.merge(conversationAt(2, { ann: 1, bob: 1 }));
  assert.deepEqual(thread.readSeq, { ann: 2, bob: 3 });
});
