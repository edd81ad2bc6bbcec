import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Publisher, PushName, PushPayload } from "#protocol";
import type { AudioTap } from "../../src/drills/ports.ts";
import { Speech, type SpeechTimes } from "../../src/drills/speech.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { ScoringPool } from "../../src/phonemes/pool.ts";
import { frameOf, modelDir, silence } from "../support/drill.ts";
import { until } from "../support/until.ts";

let pool: ScoringPool;
before(async () => {
  const quiet = { log: createLogger("silent"), metrics: createMetrics() };
  pool = new ScoringPool({ threads: 1, streamsPerThread: 2, modelDir, ...quiet });
  await pool.ready();
});
after(() => pool.close());

const ann = { userId: "ann", connectionId: "connection" };
const frames = { kind: "socket", sampleRate: 16_000 } as const;

function newSpeech(times: Partial<SpeechTimes>) {
  const pushed: { name: PushName; payload: unknown }[] = [];
  const publisher: Publisher = {
    publish: (_, name, payload) => void pushed.push({ name, payload }),
    subscribe: async () => {},
    unsubscribe: async () => {},
  };
  // A room in which nobody says anything.
  const audioTap: AudioTap = { tap: async () => () => {} };
  const speech = new Speech({ hearing: pool, audioTap, publisher, metrics: createMetrics(), times });
  const ended = () =>
    pushed.find(({ name }) => name === "speech.ended")?.payload as PushPayload<"speech.ended"> | undefined;
  return { speech, ended };
}

test("[DRILL-37] it ends by itself when no audio comes, from the socket and from a room, and says so", async () => {
  for (const source of [frames, { kind: "room", roomId: "room" } as const]) {
    const { speech, ended } = newSpeech({ socketIdleMs: 50, roomIdleMs: 50 });
    const { speechId } = await speech.start(ann, { source, share: false });
    await until("it ends", () => ended() !== undefined);
    assert.deepEqual([ended()?.reason, ended()?.speechId], ["idle", speechId]);
    await assert.rejects(speech.stop(ann.connectionId, speechId), { code: "SPEECH_NOT_RUNNING" });
    assert.throws(() => speech.frame(ann.connectionId, frameOf(0, silence(0.02))), { code: "SPEECH_NOT_RUNNING" });
  }
});

test("[DRILL-37] it ends when it has gone on for as long as may be; what was said till then is told", async () => {
  const { speech, ended } = newSpeech({ wholeMs: 300 });
  await speech.start(ann, { source: frames, share: false });
  for (let number = 0; number < 50; number++) speech.frame(ann.connectionId, frameOf(number, silence(0.02)));
  await until("it ends", () => ended() !== undefined);
  assert.deepEqual([ended()?.reason, ended()?.audioMs], ["limit", 1_000]);
  assert.equal(pool.openStreams, 0);
});

test("[DRILL-35] where every thread has its fill of speakers it is SCORING_UNAVAILABLE; a server that stops lets go", async () => {
  const { speech, ended } = newSpeech({});
  const others = [1, 2, 3].map((i) => ({ userId: `user ${i}`, connectionId: `connection ${i}` }));
  const [one, two, three] = others as [typeof ann, typeof ann, typeof ann];
  const request = { source: frames, share: false };
  await speech.start(one, request);
  await speech.start(two, request);
  await assert.rejects(speech.start(three, request), { code: "SCORING_UNAVAILABLE" });
  speech.disconnected(one.connectionId);
  await speech.start(three, request);
  speech.close();
  assert.equal(ended()?.reason, "lost");
  assert.equal(pool.openStreams, 0);
  await assert.rejects(speech.start(one, request), { code: "DRAINING" });
});
