import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, test } from "node:test";
import { type Connection, ParlanceError, Resampler, type SpeechEvent, SpeechSession } from "#client";
import { type ErrorCode, type PushPayload, SPEECH_FRAME_EVENT } from "#protocol";
import { PEER_RATE, speak } from "../../cli/node-peer.ts";
import { cli } from "../support/cli.ts";
import { frameOf, join, nextPush, silence } from "../support/drill.ts";
import { joinAsPeer, leaveAll } from "../support/peer.ts";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";
import { writeWav } from "../support/wav-file.ts";

let server: TestServer;
let ann: Guest;
let ben: Guest;
let voice: Int16Array;
before(async () => {
  server = await startServer();
  [ann, ben, voice] = await Promise.all([
    guest(server.url, "Ann"),
    guest(server.url, "Ben"),
    synthesise("what do you want to say today"),
  ]);
});
after(async () => {
  leaveAll();
  ann?.connection.close();
  ben?.connection.close();
  await server?.stop();
});

const refused = (code: ErrorCode, answer: Promise<unknown>) =>
  assert.rejects(answer, (error) => error instanceof ParlanceError && error.code === code);
const phonesHeardBy = (connection: Connection) => {
  const phones: PushPayload<"speech.phoneme">[] = [];
  connection.on("speech.phoneme", (push) => phones.push(push));
  return phones;
};

test("[DRILL-34] free speech is told as phones and pauses while one speaks, up to its end", async () => {
  const session = new SpeechSession(ann.connection);
  const events: SpeechEvent[] = [];
  session.onEvent((event) => events.push(event));
  await session.start();
  const audio = join(voice, silence(1), voice);
  session.feed(audio.subarray(0, audio.length - 8_000));
  await until("the first group is heard", () => events.some(({ type }) => type === "pause"));
  assert.ok(events.filter(({ type }) => type === "phoneme").length > 8);
  session.feed(audio.subarray(audio.length - 8_000));
  await session.stop();
  const { phase, groups, heardMs, error } = session.snapshot();
  assert.deepEqual([phase, error], ["ended", null]);
  assert.equal(groups.length, 2);
  for (const group of groups) assert.ok(group.length > 8 && group.length < 30, `${group.length} phones`);
  assert.equal(heardMs, Math.round(audio.length / 16));
  const last = events.at(-1);
  assert.ok(last?.type === "ended" && last.reason === "stopped");
  await session.start();
  assert.deepEqual(session.snapshot().groups, []);
  await session.stop();
  session.close();
});

test("[DRILL-34] audio of other rates is taken, a drill may run beside it, and frames of either go their own way", async () => {
  const { connection } = ann;
  const drill = await connection.call("drill.start", { text: "hello there" });
  const session = new SpeechSession(connection);
  await session.start();
  const resampler = new Resampler(16_000, 44_100);
  const floats = Float32Array.from(voice, (sample) => sample / 32_768);
  session.feed(resampler.push(floats), 44_100);
  await session.stop();
  assert.ok((session.snapshot().groups[0]?.length ?? 0) > 8);
  await connection.call("drill.cancel", { attemptId: drill.attemptId });
  session.close();
});

test("[DRILL-35] what can't be listened to is refused by its own code, and the connection goes on", async () => {
  const { connection } = ann;
  const frameCode = async (bytes: Uint8Array) => {
    const push = nextPush(connection, "speech.frameRejected");
    connection.send(SPEECH_FRAME_EVENT, bytes);
    return (await push).error.code;
  };
  assert.equal(await frameCode(frameOf(0, voice.subarray(0, 320))), "SPEECH_NOT_RUNNING");
  await refused("SPEECH_NOT_RUNNING", connection.call("speech.stop", { speechId: "none" }));
  await refused(
    "AUDIO_FORMAT_UNSUPPORTED",
    connection.call("speech.start", { source: { kind: "socket", sampleRate: 8_000 } }),
  );
  await refused("INVALID_REQUEST", connection.call("speech.start", { share: true }));
  const { room } = await connection.call("room.create", { topic: "Elsewhere" });
  const source = { kind: "room", roomId: room.id } as const;
  await refused("NOT_IN_ROOM", connection.call("speech.start", { source }));
  const { speechId } = await connection.call("speech.start", {});
  await refused("SPEECH_BUSY", connection.call("speech.start", {}));
  await refused("SPEECH_NOT_RUNNING", ben.connection.call("speech.stop", { speechId }));
  assert.equal(await frameCode(new Uint8Array([1, 2, 3])), "AUDIO_FRAME_MALFORMED");
  assert.equal(await frameCode(frameOf(0, silence(0.2))), "AUDIO_FRAME_MALFORMED");
  assert.equal(await frameCode(frameOf(0, new Int16Array(0))), "AUDIO_FRAME_MALFORMED");
  const overflow = nextPush(connection, "speech.frameRejected");
  for (let number = 0; number < 400; number++) connection.send(SPEECH_FRAME_EVENT, frameOf(number, silence(0.1)));
  assert.equal((await overflow).error.code, "AUDIO_OVERFLOW");
  assert.ok((await connection.call("speech.stop", { speechId })).audioMs >= 10_000);
  await refused("SPEECH_NOT_RUNNING", connection.call("speech.stop", { speechId }));
});

