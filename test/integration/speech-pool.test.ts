import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Worker } from "node:worker_threads";
import { limits } from "#protocol";
import type { SpeechEvent } from "../../src/drills/ports.ts";
import type { AppError } from "../../src/lib/app-error.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { ScoringPool } from "../../src/phonemes/pool.ts";
import { randomFrom } from "../../training/random.ts";
import { join, modelDir, silence } from "../support/drill.ts";
import { encodeOpus } from "../support/opus.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

/** The threads that streams were placed on, as Node made them: the way to kill one. */
const threads = new Set<Worker>();
const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (...args: Parameters<typeof postMessage>) {
  if (args[0].type === "listen") threads.add(this);
  return postMessage.apply(this, args);
};
async function killThreads(): Promise<void> {
  await Promise.all(
    [...threads].map(
      (thread) =>
        new Promise((resolve) => {
          thread.once("exit", resolve);
          postMessage.call(thread, null);
        }),
    ),
  );
  threads.clear();
}

type Heard = Extract<SpeechEvent, { type: "heard" }>;
let voice: Int16Array;
let pool: ScoringPool;
before(async () => {
  voice = join(await synthesise("she had your dark suit in greasy wash water all year"), silence(0.7));
  pool = new ScoringPool({
    threads: 1,
    streamsPerThread: 8,
    modelDir,
    log: createLogger("silent"),
    metrics: createMetrics(),
  });
  await pool.ready();
});
after(() => pool.close());

function listen(source: "pcm" | "opus") {
  const events: SpeechEvent[] = [];
  let heardMs = 0;
  const over = Promise.withResolvers<AppError | undefined>();
  const stream = pool.listen(source, {
    onEvent(event) {
      events.push(event);
      if (event.type === "over") over.resolve(undefined);
    },
    onProgress(ms) {
      assert.ok(ms > heardMs, "progress never falls");
      heardMs = ms;
    },
    onFailed: (error) => over.resolve(error),
  });
  const phones = () => events.filter((event): event is Heard => event.type === "heard");
  return { stream, events, over: over.promise, phones, heardMs: () => heardMs };
}

/** Phones follow one another, pauses follow a phone, and the end comes last. */
function assertOrder(events: SpeechEvent[]): void {
  let clock = 0;
  let speaking = false;
  for (const event of events) {
    if (event.type === "heard") {
      assert.ok(event.startMs >= clock && event.endMs > event.startMs, `${event.startMs} after ${clock}`);
      clock = event.endMs;
    } else if (event.type === "pause") assert.ok(speaking, "a pause without a phone before it");
    speaking = event.type === "heard";
  }
  assert.deepEqual(
    events.map(({ type }) => type === "over"),
    events.map((_, i) => i === events.length - 1),
  );
}

const text = (phones: Heard[]) => phones.map(({ phone }) => phone).join(" ");

test("[DRILL-38] when its thread dies, free speech goes on from the last seconds, and nothing is told twice", async () => {
  const times = 4;
  const undisturbed = listen("pcm");
  const one = listen("pcm");
  for (let i = 0; i < times; i++) {
    undisturbed.stream.push(voice);
    one.stream.push(voice);
    // More than the kept audio is heard by then, and a word group is in the making.
    await until("most is heard", () => one.heardMs() > ((i + 0.6) * voice.length) / 16);
    await until("most is heard there, too", () => undisturbed.heardMs() > ((i + 0.6) * voice.length) / 16);
    if (i === 2) {
      await killThreads();
      await until("there is another thread", () => pool.readyThreads === 1);
    }
  }
  one.stream.end();
  undisturbed.stream.end();
  assert.deepEqual([await one.over, await undisturbed.over], [undefined, undefined]);
  assertOrder(one.events);
  const each = undisturbed.phones().length / times;
  assert.ok(each > 20, text(undisturbed.phones()));
  assert.ok(Math.abs(one.phones().length - times * each) < 4, `${text(one.phones())}\n${text(undisturbed.phones())}`);
  assert.deepEqual(one.events.at(-1), { type: "over", audioMs: Math.round((times * voice.length) / 16) });
  assert.equal(one.events.filter(({ type }) => type === "pause").length, times);
});

