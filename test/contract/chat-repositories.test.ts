import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { NewMessage, OutboxEntry, StoredMessage } from "../../src/chat/ports.ts";
import { AppError } from "../../src/lib/app-error.ts";
import { onBothDatabases, storedGuest } from "../support/database.ts";

onBothDatabases("ConversationRepository", (database) => {
  const people = async () =>
    [(await storedGuest(database(), "Ann")).id, (await storedGuest(database(), "Bob")).id] as const;
  const opened = async () => {
    const [ann, bob] = await people();
    const { id } = await database().conversations.openDirect(ann, bob, 1_000);
    return { id, ann, bob };
  };
  const draft = (conversationId: string, senderId: string, extra: Partial<NewMessage> = {}): NewMessage => ({
    id: randomUUID(),
    conversationId,
    senderId,
    clientId: randomUUID(),
    text: "hello",
    sentAtMs: 1_800_000_000_000,
    replyTo: null,
    corrects: null,
    ...extra,
  });
  const append = async (message: NewMessage) => (await database().conversations.append(message)).message;
  const list = async (userId: string) =>
    (await database().conversations.list(userId, { limit: 100 })).map(({ conversation }) => conversation);
  const history = (id: string, range: { afterSeq?: number; beforeSeq?: number; limit?: number } = {}) =>
    database().conversations.history(id, { limit: 100, ...range });

  test("[CHAT-1] two people have one direct conversation, whoever opens it and however many at once", async () => {
    const [ann, bob] = await people();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        at % 2 ? database().conversations.openDirect(ann, bob, at) : database().conversations.openDirect(bob, ann, at),
      ),
    );
    assert.equal(new Set(all.map((conversation) => conversation.id)).size, 1);
    const conversation = all[0]!;
    assert.deepEqual(await database().conversations.members(conversation.id), [ann, bob].sort());
    assert.deepEqual(conversation.members.map((member) => member.name).sort(), ["Ann", "Bob"]);
    assert.deepEqual(conversation.readSeq, { [ann]: 0, [bob]: 0 });
    assert.deepEqual([conversation.lastSeq, conversation.lastMessage], [0, null]);
  });

  test("an unknown conversation has no members, no messages and takes none", async () => {
    const [ann] = await people();
    assert.deepEqual(await database().conversations.members("none"), []);
    assert.deepEqual(await history("none"), []);
    assert.equal((await database().conversations.marks("none")).lastSeq, 0);
    await assert.rejects(append(draft("none", ann)), (error) => (error as AppError).code === "CONVERSATION_NOT_FOUND");
  });

  test("[CHAT-2] 50 messages sent at once get the seqs 1 to 50, each once", async () => {
    const { id, ann, bob } = await opened();
    const sent = await Promise.all(
      Array.from({ length: 50 }, (_, at) => append(draft(id, at % 2 ? ann : bob, { text: `message ${at}` }))),
    );
    const expected = Array.from({ length: 50 }, (_, at) => at + 1);
    assert.deepEqual(
      sent.map((message) => message.seq).sort((a, b) => a - b),
      expected,
    );
    const stored = await history(id);
    assert.deepEqual(
      stored.map((message) => message.seq),
      expected,
    );
    assert.deepEqual(
      stored,
      sent.toSorted((a, b) => a.seq - b.seq),
    );
    assert.equal((await database().conversations.marks(id)).lastSeq, 50);
  });

  test("[CHAT-3] a message that is sent again is stored once, also when both come at once", async () => {
    const { id, ann } = await opened();
    const clientId = randomUUID();
    const results = await Promise.all(
      Array.from({ length: 8 }, () => database().conversations.append(draft(id, ann, { clientId }))),
    );
    assert.equal(results.filter((result) => result.created).length, 1);
    assert.equal(new Set(results.map((result) => result.message.id)).size, 1);
    const next = await append(draft(id, ann));
    assert.equal(next.seq, 2, "a repeated message takes no seq");
  });

  test("[CHAT-3] a client id is good for one message only", async () => {
    const { id, ann, bob } = await opened();
    const other = await opened();
    const clientId = randomUUID();
    await append(draft(id, ann, { clientId }));
    const conflicts = [draft(id, ann, { clientId, text: "else" }), draft(other.id, ann, { clientId })];
    for (const message of conflicts) {
      await assert.rejects(append(message), (error) => error instanceof AppError && error.code === "MESSAGE_CONFLICT");
    }
    assert.equal((await append(draft(id, bob, { clientId }))).seq, 2, "another sender may use the same one");
    assert.equal((await database().conversations.marks(other.id)).lastSeq, 0);
  });

  test("text comes back as it was sent", async () => {
    const { id, ann } = await opened();
    const text = "línea 1\nline 2 \t 👩🏽‍🏫 '\"\\ %s $1 --";
    await append(draft(id, ann, { text }));
    assert.equal((await history(id))[0]?.text, text);
  });

  test("[CHAT-5] history pages forward from a seq, backward from a seq, or from the end", async () => {
    const { id, ann } = await opened();
    for (let at = 0; at < 10; at += 1) await append(draft(id, ann));
    const seqs = async (range: { afterSeq?: number; beforeSeq?: number; limit?: number }) =>
      (await history(id, range)).map((message) => message.seq);
    assert.deepEqual(await seqs({ limit: 3 }), [8, 9, 10]);
    assert.deepEqual(await seqs({ beforeSeq: 8, limit: 3 }), [5, 6, 7]);
    assert.deepEqual(await seqs({ beforeSeq: 3, limit: 5 }), [1, 2]);
    assert.deepEqual(await seqs({ afterSeq: 0, limit: 3 }), [1, 2, 3]);
    assert.deepEqual(await seqs({ afterSeq: 8, limit: 3 }), [9, 10]);
    assert.deepEqual(await seqs({ afterSeq: 2, beforeSeq: 9, limit: 3 }), [3, 4, 5]);
    assert.deepEqual(await seqs({ afterSeq: Number.MAX_SAFE_INTEGER }), []);
    assert.deepEqual(await seqs({ beforeSeq: Number.MAX_SAFE_INTEGER, limit: 1 }), [10]);
  });

  test("[CHAT-6] a read mark moves forward, no further than the last message, and never back", async () => {
    const { id, ann, bob } = await opened();
    for (let at = 0; at < 5; at += 1) await append(draft(id, ann));
    const mark = (seq: number) => database().conversations.markRead(id, bob, seq);
    assert.equal(await mark(3), 3);
    assert.equal(await mark(3), null);
    assert.equal(await mark(2), null);
    assert.equal(await mark(Number.MAX_SAFE_INTEGER), 5);
    assert.equal(await database().conversations.markRead(id, "stranger", 1), null);
    const [conversation] = await list(bob);
    assert.deepEqual(conversation?.readSeq, { [ann]: 5, [bob]: 5 });
  });

  test("[CHAT-6] who sends a message has read up to it", async () => {
    const { id, ann, bob } = await opened();
    await append(draft(id, ann));
    await append(draft(id, bob));
    const [conversation] = await list(ann);
    assert.deepEqual(conversation?.readSeq, { [ann]: 1, [bob]: 2 });
  });

  test("[CHAT-7] the list holds one's conversations that have a message, the most recently active first", async () => {
    const [ann, bob] = await people();
    const cyd = (await storedGuest(database(), "Cyd")).id;
    const withBob = await database().conversations.openDirect(ann, bob, 1_000);
    const withCyd = await database().conversations.openDirect(ann, cyd, 2_000);
    const ids = async (userId: string) => (await list(userId)).map(({ id }) => id);
    assert.deepEqual(await ids(ann), []);
    const first = await append(draft(withCyd.id, ann, { sentAtMs: 3_000 }));
    const second = await append(draft(withBob.id, bob, { sentAtMs: 4_000 }));
    assert.deepEqual(await ids(ann), [withBob.id, withCyd.id]);
    assert.deepEqual(await ids(cyd), [withCyd.id]);
    const conversations = await list(ann);
    assert.deepEqual(
      conversations.map((conversation) => [conversation.lastSeq, conversation.lastMessage]),
      [
        [1, second],
        [1, first],
      ],
    );
  });

  test("[CHAT-7] the list is paged by place, also among conversations of the same time", async () => {
    const me = (await storedGuest(database(), "Me")).id;
    const expected: string[] = [];
    for (const sentAtMs of [9_000, 5_000, 5_000, 5_000, 1_000]) {
      const { id } = await database().conversations.openDirect(me, (await storedGuest(database())).id, 0);
      await append(draft(id, me, { sentAtMs }));
      expected.push(id);
    }
    const found: string[] = [];
    let page = await database().conversations.list(me, { limit: 2 });
    while (page.length > 0) {
      found.push(...page.map(({ conversation }) => conversation.id));
      page = await database().conversations.list(me, { limit: 2, after: page.at(-1)!.place });
    }
    assert.deepEqual([found[0], found[4]], [expected[0], expected[4]]);
    assert.deepEqual(found.toSorted(), expected.toSorted());
  });
});

