import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { request } from "#client";
import { calls, type ErrorBody } from "#protocol";
import { AppError } from "../../src/lib/app-error.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { RawSocket } from "../support/raw-socket.ts";

let server: TestGateway;
const hanging: (() => void)[] = [];
let done = 0;

before(async () => {
  server = await startGateway(
    {},
    {
      handlers: {
        "chat.list": () => {
          throw new TypeError("connection string postgres://secret");
        },
        "drill.list": () => {
          done += 1;
          return { drills: [] };
        },
        "chat.markRead": () => new Promise((resolve) => hanging.push(() => resolve({}))),
        "room.list": () => ({ rooms: [] }),
      },
      frameSinks: {
        "drill.frame": (_, bytes) => {
          if (bytes.length < 6 || bytes.length > 4_000) throw new AppError("AUDIO_FRAME_MALFORMED");
          if (bytes.length === 6) throw new RangeError("boom");
        },
        "speech.frame": () => {
          throw new AppError("SPEECH_NOT_RUNNING");
        },
      },
    },
  );
});
after(() => server.stop());

/** A connection of a guest of its own, so that no test uses up another's rates. */
async function socketOf(name = "Guest"): Promise<RawSocket> {
  const { accessToken } = await request(server.url, "signInAsGuest", { name });
  return RawSocket.signedIn(server.url, accessToken);
}

function errorOf(reply: { ok: boolean; error?: ErrorBody }): ErrorBody {
  assert.equal(reply.ok, false);
  assert.ok(reply.error);
  return reply.error;
}

test("[GW-2] session.ready is the first push", async () => {
  const socket = await socketOf("Ann");
  assert.equal(socket.events()[0]?.name, "session.ready");
  const ready = socket.last("session.ready") as {
    user: { name: string };
    connectionId: string;
    routerRtpCapabilities: unknown;
  };
  assert.equal(ready.user.name, "Ann");
  assert.ok(ready.connectionId.length > 0);
  assert.deepEqual(ready.routerRtpCapabilities, { codecs: [] });
  socket.close();
});

test("[GW-5] an unknown call is UNKNOWN_CALL, also by a name that objects have", async () => {
  const socket = await socketOf();
  const names = ["room.explode", "", "__proto__", "constructor", "toString", "hasOwnProperty", "error", 7, null, {}];
  for (const name of [...names, "connect", "disconnect", "disconnecting", "newListener"]) {
    assert.equal(errorOf(await socket.call(name, {})).code, "UNKNOWN_CALL", String(name));
  }
  assert.equal((await socket.call("room.list", {})).ok, true);
  socket.close();
});

