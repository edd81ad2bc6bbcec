import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { Connection, Conversations, type ConversationsLink, type ConversationView, type ParlanceError } from "#client";
import { limits, type Message, type PushName, type PushPayload } from "#protocol";
import { cuttableProxy } from "../support/cuttable-proxy.ts";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

describe("the client library's conversations", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({ PARLANCE_SIGN_INS_PER_MINUTE: "1000" });
  });
  after(() => server.stop());

  /** States that were shown and should not have been. */
  const broken: unknown[] = [];
  const closers: (() => unknown)[] = [];
  async function closeAll(): Promise<void> {
    for (const close of closers.splice(0).reverse()) await close();
    assert.deepEqual(broken.splice(0), []);
  }
  async function person(name: string): Promise<Guest> {
    const one = await guest(server.url, name);
    closers.push(() => one.connection.close());
    return one;
  }
  /** A further device of that person, behind a network that can fail. */
  async function device(of: Guest, wrap = (link: ConversationsLink) => link) {
    const proxy = await cuttableProxy(server.url);
    const connection = new Connection(proxy.url, { token: () => of.accessToken });
    await connection.ready();
    const store = new Conversations(wrap(connection));
    closers.push(
      () => proxy.close(),
      () => connection.close(),
      () => store.close(),
    );
    watchForGaps(store);
    await until("the list is here", () => store.snapshot().loaded);
    return { proxy, connection, store };
  }
  /** Notes each state from now on that has a gap, a repeat, or a message both stored and on its way. */
  function watchForGaps(store: Conversations): void {
    store.subscribe(() => {
      for (const { messages, outgoing } of store.snapshot().conversations) {
        const seqs = messages.map((message) => message.seq);
        const ids = [...messages, ...outgoing].map((each) => each.clientId);
        if (seqs.some((seq, at) => seq !== seqs[0]! + at) || new Set(ids).size !== ids.length)
          broken.push({ seqs, ids });
      }
    });
  }
  const view = (store: Conversations, id: string): ConversationView =>
    store.snapshot().conversations.find((conversation) => conversation.id === id)!;
  async function complete(store: Conversations): Promise<void> {
    await until("nothing is missing", () => {
      const { stale, conversations } = store.snapshot();
      return !stale && conversations.every(({ outgoing }) => outgoing.length === 0);
    });
    for (const { id } of store.snapshot().conversations) {
      while (view(store, id).older !== "none") {
        await store.loadOlder(id);
        await sleep(5);
      }
    }
  }
  const texts = (store: Conversations, id: string) => view(store, id)?.messages.map((message) => message.text) ?? [];

  /** Pushes are a lossy hint: loses and repeats those for which the next draw says so. */
  function lossy(link: ConversationsLink, draw: () => "pass" | "lose" | "repeat"): ConversationsLink {
    const on = <P extends PushName>(name: P, listener: (payload: PushPayload<P>) => void) =>
      link.on(name, (payload) => {
        const fate = name === "chat.message" || name === "chat.changed" ? draw() : "pass";
        if (fate !== "lose") listener(payload);
        if (fate === "repeat") listener(payload);
      });
    return { call: link.call.bind(link), onState: link.onState.bind(link), on };
  }

  const action = fc.oneof(
    { weight: 5, arbitrary: fc.constant("peer sends" as const) },
    { weight: 2, arbitrary: fc.constant("third sends" as const) },
    { weight: 3, arbitrary: fc.constant("send" as const) },
    { weight: 3, arbitrary: fc.constant("peer edits" as const) },
    { weight: 1, arbitrary: fc.constant("peer deletes" as const) },
    { weight: 1, arbitrary: fc.constant("third pins" as const) },
    { weight: 1, arbitrary: fc.constant("read" as const) },
    { weight: 1, arbitrary: fc.constant("peer reads" as const) },
    { weight: 1, arbitrary: fc.constant("cut" as const) },
    { weight: 1, arbitrary: fc.constant("block" as const) },
    { weight: 1, arbitrary: fc.constant("restore" as const) },
    { weight: 1, arbitrary: fc.constant("watch" as const) },
    { weight: 1, arbitrary: fc.constant("pause" as const) },
  );
  const fate = fc.constantFrom("pass" as const, "pass" as const, "lose" as const, "repeat" as const);

  test("[CHAT-9] [CHAT-15] stale state + events == fresh fetch, through lost and repeated pushes and cuts", async () => {
    const property = async (actions: string[], fates: ("pass" | "lose" | "repeat")[]) => {
      const [me, peer, third] = [await person("Me"), await person("Peer"), await person("Third")];
      const said: Message[] = [];
      const gone = new Set<number>();
      let drawn = 0;
      const draw = () => fates[drawn++] ?? "pass";
      const { store, proxy } = await device(me, (link) => lossy(link, draw));
      const { id } = await store.open(peer.user.id);
      const other = await third.connection.call("chat.open", { userId: me.user.id });
      const say = (from: Guest, conversationId: string, text: string) =>
        from.connection.call("chat.send", { conversationId, clientId: crypto.randomUUID(), text });
      for (const [at, what] of actions.entries()) {
        // The first one or the newest: one that is held or that is not.
        const old = what === "third pins" ? undefined : said.at(at % 2 ? 0 : -1);
        if (what === "peer sends") said.push((await say(peer, id, `peer ${at}`)).message);
        else if (what === "third sends") await say(third, other.conversation.id, `third ${at}`);
        else if (what === "peer edits") {
          const target = old && !gone.has(old.seq) && { conversationId: id, seq: old.seq };
          if (target) await peer.connection.call("chat.edit", { ...target, text: `peer edits ${at}` });
        } else if (what === "peer deletes") {
          if (old) await peer.connection.call("chat.delete", { conversationId: id, seq: old.seq, for: "all" });
          if (old) gone.add(old.seq);
        } else if (what === "third pins") {
          const target = { conversationId: other.conversation.id, seq: 1, on: at % 2 === 0 };
          if (actions.slice(0, at).includes("third sends")) await third.connection.call("chat.pin", target);
        } else if (what === "send") store.send(id, `me ${at}`);
        else if (what === "read") store.markRead(id);
        else if (what === "peer reads") await peer.connection.call("chat.markRead", { conversationId: id, seq: at });
        else if (what === "cut") proxy.cut();
        else if (what === "block") proxy.block();
        else if (what === "restore") proxy.restore();
        else if (what === "watch") store.watch(id);
        else await sleep(30);
      }
      proxy.restore();
      fates.length = 0;
      await until("its own are stored", () => !store.snapshot().stale && view(store, id).outgoing.length === 0);
      // A loss at the very end shows only at the next message, so let there be one.
      await say(peer, id, "last");
      await say(third, other.conversation.id, "last");
      const changed = async (by: Guest, conversationId: string, seq: number) =>
        (await by.connection.call("chat.edit", { conversationId, seq, text: "last change" })).message;
      const theirs = await peer.connection.call("chat.history", { conversationId: id, limit: 1 });
      await changed(peer, id, theirs.lastSeq);
      const others = await third.connection.call("chat.history", { conversationId: other.conversation.id, limit: 1 });
      const last = await changed(third, other.conversation.id, others.lastSeq);
      store.watch(id);
      await until("the last ones came", () => {
        const views = store.snapshot().conversations;
        return views.length === 2 && views.every(({ lastMessage }) => lastMessage?.text === "last change");
      });
      await complete(store);
      const fresh = await device(me);
      await complete(fresh.store);
      const comparable = ({ snapshot }: Conversations) => snapshot().conversations.map(({ older: _, ...rest }) => rest);
      await until("marks have arrived", () => {
        const [mine, theirs] = [comparable(store), comparable(fresh.store)];
        return JSON.stringify(mine.map((each) => each.unread)) === JSON.stringify(theirs.map((each) => each.unread));
      });
      assert.deepEqual(comparable(store), comparable(fresh.store));
      assert.equal(store.snapshot().unread, fresh.store.snapshot().unread);
      assert.equal(view(store, last.conversationId).lastMessage?.id, last.id);
      const { messages } = await peer.connection.call("chat.history", { conversationId: id, limit: 100 });
      assert.deepEqual(view(store, id).messages, messages);
      const mine = messages.filter((message) => message.senderId === me.user.id);
      assert.deepEqual(
        mine.map((message) => message.text),
        actions.flatMap((what, at) => (what === "send" ? [`me ${at}`] : [])),
      );
    };
    const run = fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 25 }),
      fc.array(fate, { maxLength: 30 }),
      async (actions, fates) => {
        try {
          await property(actions, [...fates]);
        } finally {
          await closeAll();
        }
      },
    );
    // The first message of an empty thread is lost, and one's own, the second, comes as the reply to its sending.
    const lostFirst: [string[], ("pass" | "lose")[]] = [["peer sends", "pause", "watch", "send", "pause"], ["lose"]];
    await fc.assert(run, { numRuns: 12, endOnFailure: true, examples: [lostFirst as never] });
  });

  test("[CHAT-11] what is written while the connection is gone is stored once it is back, in order and once", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    const { store, proxy } = await device(me);
    const { id } = await store.open(peer.user.id);
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    for (const [at, line] of lines.entries()) {
      store.send(id, line);
      if (at === 4) proxy.block();
      if (at === 10) assert.ok(view(store, id).outgoing.length > 0);
      if (at === 12) proxy.restore();
      if (at % 6 === 5) proxy.cut();
      await sleep(20);
    }
    await complete(store);
    assert.deepEqual(texts(store, id), lines);
    const { messages } = await peer.connection.call("chat.history", { conversationId: id, limit: limits.historyPage });
    assert.deepEqual(
      messages.map((message) => message.text),
      lines,
    );
    await closeAll();
  });

  test("[CHAT-11] what the server refuses is shown as failed, holds up nothing and can be given up", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    const { store } = await device(me);
    const { id } = await store.open(peer.user.id);
    const tooLong = store.send(id, "x".repeat(limits.messageText + 1));
    store.send(id, "short");
    await until("the short one is there", () => texts(store, id).length === 1);
    const failed = () => view(store, id).outgoing.map(({ clientId, status, error }) => ({ clientId, status, error }));
    assert.deepEqual(failed(), [{ clientId: tooLong, status: "failed", error: "INVALID_REQUEST" }]);
    store.retry(id, tooLong);
    await until("it failed again", () => view(store, id).outgoing[0]?.status === "failed");
    store.discard(id, tooLong);
    assert.deepEqual(failed(), []);
    await closeAll();
  });

  test("[CHAT-6] unread messages are counted, and reading on one device counts on the other", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    const [phone, laptop] = [await device(me), await device(me)];
    const theirs = await device(peer);
    const { id } = await theirs.store.open(me.user.id);
    for (const text of ["one", "two", "three"]) theirs.store.send(id, text);
    const devices = [phone.store, laptop.store];
    await until("three are unread on both", () => devices.every((store) => store.snapshot().unread === 3));
    assert.equal(theirs.store.snapshot().unread, 0, "one's own are never unread");
    phone.store.markRead(id);
    await until("none is unread on both", () => devices.every((store) => store.snapshot().unread === 0));
    await until("the sender sees it", () => view(theirs.store, id).readSeq[me.user.id] === 3);
    await closeAll();
  });

  test("[CHAT-6] a mark made while the connection is gone reaches the server once it is back", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    const { store, proxy } = await device(me);
    const theirs = await device(peer);
    const { id } = await theirs.store.open(me.user.id);
    theirs.store.send(id, "hello");
    await until("it came", () => store.snapshot().unread === 1);
    proxy.block();
    store.markRead(id);
    assert.equal(store.snapshot().unread, 0);
    proxy.restore();
    await until("the sender sees it", () => view(theirs.store, id).readSeq[me.user.id] === 1);
    await closeAll();
  });

  test("[CHAT-10] a thread that is looked at is caught up after a cut, and paged back on demand", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    const { store, proxy } = await device(me);
    const { id } = await store.open(peer.user.id);
    const say = (from: Connection, text: string) =>
      from.call("chat.send", { conversationId: id, clientId: crypto.randomUUID(), text });
    for (let at = 1; at <= 56; at += 1) await say(at % 2 ? peer.connection : me.connection, `${at}`);
    await until("the newest came", () => texts(store, id).at(-1) === "56");
    const stop = store.watch(id);
    await until("the last page is here", () => view(store, id).messages.length >= 50);
    proxy.block();
    for (let at = 57; at <= 60; at += 1) await say(at % 2 ? peer.connection : me.connection, `${at}`);
    assert.ok(store.snapshot().stale);
    proxy.restore();
    await until("it was caught up", () => texts(store, id).at(-1) === "60");
    await complete(store);
    assert.deepEqual(
      texts(store, id),
      Array.from({ length: 60 }, (_, at) => `${at + 1}`),
    );
    stop();
    assert.ok(view(store, id).messages.length <= 50, "what nobody looks at is let go");
    assert.equal(view(store, id).older, "available");
    await closeAll();
  });

  test("[CHAT-15] what one changes is shown at once, on one's other devices too, and answers and corrections keep what they are about", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    const [phone, laptop] = [await device(me), await device(me)];
    const { id } = await phone.store.open(peer.user.id);
    phone.store.send(id, "one");
    await until("it is there", () => texts(phone.store, id).length === 1);
    const { message } = await peer.connection.call("chat.send", {
      ...{ conversationId: id, clientId: crypto.randomUUID(), text: "he go" },
    });
    phone.store.send(id, "he goes", { corrects: message.seq });
    phone.store.send(id, "who?", { replyTo: message.seq });
    await until(
      "they are there",
      () => texts(laptop.store, id).at(-1) === "who?" && texts(phone.store, id).length === 4,
    );
    await phone.store.react(id, message.seq, "👍", true);
    await phone.store.pin(id, message.seq, true);
    await phone.store.edit(id, 1, "two");
    await phone.store.delete(id, 4, "all");
    const shown = view(phone.store, id).messages.map(({ text, reactions, replyTo, corrects }) => {
      return [text, reactions.length, replyTo, corrects];
    });
    assert.deepEqual(shown, [
      ["two", 0, null, null],
      ["he go", 1, null, null],
      ["he goes", 0, null, 2],
      ["", 0, 2, null],
    ]);
    assert.deepEqual(await laptop.store.pins(id), [view(phone.store, id).messages[1]]);
    laptop.store.watch(id);
    await until("the other device has them", () => {
      const [one, other] = [laptop, phone].map(({ store }) => JSON.stringify(view(store, id).messages));
      return one === other;
    });
    await assert.rejects(phone.store.edit(id, 2, "mine"), (error) => (error as ParlanceError).code === "FORBIDDEN");
    await closeAll();
  });

  test("[CHAT-25] who types is shown until a message comes, or a while later, and announced not at every letter", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    let announced = 0;
    const counted = (link: ConversationsLink): ConversationsLink => ({
      on: link.on.bind(link),
      onState: link.onState.bind(link),
      call: (name, input) => {
        if (name === "chat.typing") announced += 1;
        return link.call(name, input);
      },
    });
    const [mine, theirs] = [await device(me, counted), await device(peer)];
    const { id } = await mine.store.open(peer.user.id);
    await theirs.store.open(me.user.id);
    const typing = () => view(theirs.store, id).typing;
    for (let letter = 0; letter < 20; letter += 1) mine.store.typed(id);
    assert.equal(announced, 1);
    await until("it is shown", () => typing().length === 1);
    assert.deepEqual(typing(), [me.user.id]);
    assert.deepEqual(view(mine.store, id).typing, [], "one's own is not");
    mine.store.send(id, "hello");
    await until("the message came", () => texts(theirs.store, id).length === 1);
    assert.deepEqual(typing(), []);
    mine.store.typed(id);
    assert.equal(announced, 2, "the first letter after a message is news");
    await until("it is shown again", () => typing().length === 1);
    await until("it is forgotten", () => typing().length === 0);
    await closeAll();
  });

  test("[CHAT-26] a muted conversation goes on, counts no more, and is muted on all of one's devices and for nobody else", async () => {
    const [me, peer] = [await person("Me"), await person("Peer")];
    const [phone, laptop, theirs] = [await device(me), await device(me), await device(peer)];
    const told: unknown[] = [];
    peer.connection.on("chat.muted", (push) => told.push(push));
    const { id } = await theirs.store.open(me.user.id);
    theirs.store.send(id, "one");
    const mine = [phone.store, laptop.store];
    await until("it is unread on both", () => mine.every((store) => store.snapshot().unread === 1));
    await phone.store.mute(id, true);
    await phone.store.mute(id, true);
    await until("both are muted", () => mine.every((store) => view(store, id).muted));
    theirs.store.send(id, "two");
    await until("it came to both", () => mine.every((store) => view(store, id).unread === 2));
    assert.deepEqual([...mine.map((store) => store.snapshot().unread), view(theirs.store, id).muted], [0, 0, false]);
    const fresh = await device(me);
    assert.equal(view(fresh.store, id).muted, true);
    await laptop.store.mute(id, false);
    await until("nobody is muted", () => [...mine, fresh.store].every((store) => store.snapshot().unread === 2));
    assert.deepEqual(told, []);
    const stranger = (await person("Eve")).connection.call("chat.mute", { conversationId: id, on: true });
    await assert.rejects(stranger, (error) => (error as ParlanceError).code === "CONVERSATION_NOT_FOUND");
    await closeAll();
  });

  test("a snapshot is the same object until something changes", async () => {
    const [me, peer, third] = [await person("Me"), await person("Peer"), await person("Third")];
    const { store } = await device(me);
    const [one, two] = [await store.open(peer.user.id), await store.open(third.user.id)];
    const earlier = store.snapshot();
    assert.equal(store.snapshot(), earlier);
    store.send(one.id, "hi");
    assert.notEqual(store.snapshot(), earlier);
    assert.equal(view(store, two.id), two, "the other conversation is untouched");
    await complete(store);
    await closeAll();
  });
});