onBothDatabases("ConversationRepository's changes", (database) => {
  async function conversation() {
    const [ann, bob] = [(await storedGuest(database())).id, (await storedGuest(database())).id];
    const { id } = await database().conversations.openDirect(ann, bob, 0);
    const send = async (senderId = ann, extra: Partial<NewMessage> = {}) => {
      const draft = { id: randomUUID(), conversationId: id, senderId, clientId: randomUUID(), text: "hi", sentAtMs: 1 };
      return (await database().conversations.append({ ...draft, replyTo: null, corrects: null, ...extra })).message;
    };
    const rewrite = (seq: number, text: string) =>
      database().conversations.change(id, seq, () => ({ text, editedAtMs: 2 }));
    return { id, ann, bob, send, rewrite };
  }
  const changes = async (id: string, afterVersion: number, limit = 100) =>
    (await database().conversations.changes(id, afterVersion, limit)).map(({ seq, version, text }) => [
      seq,
      version,
      text,
    ]);

  test("[CHAT-13] changes made at once take the versions 1 to 40, each once, and none is lost", async () => {
    const { id, ann, send } = await conversation();
    for (let at = 0; at < 4; at += 1) await send();
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        database().conversations.change(id, (at % 4) + 1, ({ reactions }) => ({
          reactions: [...reactions, { userId: ann, emoji: `${at}` }],
        })),
      ),
    );
    const all = Array.from({ length: 40 }, (_, at) => at + 1);
    assert.deepEqual(
      made.map(({ message }) => message.version).sort((a, b) => a - b),
      all,
    );
    assert.deepEqual(await database().conversations.marks(id), { lastSeq: 4, version: 40 });
    const stored = await database().conversations.history(id, { limit: 10 });
    assert.equal(stored.flatMap(({ reactions }) => reactions).length, 40);
  });

  test("[CHAT-13] a message counts with its last change, and changes are paged by version", async () => {
    const { id, send, rewrite } = await conversation();
    for (let at = 0; at < 3; at += 1) await send();
    for (const [seq, text] of [
      [1, "a"],
      [2, "b"],
      [1, "c"],
      [3, "d"],
    ] as const)
      await rewrite(seq, text);
    assert.deepEqual(await changes(id, 0), [
      [2, 2, "b"],
      [1, 3, "c"],
      [3, 4, "d"],
    ]);
    assert.deepEqual(await changes(id, 2, 1), [[1, 3, "c"]]);
    assert.deepEqual(await changes(id, 4), []);
  });

  test("[CHAT-13] no change takes no version, nor does one that is refused", async () => {
    const { id, send } = await conversation();
    const { seq } = await send();
    assert.equal((await database().conversations.change(id, seq, () => null)).changed, false);
    const refuse = () => {
      throw new AppError("FORBIDDEN");
    };
    const fails = (promise: Promise<unknown>, code: string) =>
      assert.rejects(promise, (error) => (error as AppError).code === code);
    await fails(database().conversations.change(id, seq, refuse), "FORBIDDEN");
    await fails(
      database().conversations.change(id, 99, () => null),
      "MESSAGE_NOT_FOUND",
    );
    await fails(
      database().conversations.change("none", 1, () => null),
      "MESSAGE_NOT_FOUND",
    );
    assert.deepEqual(await database().conversations.marks(id), { lastSeq: 1, version: 0 });
  });

  test("[CHAT-3] a message that was edited since is still the one of its client id", async () => {
    const { id, ann, send, rewrite } = await conversation();
    const clientId = randomUUID();
    const { seq } = await send(ann, { clientId });
    await rewrite(seq, "else");
    const draft = { id: randomUUID(), conversationId: id, senderId: ann, clientId, text: "hi", sentAtMs: 1 };
    const { message, version, created } = await database().conversations.append({
      ...draft,
      replyTo: null,
      corrects: null,
    });
    assert.deepEqual([message.seq, message.text, version, created], [seq, "else", 1, false]);
  });

  test("[CHAT-13] what decides on a change knows the pins and whether the message was corrected", async () => {
    const { id, bob, send } = await conversation();
    const one = await send();
    await send();
    await database().conversations.change(id, 2, () => ({ pinnedAtMs: 5 }));
    const about = async (seq: number) => {
      let seen: unknown;
      await database().conversations.change(id, seq, (_, told) => {
        seen = told;
        return null;
      });
      return seen;
    };
    assert.deepEqual(await about(one.seq), { pinned: 1, corrected: false });
    await send(bob, { corrects: one.seq });
    assert.deepEqual(await about(one.seq), { pinned: 1, corrected: true });
    assert.deepEqual(await about(2), { pinned: 1, corrected: false });
    assert.deepEqual(
      (await database().conversations.pinned(id, 0)).map(({ seq }) => seq),
      [2],
    );
  });
});

