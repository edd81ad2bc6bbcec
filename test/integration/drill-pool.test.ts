import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Worker } from "node:worker_threads";
import type { ScoreEvent } from "../../src/drills/ports.ts";
import type { AppError } from "../../src/lib/app-error.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { Lexicon } from "../../src/phonemes/lexicon.ts";
import { ScoringPool } from "../../src/phonemes/pool.ts";
import { join, modelDir, orderFaults, silence } from "../support/drill.ts";
import { encodeOpus } from "../support/opus.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

const TEXT = "She had your dark suit in greasy wash water all year";
const log = createLogger("silent");
const lexicon = new Lexicon({ modelDir });

/** The scoring threads that streams were placed on, as Node made them: the way to kill one. */
const threads = new Set<Worker>();
const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (...args: Parameters<typeof postMessage>) {
  if (args[0].type === "open") threads.add(this);
  return postMessage.apply(this, args);
};

/** An error that nobody catches, between two runs of the model. (A thread terminated inside of one aborts the process.) */
async function killThread(thread: Worker): Promise<void> {
  await new Promise((resolve) => {
    thread.once("exit", resolve);
    postMessage.call(thread, null);
  });
}

function newPool(options: { threads?: number; streamsPerThread?: number; modelDir?: string } = {}): ScoringPool {
  return new ScoringPool({ threads: 1, streamsPerThread: 8, modelDir, log, metrics: createMetrics(), ...options });
}

/** One reading through a pool, with all that comes of it. */
async function reading(pool: ScoringPool, source: "pcm" | "opus" = "pcm", text = TEXT) {
  const words = await lexicon.words(text);
  const events: ScoreEvent[] = [];
  let judgedMs = 0;
  const over = Promise.withResolvers<AppError | undefined>();
  const stream = pool.open(words, source, {
    onEvent(event) {
      events.push(event);
      if (event.type === "result") over.resolve(undefined);
    },
    onProgress(ms) {
      assert.ok(ms > judgedMs, "progress never falls");
      judgedMs = ms;
    },
    onFailed: (error) => over.resolve(error),
  });
  const result = () => events.find((event) => event.type === "result");
  return {
    stream,
    events,
    over: over.promise,
    result,
    progress: () => judgedMs,
    finals: () => events.filter((event) => event.type === "phoneme" && event.final),
    /** Resolves once all is judged; what the order of events lacks. */
    async faults() {
      assert.equal(await over.promise, undefined);
      return orderFaults(events, result()?.words.map(({ phones }) => ({ phones: phones.length })) ?? []);
    },
  };
}

let voice: Int16Array;
let pool: ScoringPool;
before(async () => {
  voice = await synthesise(TEXT);
  pool = newPool({ threads: 2 });
  await pool.ready();
  await until("both threads are ready", () => pool.readyThreads === 2);
});
after(() => pool.close());

test("[DRILL-10] every phone of a reading is final once, in order, and then the result comes", async () => {
  const one = await reading(pool);
  one.stream.push(voice);
  one.stream.end();
  assert.deepEqual(await one.faults(), []);
  assert.ok(one.events.some((event) => event.type === "phoneme" && !event.final));
  const result = one.result();
  assert.equal(result?.outcome, "scored");
  assert.deepEqual(
    result?.words.map((word) => word.text),
    TEXT.split(" "),
  );
  assert.equal(pool.openStreams, 0);
});

test("[DRILL-12] progress is told while audio flows", async () => {
  const one = await reading(pool);
  one.stream.push(join(voice, silence(1)));
  await until("all but the newest audio is judged", () => one.progress() > voice.length / 16);
  one.stream.close();
});

test("[DRILL-9] audio is taken up to 10 s ahead of what is judged, then refused whole, then taken again", async () => {
  const one = await reading(pool);
  one.stream.push(silence(9.9));
  assert.throws(() => one.stream.push(silence(0.2)), { code: "AUDIO_OVERFLOW" });
  await until("some of it is judged", () => one.progress() > 500);
  one.stream.push(silence(0.2));
  one.stream.end();
  assert.equal(await one.over, undefined);
  assert.equal(one.result()?.audioMs, 10_100);
});

test("[DRILL-9] no stream holds more than the longest attempt", async () => {
  const one = await reading(pool);
  assert.throws(() => one.stream.push(silence(121)), { code: "AUDIO_OVERFLOW" });
  one.stream.close();
});

test("[DRILL-19] streams have places, and give them back", async () => {
  const small = newPool({ streamsPerThread: 2 });
  try {
    await assert.rejects(reading(small), { code: "SCORING_UNAVAILABLE" }, "no thread is ready yet");
    await small.ready();
    const [one, two] = [await reading(small), await reading(small)];
    await assert.rejects(reading(small), { code: "SCORING_UNAVAILABLE" });
    one.stream.close();
    one.stream.close();
    const three = await reading(small);
    two.stream.push(silence(0.5));
    two.stream.end();
    await two.over;
    const four = await reading(small);
    await assert.rejects(reading(small), { code: "SCORING_UNAVAILABLE" });
    await small.close();
    assert.equal((await three.over)?.code, "SCORING_UNAVAILABLE");
    assert.equal((await four.over)?.code, "SCORING_UNAVAILABLE");
  } finally {
    await small.close();
  }
});

