import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Connection, type ParlanceError } from "#client";
import { type CallReply, limits, type Message } from "#protocol";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

describe("private messages", () => {
  let server: TestServer;
  let ann: Guest;
  let bob: Guest;
  let eve: Guest;
  before(async () => {
    server = await startServer();
    [ann, bob, eve] = (await Promise.all(["Ann", "Bob", "Eve"].map((name) => guest(server.url, name)))) as [
      Guest,
      Guest,
      Guest,
    ];
  });
  after(async () => {
    for (const { connection } of [ann, bob, eve]) connection.close();
    await server.stop();
  });

  const send = (from: Guest, conversationId: string, text: string, clientId = randomUUID() as string) =>
    from.connection.call("chat.send", { conversationId, clientId, text });
  const open = async (from: Guest, to: Guest) =>
    (await from.connection.call("chat.open", { userId: to.user.id })).conversation;
  const hears = (connection: Connection): Message[] => {
    const heard: Message[] = [];
    connection.on("chat.message", ({ message }) => heard.push(message));
    return heard;
  };
  const fails = (call: Promise<unknown>, code: string) =>
    assert.rejects(call, (error) => (error as ParlanceError).code === code);

  test("[CHAT-4] a message reaches every connection of both, and is in the history", async () => {
    const tablet = new Connection(server.url, { token: () => ann.accessToken });
    await tablet.ready();
    const heard = [hears(ann.connection), hears(tablet), hears(bob.connection), hears(eve.connection)];
    const { id } = await open(ann, bob);
    const { message } = await send(ann, id, "  Hello Bob  ");
    assert.equal(message.text, "Hello Bob");
    await until("everybody heard", () => heard.slice(0, 3).every((messages) => messages.length === 1));
    for (const messages of heard.slice(0, 3)) assert.deepEqual(messages, [message]);
    assert.deepEqual(heard[3], []);
    const { messages, lastSeq } = await bob.connection.call("chat.history", { conversationId: id });
    assert.deepEqual([messages.at(-1), lastSeq], [message, message.seq]);
    tablet.close();
  });

  test("[CHAT-1] both open the same conversation; oneself and nobody are refused", async () => {
    assert.equal((await open(ann, bob)).id, (await open(bob, ann)).id);
    await fails(ann.connection.call("chat.open", { userId: ann.user.id }), "CANNOT_MESSAGE_SELF");
    await fails(ann.connection.call("chat.open", { userId: "nobody" }), "USER_NOT_FOUND");
  });

  test("[CHAT-3] the same client id again yields the same message; for another text it is refused", async () => {
    const { id } = await open(ann, bob);
    const heard = hears(bob.connection);
    const [first, second] = await Promise.all([send(ann, id, "once", "same"), send(ann, id, "once", "same")]);
    assert.deepEqual(first, second);
    await fails(send(ann, id, "other", "same"), "MESSAGE_CONFLICT");
    const { message } = await send(ann, id, "next");
    await until("the next one came", () => heard.some((each) => each.id === message.id));
    assert.equal(heard.filter((each) => each.clientId === "same").length, 1);
  });

  test("[CHAT-8] strangers can't read, write or mark a conversation, nor see that it exists", async () => {
    const { id } = await open(ann, bob);
    for (const conversationId of [id, "none"]) {
      await fails(eve.connection.call("chat.history", { conversationId }), "CONVERSATION_NOT_FOUND");
      await fails(eve.connection.call("chat.markRead", { conversationId, seq: 1 }), "CONVERSATION_NOT_FOUND");
      await fails(send(eve, conversationId, "let me in"), "CONVERSATION_NOT_FOUND");
    }
    assert.deepEqual(await eve.connection.call("chat.list", {}), { conversations: [], next: null });
  });

  test("[CHAT-6] reading is told to both, once", async () => {
    const { id } = await open(ann, bob);
    const { message } = await send(ann, id, "read me");
    const marks: unknown[] = [];
    for (const { connection } of [ann, bob]) connection.on("chat.read", (mark) => marks.push(mark));
    const read = (seq: number) => bob.connection.call("chat.markRead", { conversationId: id, seq });
    await read(message.seq + 1_000);
    await read(message.seq);
    await read(1);
    await until("both were told", () => marks.length >= 2);
    const mark = { conversationId: id, userId: bob.user.id, seq: message.seq };
    assert.deepEqual(marks, [mark, mark]);
    const [conversation] = (await ann.connection.call("chat.list", {})).conversations;
    assert.equal(conversation?.readSeq[bob.user.id], message.seq);
  });

  test("[CHAT-5] history is paged both ways and says what the newest seq is", async () => {
    const { id } = await open(bob, eve);
    for (let at = 0; at < 6; at += 1) await send(bob, id, `line ${at}`);
    const page = async (range: { afterSeq?: number; beforeSeq?: number; limit?: number }) => {
      const { messages, lastSeq } = await eve.connection.call("chat.history", { conversationId: id, ...range });
      assert.equal(lastSeq, 6);
      return messages.map((message) => message.seq);
    };
    assert.deepEqual(await page({}), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(await page({ limit: 2 }), [5, 6]);
    assert.deepEqual(await page({ beforeSeq: 5, limit: 2 }), [3, 4]);
    assert.deepEqual(await page({ afterSeq: 2, limit: 2 }), [3, 4]);
    assert.deepEqual(await page({ afterSeq: 6 }), []);
  });

  test("[CHAT-2] messages sent at once from both sides have seqs without gaps", async () => {
    const { id } = await open(ann, eve);
    const sent = await Promise.all(
      Array.from({ length: 24 }, (_, at) => send(at % 2 ? ann : eve, id, `message ${at}`)),
    );
    const seqs = sent.map(({ message }) => message.seq).sort((a, b) => a - b);
    assert.deepEqual(
      seqs,
      Array.from({ length: 24 }, (_, at) => at + 1),
    );
  });

  test("[CHAT-5] [CHAT-7] pages of the longest messages stay small enough for any reader, and miss nothing", async () => {
    const [reader, writer] = [await guest(server.url, "Reader"), await guest(server.url, "Writer")];
    const { id } = await open(writer, reader);
    for (let at = 0; at < 20; at += 1) await send(writer, id, `${at} ${"語".repeat(limits.messageText - 5)}`);
    const small = (page: unknown) => assert.ok(Buffer.byteLength(JSON.stringify(page)) < limits.chatPageBytes + 1_000);
    const forward: number[] = [];
    while (forward.length < 20) {
      const range = { conversationId: id, afterSeq: forward.at(-1) ?? 0, limit: 100 };
      const page = await reader.connection.call("chat.history", range);
      small(page);
      forward.push(...page.messages.map((message) => message.seq));
    }
    const backward: number[] = [];
    while (backward.length < 20) {
      const range = { conversationId: id, beforeSeq: backward[0] ?? 21, limit: 100 };
      const page = await reader.connection.call("chat.history", range);
      small(page);
      backward.unshift(...page.messages.map((message) => message.seq));
    }
    const all = Array.from({ length: 20 }, (_, at) => at + 1);
    assert.deepEqual([forward, backward], [all, all]);

    const pals = await Promise.all(Array.from({ length: 8 }, (_, at) => guest(server.url, `Pal ${at}`)));
    for (const pal of pals) await send(pal, (await open(pal, reader)).id, "語".repeat(limits.messageText));
    const listed: string[] = [];
    let pages = 0;
    for (let cursor: string | null = ""; cursor !== null; pages += 1) {
      const page: CallReply<"chat.list"> = await reader.connection.call("chat.list", cursor ? { cursor } : {});
      small(page);
      listed.push(...page.conversations.map((conversation) => conversation.id));
      cursor = page.next;
    }
    assert.ok(pages > 1);
    assert.deepEqual([listed.length, new Set(listed).size], [9, 9]);
    const wrong = reader.connection.call("chat.list", { cursor: "nonsense" });
    await fails(wrong, "INVALID_REQUEST");
    for (const { connection } of [reader, writer, ...pals]) connection.close();
  });

  test("wrong input is INVALID_REQUEST and harms nothing", async () => {
    const { id } = await open(ann, bob);
    const good = { conversationId: id, clientId: "fine", text: "fine" };
    const wrong: unknown[] = [
      { ...good, text: "" },
      { ...good, text: "   " },
      { ...good, text: "x".repeat(limits.messageText + 1) },
      { ...good, text: "nul \0 here" },
      { ...good, text: "half \ud83d here" },
      { ...good, text: 5 },
      { ...good, clientId: "with space" },
      { ...good, clientId: "x".repeat(65) },
      { ...good, conversationId: "\0" },
      { ...good, extra: true },
      { conversationId: id },
      [],
    ];
    for (const input of wrong) await fails(ann.connection.call("chat.send", input as typeof good), "INVALID_REQUEST");
    const ranges: unknown[] = [{ limit: 0 }, { limit: 1_000 }, { afterSeq: -1 }, { afterSeq: 1.5 }, { beforeSeq: 0 }];
    for (const range of ranges) {
      const input = { conversationId: id, ...(range as object) };
      await fails(ann.connection.call("chat.history", input), "INVALID_REQUEST");
    }
    const far = { conversationId: id, afterSeq: Number.MAX_SAFE_INTEGER };
    assert.deepEqual((await ann.connection.call("chat.history", far)).messages, []);
    assert.equal((await ann.connection.call("chat.send", good)).message.text, "fine");
  });
});