test("[DRILL-38] so does that of a room's microphone", async () => {
  const packets = await encodeOpus(join(voice, voice, voice));
  const one = listen("opus");
  const push = (from: number, to: number) => {
    for (const [i, payload] of packets.slice(from, to).entries())
      one.stream.pushOpus({
        payload,
        sequenceNumber: (65_500 + from + i) & 0xffff,
        timestamp: ((from + i) * 960) >>> 0,
      });
  };
  const third = Math.floor(packets.length / 3);
  push(0, third * 2);
  await until("two thirds are heard", () => one.heardMs() > third * 2 * 20 - 500);
  await killThreads();
  push(third * 2, packets.length);
  one.stream.end();
  assert.equal(await one.over, undefined);
  assertOrder(one.events);
  const perReading = [0, 1, 2].map(
    (i) => one.phones().filter(({ startMs }) => Math.floor(startMs / (voice.length / 16)) === i).length,
  );
  for (const count of perReading) assert.ok(count > 20, perReading.join());
});

test("[DRILL-39] of long speech only seconds are kept, and its times stay right", async () => {
  const one = listen("pcm");
  await until("the stream is there", () => pool.openStreams > 0);
  const before = process.memoryUsage().arrayBuffers;
  let pushed = 0;
  const limitMs = limits.audioAheadMs;
  // Eight minutes: the ring comes round thirty times.
  while (pushed < 16_000 * 480) {
    await until("there is room", () => (pushed + voice.length) / 16 - one.heardMs() < limitMs);
    one.stream.push(voice);
    pushed += voice.length;
  }
  assert.throws(
    () => {
      for (let i = 0; i < 20; i++) one.stream.push(voice);
    },
    { code: "AUDIO_OVERFLOW" },
  );
  const grown = process.memoryUsage().arrayBuffers - before;
  one.stream.end();
  assert.equal(await one.over, undefined);
  assertOrder(one.events);
  assert.ok(grown < 4_000_000, `${grown} bytes`);
  const readings = pushed / voice.length;
  const perReading = one.phones().filter(({ startMs }) => startMs < pushed / 16).length / readings;
  assert.ok(perReading > 20 && perReading < 45, `${perReading} phones each time`);
  const last = one
    .phones()
    .filter(({ startMs }) => startMs < pushed / 16)
    .at(-1) as Heard;
  assert.ok(last.endMs > pushed / 16 - 1_500, `${last.endMs} of ${pushed / 16}`);
});

test("[DRILL-39] packets with any timestamps, sequence numbers and bytes end in phones in order, and within bounds", async () => {
  const random = randomFrom(9);
  const packets = await encodeOpus(voice);
  const one = listen("opus");
  const before = process.memoryUsage().arrayBuffers;
  let refused = 0;
  for (let i = 0; i < 4_000; i++) {
    const packet = {
      payload: random() < 0.5 ? (packets[i % packets.length] as Uint8Array) : Uint8Array.from([1, 2, random() * 256]),
      sequenceNumber: random() < 0.7 ? i & 0xffff : Math.floor(random() * 65_536),
      timestamp: random() < 0.7 ? (i * 960) >>> 0 : Math.floor(random() * 2 ** 32),
    };
    try {
      one.stream.pushOpus(packet);
    } catch (error) {
      assert.equal((error as AppError).code, "AUDIO_OVERFLOW");
      refused += 1;
    }
    if (i % 500 === 499) await until("it is worked at", () => one.heardMs() > 0);
  }
  one.stream.end();
  assert.equal(await one.over, undefined);
  assertOrder(one.events);
  assert.ok(refused > 0, "more than fits was refused");
  assert.ok(process.memoryUsage().arrayBuffers - before < 8_000_000);
});
