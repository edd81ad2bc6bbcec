import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Connection, request } from "#client";
import { cuttableProxy } from "../support/cuttable-proxy.ts";
import { AUDIBLE, joinAsPeer, leaveAll, tone } from "../support/peer.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { rejectsWith } from "../support/rooms.ts";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const ADMIN_PASSWORD = "an-admin-password";
let server: TestServer;
const guests: Guest[] = [];
before(async () => {
  server = await startServer({ PARLANCE_ADMIN_PASSWORD: ADMIN_PASSWORD, PARLANCE_ROOM_CAPACITY: "4" });
});
afterEach(() => {
  leaveAll();
  for (const { connection } of guests.splice(0)) connection.close();
});
after(() => server.stop());

async function comeIn(name: string): Promise<Guest> {
  const one = await guest(server.url, name);
  guests.push(one);
  return one;
}

async function openRoom(by: Guest, topic = "Small talk"): Promise<string> {
  const { room } = await by.connection.call("room.create", { topic });
  return room.id;
}

test("[ROOM-1, ROOM-2, ROOM-4] a stranger finds the room that somebody opened, enters and hears", async () => {
  const [ann, bob] = [await comeIn("Ann"), await comeIn("Bob")];
  const roomId = await openRoom(ann, "Weekend plans");
  const annPeer = await joinAsPeer(ann.connection, roomId);
  await annPeer.speak(440);
  const { rooms } = await bob.connection.call("room.list", {});
  assert.ok(rooms.some((room) => room.id.startsWith("lobby")));
  assert.deepEqual(
    rooms.find((room) => room.topic === "Weekend plans"),
    { id: roomId, topic: "Weekend plans", language: "en", peers: 1, capacity: 4 },
  );
  const bobPeer = await joinAsPeer(bob.connection, roomId);
  await bobPeer.speak(660);
  await until("both to hear", () => annPeer.hears(bobPeer) > AUDIBLE && bobPeer.hears(annPeer) > AUDIBLE);
});

test("[ROOM-7] a broken socket does not interrupt the audio, and the place is taken again", async () => {
  const ann = await comeIn("Ann");
  const roomId = await openRoom(ann);
  const annPeer = await joinAsPeer(ann.connection, roomId);
  await annPeer.speak(440);
  const tokens = await request(server.url, "signInAsGuest", { name: "Bob" });
  const proxy = await cuttableProxy(server.url);
  const connection = new Connection(proxy.url, { token: () => tokens.accessToken });
  try {
    await connection.ready();
    const bobPeer = await joinAsPeer(connection, roomId);
    await bobPeer.speak(660);
    await until("both to hear", () => annPeer.hears(bobPeer) > AUDIBLE && bobPeer.hears(annPeer) > AUDIBLE);
    const { peerId } = bobPeer.session.snapshot();
    proxy.block();
    await until("the cut to be seen", () => bobPeer.session.snapshot().phase === "recovering");
    await annPeer.session.say("Are you there?");
    const before = await bobPeer.received();
    await until("audio without a socket", async () => (await bobPeer.received()) > before + 25);
    assert.ok(annPeer.hears(bobPeer) > AUDIBLE);
    proxy.restore();
    await until("the place to be taken again", () => bobPeer.session.snapshot().phase === "joined");
    assert.equal(bobPeer.session.snapshot().peerId, peerId);
    await until("what was said", () => bobPeer.session.snapshot().lines.some(({ text }) => text === "Are you there?"));
    await annPeer.session.say("Welcome back");
    await until("what is said", () => bobPeer.session.snapshot().lines.some(({ text }) => text === "Welcome back"));
    const again = await bobPeer.received();
    await until("audio to go on", async () => (await bobPeer.received()) > again + 25);
    bobPeer.leave();
  } finally {
    connection.close();
    await proxy.close();
  }
});