test("[DRILL-19] a speaker with a backlog does not hold up the others on the thread", async () => {
  const one = newPool();
  try {
    await one.ready();
    const long = await reading(one);
    long.stream.push(silence(9.5));
    long.stream.end();
    const short = await reading(one);
    short.stream.push(silence(0.5));
    short.stream.end();
    const first = await Promise.race([long.over.then(() => "long"), short.over.then(() => "short")]);
    assert.equal(first, "short");
    await long.over;
  } finally {
    await one.close();
  }
});

test("[DRILL-18] when threads die, readings go on elsewhere and nothing is told twice", async () => {
  const own = newPool({ threads: 2 });
  try {
    await own.ready();
    await until("both threads are ready", () => own.readyThreads === 2);
    threads.clear();
    const readings = await Promise.all([reading(own), reading(own), reading(own)]);
    const half = Math.floor(voice.length / 2);
    for (const one of readings) one.stream.push(voice.subarray(0, half));
    await until("all have heard something", () => readings.every((one) => one.finals().length > 3));
    // Both threads, so that the readings are without a home for a while, with audio still coming.
    for (const thread of [...threads]) await killThread(thread);
    for (const one of readings) {
      one.stream.push(voice.subarray(half));
      one.stream.end();
    }
    const undisturbed = await reading(pool);
    undisturbed.stream.push(voice);
    undisturbed.stream.end();
    await undisturbed.over;
    for (const one of readings) {
      assert.deepEqual(await one.faults(), []);
      assert.deepEqual(one.finals(), undisturbed.finals());
      assert.deepEqual(one.result(), undisturbed.result());
    }
    assert.equal(own.openStreams, 0);
  } finally {
    await own.close();
  }
});

test("[DRILL-18, DRILL-60] that nothing is heard is not told anew when a thread dies", async () => {
  const own = newPool();
  try {
    await own.ready();
    threads.clear();
    const one = await reading(own);
    const notices = () => one.events.flatMap((event) => (event.type === "unheard" ? event.endMs : []));
    one.stream.push(silence(5));
    await until("it is told", () => notices().length === 1);
    for (const thread of [...threads]) await killThread(thread);
    one.stream.push(silence(4));
    one.stream.end();
    assert.equal(await one.over, undefined);
    assert.deepEqual(notices(), [4_000, 8_000]);
  } finally {
    await own.close();
  }
});

test("[DRILL-62] audio in bursts after stalls is judged like audio that flowed, also where a burst was too long at first", async () => {
  const steady = await reading(pool);
  const long = join(silence(8), voice);
  for (let at = 0; at < long.length; at += 320) {
    await until("there is room", () => at / 16 - steady.progress() < 5_000);
    steady.stream.push(long.subarray(at, at + 320));
  }
  steady.stream.end();
  assert.deepEqual(await steady.faults(), []);
  const bursts = await reading(pool);
  for (let at = 0, size = 1; at < long.length; size = Math.min(9 * 16_000, 7 * size)) {
    const burst = long.subarray(at, at + size);
    try {
      bursts.stream.push(burst);
      at += burst.length;
    } catch (error) {
      assert.equal((error as AppError).code, "AUDIO_OVERFLOW");
      const before = bursts.progress();
      await until("some of it is judged", () => bursts.progress() > before);
    }
  }
  bursts.stream.end();
  assert.deepEqual(await bursts.faults(), []);
  assert.deepEqual(bursts.finals(), steady.finals());
  assert.deepEqual(bursts.result(), steady.result());
});

test("[DRILL-18] a reading that waited for its result gets it from the next thread", async () => {
  const own = newPool();
  try {
    await own.ready();
    threads.clear();
    const one = await reading(own);
    one.stream.push(voice);
    one.stream.end();
    for (const thread of [...threads]) void killThread(thread);
    assert.deepEqual(await one.faults(), []);
  } finally {
    await own.close();
  }
});

test("[DRILL-19] a pool closed in the midst of readings ends its threads in peace", async () => {
  for (let round = 0; round < 5; round++) {
    const own = newPool();
    await own.ready();
    const readings = await Promise.all([reading(own), reading(own), reading(own)]);
    for (const one of readings) one.stream.push(voice);
    await until("they are being judged", () => readings.some((one) => one.events.length > 0));
    await own.close();
    for (const one of readings) assert.equal((await one.over)?.code, "SCORING_UNAVAILABLE");
  }
});

test("[DRILL-19] a pool without a model refuses, keeps trying, and closes", async () => {
  const broken = newPool({ modelDir: "/nonexistent" });
  await assert.rejects(broken.ready(), /could not start/);
  await assert.rejects(reading(broken), { code: "SCORING_UNAVAILABLE" });
  assert.equal(broken.healthy, false);
  await broken.close();
  await broken.close();
});

test("[DRILL-20] a reading that comes as Opus is judged like the same reading as PCM", async () => {
  const payloads = await encodeOpus(join(voice, silence(0.2)));
  const one = await reading(pool, "opus");
  payloads.forEach((payload, i) => {
    const number = i ^ (i % 4 === 1 ? 1 : 0);
    const swapped = payloads[number] ?? payload;
    one.stream.pushOpus({ payload: swapped, sequenceNumber: (65_530 + number) % 65_536, timestamp: number * 960 });
  });
  one.stream.end();
  assert.deepEqual(await one.faults(), []);
  assert.equal(one.result()?.outcome, "scored");
});
