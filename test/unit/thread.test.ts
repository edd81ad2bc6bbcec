import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Conversation, Message } from "#protocol";
import { Thread } from "../../client/thread.ts";

const FIRST = Array.from({ length: 60 }, (_, at): Message => {
  const seq = at + 1;
  const senderId = seq % 3 ? "ann" : "bob";
  return {
    ...{ id: `m${seq}`, conversationId: "c", seq, clientId: `c${seq}`, senderId, text: `${seq}`, sentAtMs: seq },
    ...{
      version: 0,
      editedAtMs: null,
      pinnedAtMs: null,
      deletedFor: null,
      reactions: [],
      replyTo: null,
      corrects: null,
    },
  };
});

/** A conversation of the server at some time: the first `lastSeq` of the messages, after the first `version` changes. */
type Moment = { lastSeq: number; version: number };

/** Which message each change is to, by seq; what messages were like at each time. */
function serverOf(changed: readonly number[]) {
  const messagesAt = ({ lastSeq, version }: Moment): Message[] => {
    const messages = FIRST.slice(0, lastSeq);
    for (const [at, seq] of changed.slice(0, version).entries())
      if (messages[seq - 1])
        messages[seq - 1] = { ...messages[seq - 1]!, version: at + 1, text: `${seq} after ${at + 1}` };
    return messages;
  };
  return {
    messagesAt,
    conversationAt: (moment: Moment, readSeq = {}): Conversation => {
      const lastMessage = messagesAt(moment).at(-1) ?? null;
      return { id: "c", members: [], ...moment, lastMessage, readSeq, muted: false };
    },
    changesAt: (moment: Moment, afterVersion: number): Message[] =>
      messagesAt(moment)
        .filter(({ version }) => version > afterVersion)
        .toSorted((a, b) => a.version - b.version),
  };
}

const seq = fc.integer({ min: 1, max: FIRST.length });
const when = { lastSeq: seq, version: fc.nat(30) };
const page = { ...when, seq, length: fc.nat(10) };
const operation = fc.oneof(
  fc.record({ kind: fc.constant("push" as const), ...when }),
  fc.record({ kind: fc.constant("list" as const), ...when }),
  fc.record({ kind: fc.constant("page" as const), ...page }),
  fc.record({ kind: fc.constant("older" as const), ...page }),
  fc.record({ kind: fc.constant("restart" as const), ...page }),
  fc.record({ kind: fc.constant("change" as const), ...when, afterVersion: fc.nat(30) }),
  fc.record({
    kind: fc.constant("changes" as const),
    ...when,
    afterVersion: fc.nat(30),
    limit: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant("trim" as const), ...when }),
);

test("[CHAT-10] [CHAT-15] a thread is an unbroken run, no message older than its version, whatever comes from whatever time in which order, and paging completes it", () => {
  fc.assert(
    fc.property(
      fc.array(seq, { minLength: 30, maxLength: 30 }),
      fc.record(when),
      fc.array(operation, { maxLength: 40 }),
      (changed, start, operations) => {
        const server = serverOf(changed);
        const now = { lastSeq: FIRST.length, version: changed.length };
        const current = server.messagesAt(now);
        const thread = new Thread(server.conversationAt(start));
        const assertRight = () => {
          const first = thread.messages[0]?.seq ?? 1;
          for (const [at, message] of thread.messages.entries()) {
            assert.equal(message.seq, first + at, "an unbroken run");
            const last = current[message.seq - 1]!.version;
            // A change that is superseded by one still to come need not be seen.
            assert.ok(
              message.version === last || last > thread.version,
              "no change up to the thread's version is missing",
            );
          }
          assert.ok(thread.knownSeq >= thread.lastSeq && thread.knownVersion >= thread.version);
        };
        for (const action of operations) {
          const { lastSeq, version } = action;
          const then = server.messagesAt(action);
          const part = "length" in action ? then.slice(action.seq - 1, action.seq - 1 + action.length) : [];
          if (action.kind === "push") thread.add(then.slice(-1), version);
          else if (action.kind === "list") thread.merge(server.conversationAt({ lastSeq, version }));
          else if (action.kind === "page") thread.add(part, version);
          else if (action.kind === "older") thread.addOlder(part, version);
          else if (action.kind === "restart") thread.restart(part, version);
          else if (action.kind === "trim") thread.trim();
          else {
            const { afterVersion } = action;
            const changes = server.changesAt({ lastSeq: FIRST.length, version }, afterVersion);
            if (action.kind === "change") {
              if (changes[0]) thread.change(changes[0], afterVersion);
            } else {
              const cut = changes.slice(0, action.limit);
              const whole = cut.length === changes.length;
              const upTo = whole ? Math.max(version, afterVersion) : cut.at(-1)!.version;
              if (!whole || version >= afterVersion) thread.changes(cut, { afterVersion, version: upTo });
            }
          }
          assertRight();
        }
        thread.merge(server.conversationAt(now));
        while (thread.behind) thread.add(current.slice(thread.lastSeq, thread.lastSeq + 7), now.version);
        while (thread.outdated) {
          const changes = server.changesAt(now, thread.version).slice(0, 3);
          const version = changes.length < 3 ? now.version : changes.at(-1)!.version;
          thread.changes(changes, { afterVersion: thread.version, version });
        }
        while (thread.hasOlder) {
          const first = thread.messages[0]?.seq ?? thread.knownSeq + 1;
          thread.addOlder(current.slice(Math.max(0, first - 8), first - 1), now.version);
        }
        assert.deepEqual(thread.messages, current);
      },
    ),
    { numRuns: 500 },
  );
});

test("[CHAT-6] read marks never move back, and who writes has read", () => {
  const { conversationAt, messagesAt } = serverOf([]);
  const at = (lastSeq: number) => ({ lastSeq, version: 0 });
  const thread = new Thread(conversationAt(at(2), { ann: 2, bob: 1 }));
  assert.equal(thread.read("ann", 1), false);
  thread.add(messagesAt(at(3)).slice(2), 0);
  thread.merge(conversationAt(at(2), { ann: 1, bob: 1 }));
  assert.deepEqual(thread.readSeq, { ann: 2, bob: 3 });
});