test("[ROOM-12] after a kill -9 of the media worker the room speaks again by itself", async () => {
  const [ann, bob] = [await comeIn("Ann"), await comeIn("Bob")];
  const roomId = await openRoom(ann);
  const [one, other] = [await joinAsPeer(ann.connection, roomId), await joinAsPeer(bob.connection, roomId)];
  await one.speak(440);
  await other.speak(660);
  await until("both to hear", () => one.hears(other) > AUDIBLE && other.hears(one) > AUDIBLE);
  const children = execFileSync("pgrep", ["-P", String(server.process.pid), "-f", "mediasoup-worker"], {
    encoding: "utf8",
  });
  for (const pid of children.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
  await until("the silence", () => one.ears.size === 0 && other.ears.size === 0);
  await until("both to hear again", () => one.hears(other) > AUDIBLE && other.hears(one) > AUDIBLE);
});

test("[ROOM-9] the room takes as many as it may", async () => {
  const people = await Promise.all(["a", "b", "c", "d", "e"].map((name) => comeIn(name)));
  const [first] = people;
  assert.ok(first);
  const roomId = await openRoom(first);
  const outcomes = await Promise.allSettled(people.map(({ connection }) => connection.call("room.join", { roomId })));
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.equal(refused.length, 1);
  assert.ok(rejectsWith("ROOM_FULL")(refused[0]?.reason));
  assert.equal(refused[0]?.reason.retryable, true);
});

test("[ROOM-18] whoever is kicked is gone from the room at once, and hears and says nothing more", async () => {
  const ann = await comeIn("Ann");
  const roomId = await openRoom(ann);
  const annPeer = await joinAsPeer(ann.connection, roomId);
  const bob = await comeIn("Bob");
  const bobPeer = await joinAsPeer(bob.connection, roomId);
  await annPeer.speak(440);
  await bobPeer.speak(660);
  await until("both to hear", () => annPeer.hears(bobPeer) > AUDIBLE && bobPeer.hears(annPeer) > AUDIBLE);
  const reasons: string[] = [];
  ann.connection.on("room.event", ({ event }) => {
    if (event.type === "peerLeft") reasons.push(event.reason);
  });
  const admin = await request(server.url, "signIn", { name: "admin", password: ADMIN_PASSWORD });
  await request(server.url, "kick", { userId: bob.user.id }, admin.accessToken);
  await until("bob to be gone", () => annPeer.session.snapshot().peers.length === 1 && annPeer.ears.size === 0);
  assert.deepEqual(reasons, ["removed"]);
});

test("[ROOM-11] after the answer to room.leave no frame of the room arrives", async () => {
  const ann = await comeIn("Ann");
  const roomId = await openRoom(ann);
  await ann.connection.call("room.join", { roomId });
  const tokens = await request(server.url, "signInAsGuest", { name: "Bob" });
  const bob = await RawSocket.signedIn(server.url, tokens.accessToken);
  assert.equal((await bob.call("room.join", { roomId })).ok, true);
  await ann.connection.call("room.say", { roomId, text: "one" });
  await bob.until(() => bob.events("room.event").some(({ payload }) => JSON.stringify(payload).includes("one")));
  assert.equal((await bob.call("room.leave", { roomId })).ok, true);
  const frames = bob.frames.length;
  for (let i = 0; i < 5; i += 1) await ann.connection.call("room.say", { roomId, text: "two" });
  await bob.call("room.list", {});
  assert.deepEqual(
    bob.frames.slice(frames).filter((frame) => frame.startsWith("42")),
    [],
  );
  bob.close();
});

test("[ROOM-10, ROOM-11] bad room calls get their documented codes and the room goes on", async () => {
  const [ann, mallory] = [await comeIn("Ann"), await comeIn("Mallory")];
  const roomId = await openRoom(ann);
  await ann.connection.call("room.join", { roomId });
  const call = mallory.connection.call.bind(mallory.connection) as (name: string, input: unknown) => Promise<unknown>;
  const bad: [string, unknown, string][] = [
    ["room.join", { roomId: "gone" }, "ROOM_NOT_FOUND"],
    ["room.join", { roomId: 7 }, "INVALID_REQUEST"],
    ["room.join", {}, "INVALID_REQUEST"],
    ["room.join", { roomId, rtpCapabilities: [] }, "INVALID_REQUEST"],
    ["room.join", { roomId, rtpCapabilities: { codecs: [{ mimeType: "audio/opus" }] } }, "MEDIA_UNSUPPORTED"],
    ["room.join", { roomId: "__proto__" }, "ROOM_NOT_FOUND"],
    ["room.say", { roomId, text: "hello" }, "NOT_IN_ROOM"],
    ["room.resume", { roomId, peerId: "x", epoch: "y", afterSeq: 0 }, "PEER_GONE"],
    ["room.resume", { roomId: "gone", peerId: "x", epoch: "y", afterSeq: 0 }, "PEER_GONE"],
    ["room.create", { topic: "  " }, "INVALID_REQUEST"],
    ["room.create", { topic: "x".repeat(81) }, "INVALID_REQUEST"],
    ["room.create", { topic: "x", language: "English!" }, "INVALID_REQUEST"],
    ["room.setMuted", { roomId, muted: "yes" }, "INVALID_REQUEST"],
    ["room.produce", { roomId, transportId: "t", kind: "screen", rtpParameters: {} }, "INVALID_REQUEST"],
  ];
  for (const [name, input, code] of bad)
    await assert.rejects(call(name, input), rejectsWith(code), `${name} ${JSON.stringify(input)}`);
  await mallory.connection.call("room.join", { roomId });
  await assert.rejects(call("room.say", { roomId, text: "x".repeat(501) }), rejectsWith("INVALID_REQUEST"));
  assert.ok((await mallory.connection.call("room.say", { roomId, text: "fine" })).seq > 0);
  assert.ok((await ann.connection.call("room.say", { roomId, text: "fine" })).seq > 0);
});

test("[CLI-9] the room command opens a room by topic, speaks a file there and reports what it sent and heard", async () => {
  const dir = await mkdtemp(join(tmpdir(), "parlance-cli-room-"));
  try {
    const file = join(dir, "tone.wav");
    await writeFile(file, stereoWav(tone(440, 3_000), 48_000));
    const speak = (name: string, seconds: number) =>
      promisify(execFile)(
        process.execPath,
        ["cli/main.ts", "room", "Command line", "--play", file, "--seconds", String(seconds), "--json", "--name", name],
        { env: { ...process.env, PARLANCE_URL: server.url } },
      ).then(({ stdout }) => JSON.parse(stdout.trim()));
    const longer = speak("Ann", 8);
    const ann = await comeIn("Watcher");
    await until("the first to be in", async () => {
      // A look every 20 ms would be more than a user may ask for.
      await sleep(400);
      const { rooms } = await ann.connection.call("room.list", {});
      return rooms.some(({ topic, peers }) => topic === "Command line" && peers === 1);
    });
    const [one, other] = await Promise.all([longer, speak("Bob", 3)]);
    assert.deepEqual([one.created, other.created], [true, false]);
    assert.equal(one.roomId, other.roomId);
    for (const report of [one, other]) {
      assert.equal(report.type, "room");
      assert.ok(report.packetsSent > 50 && report.packetsReceived > 10, JSON.stringify(report));
      assert.ok(report.joinMs > 0 && report.ownLevelDb > -40);
    }
    assert.deepEqual(
      one.heard.map(({ name }: { name: string }) => name),
      ["Bob"],
    );
    assert.ok(one.heard[0].peakDb > -30 && one.firstAudioMs > 0);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

function stereoWav(samples: Int16Array, rate: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples.length * 4, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 4, 28);
  head.writeUInt16LE(4, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples.length * 4, 40);
  const body = Int16Array.from({ length: samples.length * 2 }, (_, i) => samples[i >> 1] ?? 0);
  return Buffer.concat([head, new Uint8Array(body.buffer)]);
}
