import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ParlanceError, Resampler } from "#client";
import { PEER_RATE, speak } from "../../cli/node-peer.ts";
import { type Judgement, nextPush, orderFaults } from "../support/drill.ts";
import { joinAsPeer } from "../support/peer.ts";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { synthesise } from "../support/voice.ts";

const TEXT = "Please call Stella and ask her to bring these things";
let server: TestServer;
let learner: Guest;

before(async () => {
  server = await startServer();
  learner = await guest(server.url, "Ann");
});
after(async () => {
  learner?.connection.close();
  await server?.stop();
});

test("[DRILL-21] a microphone that is published in a room is judged from its track", async () => {
  const { connection } = learner;
  const { room } = await connection.call("room.create", { topic: "Practice" });
  const source = { kind: "room", roomId: room.id } as const;
  const refused = (code: string) =>
    assert.rejects(
      connection.call("drill.start", { text: TEXT, source }),
      (error: ParlanceError) => error.code === code,
    );
  await refused("NOT_IN_ROOM");
  const peer = await joinAsPeer(connection, room.id);
  await refused("NO_MICROPHONE_TRACK");

  const resampler = new Resampler(16_000, PEER_RATE);
  const voice = Float32Array.from(await synthesise(TEXT), (sample) => sample / 32_768);
  const samples = Int16Array.from([...resampler.push(voice), ...resampler.flush()], (sample) => sample * 32_767);
  // Again and again: the drill begins somewhere in the track, as it would in a room where one talks already.
  const microphone = speak(Int16Array.from([...new Int16Array(PEER_RATE), ...samples]), { loop: true });
  await peer.session.publish(microphone.track);

  const events: Judgement[] = [];
  connection.on("drill.phoneme", (push) => events.push({ type: "phoneme", ...push }));
  connection.on("drill.word", (push) => events.push({ type: "word", ...push }));
  connection.on("drill.result", () => events.push({ type: "result" }));
  const { attemptId, words } = await connection.call("drill.start", { text: TEXT, source });
  await nextPush(connection, "drill.word", ({ word }) => word === words.length - 1);
  const { attempt } = await connection.call("drill.finish", { attemptId }, { timeoutMs: 60_000 });
  assert.deepEqual(
    orderFaults(
      events,
      attempt.words.map(({ phones }) => ({ phones: phones.length })),
    ),
    [],
  );
  assert.ok(attempt.audioMs > 1_000);
  assert.ok(attempt.words.some(({ errorType }) => errorType !== "omission"));
  microphone.stop();
  peer.leave();
});