test("[DRILL-36] shared in a room, everybody there sees who says which phones; unshared, the speaker alone", async () => {
  const { room } = await ann.connection.call("room.create", { topic: "Tutoring" });
  const [learner] = await Promise.all([joinAsPeer(ann.connection, room.id), joinAsPeer(ben.connection, room.id)]);
  const outside = await guest(server.url, "Cyd");
  const resampler = new Resampler(16_000, PEER_RATE);
  const floats = Float32Array.from(voice, (sample) => sample / 32_768);
  const track = Int16Array.from([...resampler.push(floats), ...resampler.flush()], (sample) => sample * 32_767);
  const microphone = speak(Int16Array.from([...new Int16Array(PEER_RATE), ...track]), { loop: true });
  await learner.session.publish(microphone.track);

  const [seenByAnn, seenByBen, seenByCyd] = [ann.connection, ben.connection, outside.connection].map(phonesHeardBy);
  const session = new SpeechSession(ann.connection);
  await session.start({ roomId: room.id, share: true });
  const paused = nextPush(ben.connection, "speech.pause");
  await until("the tutor sees phones", () => (seenByBen?.length ?? 0) > 10);
  assert.deepEqual([(await paused).userId, (await paused).roomId], [ann.user.id, room.id]);
  const ended = nextPush(ben.connection, "speech.ended");
  await session.stop();
  assert.equal((await ended).reason, "stopped");
  assert.deepEqual(seenByBen, seenByAnn);
  assert.ok(seenByBen?.every(({ userId, roomId }) => userId === ann.user.id && roomId === room.id));
  assert.ok((session.snapshot().groups[0]?.length ?? 0) > 0);

  seenByBen?.splice(0);
  await session.start({ roomId: room.id });
  seenByAnn?.splice(0);
  await until("the speaker sees phones", () => (seenByAnn?.length ?? 0) > 10);
  await session.stop();
  assert.deepEqual([seenByBen, seenByCyd], [[], []]);
  session.close();
  outside.connection.close();
  microphone.stop();
  leaveAll();
});

test("[DRILL-37] it ends when the microphone goes, and may start anew with another", async () => {
  const { room } = await ann.connection.call("room.create", { topic: "In and out" });
  const source = { kind: "room", roomId: room.id } as const;
  for (let visit = 0; visit < 2; visit++) {
    const peer = await joinAsPeer(ann.connection, room.id);
    await peer.speak();
    const { speechId } = await ann.connection.call("speech.start", { source });
    const ended = nextPush(ann.connection, "speech.ended");
    peer.leave();
    assert.deepEqual([(await ended).speechId, (await ended).reason], [speechId, "lost"]);
  }
});

test("[DRILL-37] it ends with its connection, and the room hears of it", async () => {
  const { room } = await ben.connection.call("room.create", { topic: "Short visit" });
  const visitor = await guest(server.url, "Dan");
  const [peer] = await Promise.all([joinAsPeer(visitor.connection, room.id), joinAsPeer(ben.connection, room.id)]);
  await peer.speak();
  const { speechId } = await visitor.connection.call("speech.start", {
    source: { kind: "room", roomId: room.id },
    share: true,
  });
  const ended = nextPush(ben.connection, "speech.ended");
  visitor.connection.close();
  assert.deepEqual([(await ended).speechId, (await ended).reason], [speechId, "lost"]);
  leaveAll();
});

test("[DRILL-34] the command prints a JSON line for each phone, as it is heard", async () => {
  const folder = await mkdtemp(path(tmpdir(), "parlance-listen-"));
  const file = path(folder, "a.wav");
  await writeWav(file, voice);
  const { code, lines, err } = await cli(["listen", file, "--speed", "max", "--json"], { PARLANCE_URL: server.url });
  assert.equal(code, 0, err);
  const events = lines() as { type: string; phone: string; startMs: number }[];
  assert.ok(events.filter(({ type }) => type === "phoneme").length > 8);
  assert.equal(events.at(-1)?.type, "ended");
  assert.equal((await cli(["listen"])).code, 2);
  const missing = await cli(["listen", path(folder, "none.wav"), "--json"], { PARLANCE_URL: server.url });
  assert.equal(missing.code, 1);
  await rm(folder, { recursive: true });
});