onBothDatabases("OutboxRepository", (database) => {
  async function conversation() {
    const [ann, bob] = [(await storedGuest(database())).id, (await storedGuest(database())).id];
    const { id } = await database().conversations.openDirect(ann, bob, 0);
    return { id, ann, bob };
  }
  const send = (conversationId: string, senderId: string) =>
    database().conversations.append({
      id: randomUUID(),
      conversationId,
      senderId,
      clientId: randomUUID(),
      text: "hi",
      sentAtMs: 1,
      replyTo: null,
      corrects: null,
    });
  async function drainAll(into: OutboxEntry[], limit: number): Promise<void> {
    while ((await database().outbox.drain(limit, (entry) => into.push(entry))) > 0);
  }

  test("[CHAT-4] what is committed is handed over in order, once, with whom it is for", async () => {
    const { id, ann, bob } = await conversation();
    for (let at = 0; at < 7; at += 1) await send(id, ann);
    const entries: OutboxEntry[] = [];
    await drainAll(entries, 3);
    assert.deepEqual(
      entries.map((entry) => entry.message.seq),
      [1, 2, 3, 4, 5, 6, 7],
    );
    for (const { memberIds } of entries) assert.deepEqual(memberIds.toSorted(), [ann, bob].sort());
    assert.equal(await database().outbox.drain(10, () => assert.fail("nothing is left")), 0);
  });

  test("[CHAT-4] what could not be published is handed over again", async () => {
    const { id, ann } = await conversation();
    await send(id, ann);
    const broken = () => {
      throw new Error("the hub is gone");
    };
    await assert.rejects(database().outbox.drain(10, broken), /the hub is gone/);
    const entries: OutboxEntry[] = [];
    await drainAll(entries, 10);
    assert.deepEqual(
      entries.map((entry) => entry.message.seq),
      [1],
    );
  });

  test("[CHAT-4] several relays at once, while messages are being sent, publish each conversation in order", async () => {
    const conversations = await Promise.all(Array.from({ length: 4 }, conversation));
    const entries: OutboxEntry[] = [];
    let sending = true;
    const relays = Array.from({ length: 3 }, async () => {
      while (sending) await drainAll(entries, 5);
    });
    await Promise.all(
      conversations.flatMap(({ id, ann, bob }) => Array.from({ length: 30 }, (_, at) => send(id, at % 2 ? ann : bob))),
    );
    sending = false;
    await Promise.all(relays);
    await drainAll(entries, 5);
    for (const { id } of conversations) {
      const seqs = entries.filter((entry) => entry.message.conversationId === id).map((entry) => entry.message.seq);
      assert.deepEqual(
        seqs,
        Array.from({ length: 30 }, (_, at) => at + 1),
      );
    }
  });

  test("[CHAT-14] changes are handed over in order, each saying what it follows on; of several to a message the last", async () => {
    const { id, ann } = await conversation();
    for (let at = 0; at < 3; at += 1) await send(id, ann);
    const rewrite = (seq: number, text: string) => database().conversations.change(id, seq, () => ({ text }));
    await rewrite(1, "a");
    const entries: OutboxEntry[] = [];
    await drainAll(entries, 2);
    for (const [seq, text] of [
      [2, "b"],
      [1, "c"],
      [3, "d"],
      [1, "e"],
    ] as const)
      await rewrite(seq, text);
    const broken = () => {
      throw new Error("the hub is gone");
    };
    await assert.rejects(database().outbox.drain(10, broken), /the hub is gone/);
    await drainAll(entries, 2);
    const told = entries.flatMap((entry) =>
      entry.kind === "change"
        ? [[entry.message.seq, entry.message.text, entry.afterVersion, entry.message.version]]
        : [],
    );
    assert.deepEqual(told, [
      [1, "a", 0, 1],
      [2, "b", 1, 2],
      [3, "d", 2, 4],
      [1, "e", 4, 5],
    ]);
    const first = entries.find((entry) => entry.kind === "new");
    assert.deepEqual([first?.version, first?.message.text], [1, "a"]);
    assert.equal(await database().outbox.drain(10, () => assert.fail("nothing is left")), 0);
  });

  test("[CHAT-14] several relays at once publish the changes of a conversation in order while they are being made", async () => {
    const { id, ann } = await conversation();
    await send(id, ann);
    const entries: OutboxEntry[] = [];
    let changing = true;
    const relays = Array.from({ length: 3 }, async () => {
      while (changing) await drainAll(entries, 3);
    });
    await Promise.all(
      Array.from({ length: 40 }, (_, at) => database().conversations.change(id, 1, () => ({ text: `${at}` }))),
    );
    changing = false;
    await Promise.all(relays);
    await drainAll(entries, 3);
    let version = 0;
    let last: StoredMessage | undefined;
    for (const entry of entries) {
      if (entry.kind !== "change") continue;
      assert.equal(entry.afterVersion, version);
      version = entry.message.version;
      last = entry.message;
    }
    assert.equal(version, 40);
    assert.deepEqual(await database().conversations.message(id, 1), last);
  });
});
