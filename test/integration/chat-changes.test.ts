import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ParlanceError } from "#client";
import { limits, type Message, type PushPayload } from "#protocol";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

describe("changes of private messages", () => {
  let server: TestServer;
  let ann: Guest;
  let bob: Guest;
  let eve: Guest;
  let conversationId: string;
  before(async () => {
    server = await startServer();
    [ann, bob, eve] = (await Promise.all(["Ann", "Bob", "Eve"].map((name) => guest(server.url, name)))) as [
      Guest,
      Guest,
      Guest,
    ];
    conversationId = (await ann.connection.call("chat.open", { userId: bob.user.id })).conversation.id;
  });
  after(async () => {
    for (const { connection } of [ann, bob, eve]) connection.close();
    await server.stop();
  });

  const send = async (from: Guest, text: string, about: { replyTo?: number; corrects?: number } = {}) => {
    const draft = { conversationId, clientId: randomUUID(), text, ...about };
    return (await from.connection.call("chat.send", draft)).message;
  };
  const target = ({ seq }: Message) => ({ conversationId, seq });
  const stored = async (by: Guest, { seq }: Message) => {
    const range = { conversationId, afterSeq: seq - 1, limit: 1 };
    return (await by.connection.call("chat.history", range)).messages[0];
  };
  const hears = ({ connection }: Guest) => {
    const heard: PushPayload<"chat.changed">[] = [];
    connection.on("chat.changed", (change) => heard.push(change));
    return heard;
  };
  const fails = (call: Promise<unknown>, code: string) =>
    assert.rejects(call, (error) => (error as ParlanceError).code === code);

  /** Calls again when the server asks to slow down. */
  async function patiently<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if ((error as ParlanceError).code !== "RATE_LIMITED") throw error;
        await sleep(Number((error as ParlanceError).details?.retryAfterMs));
      }
    }
  }

  test("[CHAT-16] the sender edits a message; both hear of it, and see that and when it was edited", async () => {
    const heard = [hears(ann), hears(bob), hears(eve)];
    const message = await send(ann, "I goed home");
    const change = await ann.connection.call("chat.edit", { ...target(message), text: "  I went home " });
    const { message: edited } = change;
    assert.deepEqual(edited, {
      ...message,
      text: "I went home",
      version: edited.version,
      editedAtMs: edited.editedAtMs,
    });
    assert.ok(Number(edited.editedAtMs) >= message.sentAtMs);
    await until("both heard", () => heard.slice(0, 2).every((changes) => changes.length > 0));
    assert.deepEqual(heard, [[change], [change], []]);
    assert.deepEqual(await stored(bob, message), edited);
    const again = await ann.connection.call("chat.edit", { ...target(message), text: "I went home" });
    assert.deepEqual(again, change, "the same text again changes nothing");

    await fails(bob.connection.call("chat.edit", { ...target(message), text: "no" }), "FORBIDDEN");
    await fails(eve.connection.call("chat.edit", { ...target(message), text: "no" }), "CONVERSATION_NOT_FOUND");
    const none = { conversationId, seq: 10_000, text: "no" };
    await fails(ann.connection.call("chat.edit", none), "MESSAGE_NOT_FOUND");
  });

  test("[CHAT-17] deleted for all, a message leaves its place to both and its text to nobody", async () => {
    const message = await send(ann, "My secret is 4711");
    await bob.connection.call("chat.react", { ...target(message), emoji: "😮", on: true });
    await bob.connection.call("chat.pin", { ...target(message), on: true });
    await fails(bob.connection.call("chat.delete", { ...target(message), for: "all" }), "FORBIDDEN");
    const { message: gone } = await ann.connection.call("chat.delete", { ...target(message), for: "all" });
    assert.deepEqual(gone, { ...message, text: "", deletedFor: "all", version: gone.version });
    for (const one of [ann, bob]) assert.deepEqual(await stored(one, message), gone);
    const again = await ann.connection.call("chat.delete", { ...target(message), for: "all" });
    assert.equal(again.message.version, gone.version, "once is enough");
    await fails(ann.connection.call("chat.edit", { ...target(message), text: "back" }), "MESSAGE_NOT_FOUND");
    await fails(bob.connection.call("chat.react", { ...target(message), emoji: "👍", on: true }), "MESSAGE_NOT_FOUND");
    await fails(send(bob, "what was that?", { replyTo: message.seq }), "MESSAGE_NOT_FOUND");
  });

  test("[CHAT-17] deleted for oneself, a message is hidden from oneself and stays for the other", async () => {
    const message = await send(ann, "rather not see this");
    const { message: hidden } = await bob.connection.call("chat.delete", { ...target(message), for: "me" });
    assert.deepEqual([hidden.text, hidden.deletedFor], ["", "me"]);
    assert.deepEqual(await stored(bob, message), hidden);
    assert.deepEqual(await stored(ann, message), { ...message, version: hidden.version });
    await fails(bob.connection.call("chat.pin", { ...target(message), on: true }), "MESSAGE_NOT_FOUND");
    const [listed] = (await bob.connection.call("chat.list", {})).conversations;
    assert.deepEqual(listed?.lastMessage, hidden);
  });

  test("[CHAT-18] both react, each with several emoji, and take a reaction back; repeating changes nothing", async () => {
    const message = await send(ann, "done!");
    const react = async (by: Guest, emoji: string, on = true) =>
      (await by.connection.call("chat.react", { ...target(message), emoji, on })).message;
    await react(ann, "🎉");
    await react(bob, "🎉");
    const both = await react(bob, "👩🏽‍🏫");
    const one = (by: Guest, emoji: string) => ({ userId: by.user.id, emoji });
    assert.deepEqual(both.reactions, [one(ann, "🎉"), one(bob, "🎉"), one(bob, "👩🏽‍🏫")]);
    assert.deepEqual(await react(bob, "🎉"), both);
    const taken = await react(bob, "🎉", false);
    assert.deepEqual(taken.reactions, [one(ann, "🎉"), one(bob, "👩🏽‍🏫")]);
    assert.deepEqual(await react(bob, "🎉", false), taken);
    for (const emoji of ["❤️", "😀", "😢", "🔥"].slice(0, limits.reactions - 1)) await react(bob, emoji);
    await fails(react(bob, "👍"), "TOO_MANY_REACTIONS");
    for (const emoji of ["", "x", "👍👍", "<b>", "👍".repeat(40)]) await fails(react(bob, emoji), "INVALID_REQUEST");
    await fails(react(eve, "👍"), "CONVERSATION_NOT_FOUND");
  });

  test("[CHAT-19] both pin and unpin, and see what is pinned, up to a limit", async () => {
    const [pinner, other] = [await guest(server.url, "Pinner"), await guest(server.url, "Other")];
    const { conversation } = await pinner.connection.call("chat.open", { userId: other.user.id });
    const { id } = conversation;
    for (let at = 0; at <= limits.pins; at += 1) {
      const text = `${at} ${"語".repeat(at < 20 ? limits.messageText - 5 : 1)}`;
      const draft = { conversationId: id, clientId: `${at}`, text };
      await patiently(() => pinner.connection.call("chat.send", draft));
    }
    const pin = (by: Guest, seq: number, on = true) =>
      patiently(() => by.connection.call("chat.pin", { conversationId: id, seq, on }));
    for (let seq = 1; seq <= limits.pins; seq += 1) await pin(seq % 2 ? pinner : other, seq);
    await fails(pin(other, limits.pins + 1), "TOO_MANY_PINS");
    await pin(other, 1, false);
    await pin(other, 1, false);
    assert.ok((await pin(other, limits.pins + 1)).message.pinnedAtMs);
    const found: number[] = [];
    let pages = 0;
    for (let afterSeq: number | null = 0; afterSeq !== null; pages += 1) {
      const page: { messages: Message[]; next: number | null } = await other.connection.call("chat.pins", {
        ...{ conversationId: id, afterSeq },
      });
      assert.ok(Buffer.byteLength(JSON.stringify(page)) < limits.chatPageBytes + 1_000);
      found.push(...page.messages.map(({ seq }) => seq));
      afterSeq = page.next;
    }
    assert.ok(pages > 1);
    assert.deepEqual(
      found,
      Array.from({ length: limits.pins }, (_, at) => at + 2),
    );
    await fails(eve.connection.call("chat.pins", { conversationId: id }), "CONVERSATION_NOT_FOUND");
    for (const { connection } of [pinner, other]) connection.close();
  });

  test("[CHAT-20] a message answers one of the conversation, and only one that is there", async () => {
    const question = await send(ann, "Where were you?");
    const answer = await send(bob, "At home.", { replyTo: question.seq });
    assert.equal((await stored(ann, answer))?.replyTo, question.seq);
    await fails(send(bob, "?", { replyTo: answer.seq + 100 }), "MESSAGE_NOT_FOUND");
  });

  test("[CHAT-21] one corrects the other's message, not one's own; what was corrected is edited no more", async () => {
    const said = await send(ann, "He go to school");
    const corrected = await send(bob, "He goes to school", { corrects: said.seq });
    assert.deepEqual([corrected.corrects, corrected.text], [said.seq, "He goes to school"]);
    await fails(ann.connection.call("chat.edit", { ...target(said), text: "He goes" }), "MESSAGE_CORRECTED");
    await fails(send(ann, "He goes to the school", { corrects: said.seq }), "FORBIDDEN");
    await fails(send(bob, "?", { corrects: 10_000 }), "MESSAGE_NOT_FOUND");
    await bob.connection.call("chat.edit", { ...target(corrected), text: "He goes to school." });
    const taken = await send(ann, "It were late");
    const correction = await send(bob, "It was late", { corrects: taken.seq });
    await bob.connection.call("chat.delete", { ...target(correction), for: "all" });
    await ann.connection.call("chat.edit", { ...target(taken), text: "It was late" });
    await ann.connection.call("chat.delete", { ...target(said), for: "all" });
    assert.deepEqual([(await stored(bob, said))?.text, (await stored(ann, corrected))?.corrects], ["", said.seq]);
  });

  test("[CHAT-25] typing is told to the other alone, and not too often", async () => {
    const heard: unknown[] = [];
    for (const { connection } of [ann, bob, eve]) connection.on("chat.typing", (push) => heard.push(push));
    const type = (by: Guest) => by.connection.call("chat.typing", { conversationId });
    await type(ann);
    await until("it was told", () => heard.length > 0);
    await fails(type(eve), "CONVERSATION_NOT_FOUND");
    const all = await Promise.allSettled(Array.from({ length: 30 }, () => type(bob)));
    const refused = all.filter((one) => one.status === "rejected").map(({ reason }) => (reason as ParlanceError).code);
    assert.ok(refused.length > 0);
    assert.deepEqual(new Set(refused), new Set(["RATE_LIMITED"]));
    await until("all taken were told", () => heard.length === 1 + all.length - refused.length);
    assert.deepEqual(heard[0], { conversationId, userId: ann.user.id });
    assert.deepEqual(heard.at(-1), { conversationId, userId: bob.user.id });
  });

  test("[CHAT-22] what changed after a version is told in small pages, each message as it is now", async () => {
    const [writer, reader] = [await guest(server.url, "Writer"), await guest(server.url, "Reader")];
    const { id } = (await writer.connection.call("chat.open", { userId: reader.user.id })).conversation;
    for (let at = 0; at < 20; at += 1)
      await writer.connection.call("chat.send", { conversationId: id, clientId: `${at}`, text: "." });
    const edit = (seq: number, text: string) =>
      patiently(() => writer.connection.call("chat.edit", { conversationId: id, seq, text }));
    for (let seq = 20; seq >= 1; seq -= 1) await edit(seq, `${seq} ${"語".repeat(limits.messageText - 5)}`);
    await edit(7, "short now");
    const found: Message[] = [];
    let version = 0;
    for (let lastVersion = 1; version < lastVersion; ) {
      const range = { conversationId: id, afterVersion: version, limit: 100 };
      const page = await reader.connection.call("chat.changes", range);
      assert.ok(Buffer.byteLength(JSON.stringify(page)) < limits.chatPageBytes + 1_000);
      found.push(...page.messages);
      ({ version, lastVersion } = page);
    }
    assert.equal(version, 21);
    assert.deepEqual(
      found.map(({ seq }) => seq),
      [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 6, 5, 4, 3, 2, 1, 7],
    );
    assert.equal(found.at(-1)?.text, "short now");
    const { messages } = await reader.connection.call("chat.changes", { conversationId: id, afterVersion: 21 });
    assert.deepEqual(messages, []);
    const stranger = eve.connection.call("chat.changes", { conversationId: id, afterVersion: 0 });
    await fails(stranger, "CONVERSATION_NOT_FOUND");
    for (const { connection } of [writer, reader]) connection.close();
  });
});