test("[GW-6] what does not fit a call's schema is INVALID_REQUEST with its path, and the connection goes on", async () => {
  const socket = await socketOf();
  const deep = JSON.parse(`${'{"a":'.repeat(40)}1${"}".repeat(40)}`);
  const wrong: [args: unknown[], path: string][] = [
    [[{ prefix: 3 }], "prefix"],
    [[{}], "prefix"],
    [[null], "prefix"],
    [[[]], ""],
    [["text"], ""],
    [[{ prefix: "" }], "prefix"],
    [[{ prefix: "a\u0000b" }], "prefix"],
    [[{ prefix: "x".repeat(41) }], "prefix"],
    [[{ prefix: "a", more: 1 }], ""],
    [[{ prefix: "a" }, { prefix: "b" }], ""],
    [[JSON.parse('{"prefix":"a","__proto__":{"admin":true}}')], "__proto__"],
    [[JSON.parse('{"prefix":{"constructor":{"prototype":{}}}}')], "constructor"],
    [[deep], ""],
  ];
  for (const [args, path] of wrong) {
    const { code, details } = errorOf(await socket.call("user.find", ...args));
    assert.deepEqual({ code, path: details?.path }, { code: "INVALID_REQUEST", path }, JSON.stringify(args));
    assert.equal(typeof details?.problem, "string");
    // 13 of them would go past the rate of one call.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(({} as Record<string, unknown>).admin, undefined);
  assert.equal((await socket.call("room.list")).ok, true);
  socket.close();
});

test("[GW-7] what nobody expected is INTERNAL with a request id, told to nobody but the log", async () => {
  const socket = await socketOf();
  const error = errorOf(await socket.call("chat.list", {}));
  assert.equal(error.code, "INTERNAL");
  assert.ok(error.requestId);
  assert.ok(!JSON.stringify(error).includes("secret"));
  const logged = server.log.filter((line) => line.includes(error.requestId ?? ""));
  assert.ok(logged.some((line) => line.includes("connection string")));
  socket.close();
});

test("[GW-8] a call without acknowledgement is not done", async () => {
  const socket = await socketOf();
  const before = done;
  socket.send('42["drill.list",{}]');
  socket.send('42["no.such.call"]');
  assert.equal((await socket.call("room.list", {})).ok, true);
  assert.equal(done, before);
  socket.close();
});

test("[GW-9] too long a call is answered and nothing else happens", async () => {
  const socket = await socketOf();
  const words = "pronunciation ".repeat(10_000);
  const long = await socket.call("drill.start", { text: words });
  assert.ok(!long.ok && long.error.code === "PAYLOAD_TOO_LARGE");
  assert.deepEqual(long.error.details, { limitBytes: 65_536 });
  socket.send('451-["drill.frame",{"_placeholder":true,"num":0}]');
  socket.send(new Uint8Array(200_000));
  await socket.until(() => socket.events("drill.frameRejected").length > 0);
  assert.equal((await socket.call("room.list", {})).ok, true);
  socket.close();
});

test("[GW-6] a call that can't be read is INVALID_REQUEST, one without acknowledgement is not done, and the connection goes on", async () => {
  const socket = await socketOf();
  for (const call of ["", "[", '["room.list"', "[]", '"x"', '{"a":1}', "NaN", "null", "[".repeat(30_000)]) {
    socket.frames.length = 0;
    socket.send(`42${call}`);
    socket.send(`42900${call}`);
    await socket.until(() => socket.frames.length > 0);
    assert.match(socket.frames.join(), /^43900\[\{"ok":false,"error":\{"code":"INVALID_REQUEST"/, call.slice(0, 20));
    // Nine of them would go past the rate.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal((await socket.call("room.list", {})).ok, true);
  socket.close();
});

test("[GW-9] too long a message and bytes that are no packets close their connection and no other", async () => {
  const bystander = await socketOf();
  const { accessToken } = await request(server.url, "signInAsGuest", { name: "Rude" });
  const bad: (string | Uint8Array)[] = [
    "hello",
    "49",
    '42/elsewhere,["room.list",{}]',
    `420["room.list","${"x".repeat(1_100_000)}"]`,
    "40{}",
    "41",
    "2",
  ];
  for (const frame of bad) {
    const socket = await RawSocket.signedIn(server.url, accessToken);
    socket.send(frame);
    await socket.closed;
  }
  assert.equal((await bystander.call("room.list", {})).ok, true);
  bystander.close();
});

test("[GW-5, GW-6, GW-9] whatever is sent, every call is answered from the documented list and the server lives", async () => {
  const bystander = await socketOf();
  let socket = await socketOf();
  const name = fc.oneof(fc.constantFrom(...Object.keys(calls)), fc.string(), fc.constant("__proto__"));
  const call = fc.record({ name, args: fc.array(fc.jsonValue({ maxDepth: 6 }), { maxLength: 3 }) });
  await fc.assert(
    fc.asyncProperty(call, async ({ name, args }) => {
      // Nobody answers this one by itself here.
      fc.pre(name !== "chat.markRead");
      const reply = await socket.call(name, ...args);
      assert.ok(reply.ok || typeof reply.error.message === "string");
    }),
    { numRuns: 150 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.uint8Array(),
        fc.string().map((text) => `42${text}`),
      ),
      async (frame) => {
        if (socket.ws.readyState !== 1) socket = await socketOf();
        socket.send(frame);
      },
    ),
    { numRuns: 150 },
  );
  assert.equal((await bystander.call("room.list", {})).ok, true);
  bystander.close();
  socket.close();
});

test("[GW-10] above a call's rate one is told when to come back; other calls and people are not slowed", async () => {
  const { accessToken } = await request(server.url, "signInAsGuest", { name: "Hasty" });
  const one = await RawSocket.signedIn(server.url, accessToken);
  const two = await RawSocket.signedIn(server.url, accessToken);
  const replies = await Promise.all(
    Array.from({ length: 30 }, (_, at) => (at % 2 ? one : two).call("room.create", { topic: `t${at}` })),
  );
  const limited = replies.flatMap((reply) => (!reply.ok && reply.error.code === "RATE_LIMITED" ? [reply.error] : []));
  // room.create: 5 at once, then one in 5 s, over both connections.
  assert.ok(limited.length >= 24, `${limited.length} of 30 were limited`);
  assert.ok(limited.every(({ retryable, details }) => retryable && (details?.retryAfterMs as number) > 0));
  assert.equal((await one.call("room.list", {})).ok, true);
  const other = await socketOf();
  assert.equal(errorOf(await other.call("room.create", { topic: "t" })).code, "UNAVAILABLE");
  for (const socket of [one, two, other]) socket.close();
});

test("[GW-10] a connection may wait for 32 answers at once", async () => {
  const socket = await socketOf();
  const mark = { conversationId: "c", seq: 1 };
  const waiting = Array.from({ length: 32 }, () => socket.call("chat.markRead", mark));
  assert.equal(errorOf(await socket.call("chat.markRead", mark)).code, "RATE_LIMITED");
  for (const finish of hanging.splice(0)) finish();
  assert.ok((await Promise.all(waiting)).every((reply) => reply.ok));
  assert.equal((await socket.call("room.list", {})).ok, true);
  socket.close();
});

test("[GW-11] a flood ends its connection", async () => {
  const bystander = await socketOf();
  const socket = await socketOf();
  for (let sent = 0; sent < 40_000 && socket.ws.readyState === 1; sent += 1_000) {
    for (let at = 0; at < 1_000; at += 1) socket.send('42["x"]');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { code } = await socket.closed;
  assert.equal(code, 4_029);
  assert.deepEqual(socket.last("session.ended"), { reason: "limit", reconnect: false });
  assert.equal((await bystander.call("room.list", {})).ok, true);
  bystander.close();
});

test("[GW-16] what is wrong with a frame comes back, and the connection goes on", async () => {
  const socket = await socketOf();
  const frame = (bytes: Uint8Array) => {
    socket.send('451-["drill.frame",{"_placeholder":true,"num":0}]');
    socket.send(bytes);
  };
  const rejected = async (count: number) => {
    await socket.until(() => socket.events("drill.frameRejected").length === count);
    return (socket.last("drill.frameRejected") as { error: ErrorBody }).error.code;
  };
  socket.send('42["drill.frame","text"]');
  assert.equal(await rejected(1), "AUDIO_FRAME_MALFORMED");
  socket.send('42["drill.frame"]');
  assert.equal(await rejected(2), "AUDIO_FRAME_MALFORMED");
  frame(new Uint8Array(3));
  assert.equal(await rejected(3), "AUDIO_FRAME_MALFORMED");
  frame(new Uint8Array(6));
  assert.equal(await rejected(4), "INTERNAL");
  frame(new Uint8Array(640));
  socket.send('451-["speech.frame",{"_placeholder":true,"num":0}]');
  socket.send(new Uint8Array(640));
  assert.equal((await socket.call("room.list", {})).ok, true);
  assert.equal(socket.events("drill.frameRejected").length, 4);
  const { error: notListening } = socket.last("speech.frameRejected") as { error: ErrorBody };
  assert.equal(notListening.code, "SPEECH_NOT_RUNNING");
  const broken = [
    [new Uint8Array([1, 2, 3])],
    ['45999-["drill.frame"]'],
    ['451-["drill.frame"', new Uint8Array(640)],
    ['451-["drill.frame",{"_placeholder":true,"num":7}]', new Uint8Array(640)],
    ['451-["drill.frame",{"_placeholder":true,"num":0}]', '451-["drill.frame",{"_placeholder":true,"num":0}]'],
  ];
  for (const messages of broken) {
    socket.frames.length = 0;
    for (const message of messages) socket.send(message);
    // In the middle of a packet, too, a call is heard.
    assert.equal((await socket.call("room.list", {})).ok, true);
    const { error } = socket.last("drill.frameRejected") as { error: ErrorBody };
    assert.equal(error.code, "AUDIO_FRAME_MALFORMED", String(messages[0]));
  }
  socket.close();
});

test("[GW-15] pushes come in order to user, room and connection; after unsubscribe not one frame of the room", async () => {
  const { accessToken, user } = await request(server.url, "signInAsGuest", { name: "Ann" });
  const socket = await RawSocket.signedIn(server.url, accessToken);
  const connection = socket.connectionId;
  const { publisher } = server.gateway;
  const expected: string[] = [];
  const push = (to: Parameters<typeof publisher.publish>[0], roomId: string, heard: boolean) => {
    publisher.publish(to, "room.mediaLost", { roomId });
    if (heard) expected.push(roomId);
  };
  push({ room: "r" }, "before", false);
  await publisher.subscribe(connection, "r");
  for (let at = 0; at < 20; at += 1) {
    push({ room: "r" }, `room${at}`, true);
    push({ user: user.id }, `user${at}`, true);
    push({ connection }, `connection${at}`, true);
    push({ room: "other" }, `other${at}`, false);
  }
  await publisher.unsubscribe(connection, "r");
  for (let at = 0; at < 5; at += 1) push({ room: "r" }, `after${at}`, false);
  push({ user: user.id }, "last", true);
  await socket.until(() => socket.events("room.mediaLost").length >= expected.length);
  assert.deepEqual(
    socket.events("room.mediaLost").map(({ payload }) => (payload as { roomId: string }).roomId),
    expected,
  );
  socket.close();
});

test("[GW-22] people are found by the start of their name, twenty at the most", async () => {
  const socket = await socketOf("Zacharias");
  for (let at = 0; at < 22; at += 1) await server.accounts.signInAsGuest({ name: `zACh ${at}` });
  const reply = await socket.call("user.find", { prefix: "zach" });
  assert.ok(reply.ok);
  const users = reply.data.users as { name: string }[];
  assert.equal(users.length, 20);
  assert.ok(users.every(({ name }) => name.toLowerCase().startsWith("zach")));
  assert.deepEqual(Object.keys(users[0] ?? {}).sort(), ["id", "name"]);
  socket.close();
});
