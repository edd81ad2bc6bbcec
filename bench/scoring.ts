import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Lexicon } from "../src/phonemes/lexicon.ts";
import { synthesise } from "../test/support/voice.ts";
import { type ScoreEvent, ScoringEngine, type ScoringStream } from "../workers/phoneme/engine.ts";
import { loadPack } from "../workers/phoneme/pack.ts";
import { type Percentiles, percentiles } from "./drill/percentiles.ts";
import { SENTENCES } from "./drill/sentences.ts";

const LEVELS = [1, 50, 100, 125, 150, 175, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800];
const FRAME_MS = 20;
const FRAME_SAMPLES = 320;
/** As the pool does, news of audio is looked at this often. */
const COLLECT_MS = 10;
/** Silence after each sentence. */
const PAUSE_MS = 300;
const WARM_MS = 4_000;
const HOLD_MS = 12_000;
const LIMIT_MS = 300;

type Reading = { pcm: Int16Array; words: Awaited<ReturnType<Lexicon["words"]>> };
type Level = { speakers: number; first: Percentiles; final: Percentiles; result: Percentiles; busy: number };

/**
 * How many live speakers one core scores, where no core is to be had for oneself: the engine does the real work, in the
 * batches that it would have, but on a clock that runs only while it works (by processor time) or waits for audio. So
 * latencies are those of a core that does nothing else; the socket's and the main thread's shares are not in them.
 */
export async function run(args: string[]): Promise<object> {
  const { values } = parseArgs({ args, options: { max: { type: "string", default: String(LEVELS.at(-1)) } } });
  const modelDir = join(import.meta.dirname, "../models/en");
  const begun = performance.now();
  const pack = await loadPack(modelDir);
  const loadMs = performance.now() - begun;
  const lexicon = new Lexicon({ modelDir });
  const readings = await Promise.all(
    SENTENCES.map(async (text, i) => {
      const voice = await synthesise(text, { voice: i % 2 ? "rms" : "slt" });
      const pcm = new Int16Array(voice.length + (PAUSE_MS * FRAME_SAMPLES) / FRAME_MS);
      pcm.set(voice);
      return { pcm, words: await lexicon.words(text) };
    }),
  );
  const levels: Level[] = [];
  for (const speakers of LEVELS.filter((level) => level <= Number(values.max))) {
    const level = await hold(new ScoringEngine(pack), readings, speakers);
    levels.push(level);
    console.error(`${speakers} speakers: first ${Object.values(level.first).join("/")} ms, busy ${level.busy}`);
    if (level.first.p99 > LIMIT_MS) break;
  }
  const good = levels.findLast(({ first }) => first.p99 <= LIMIT_MS);
  return {
    speakersPerCore: good?.speakers ?? 0,
    cpuPercentPerSpeaker: good && Math.round((1e4 * good.busy) / good.speakers) / 100,
    loadMs: Math.round(loadMs),
    /** Of the machine, while this ran. */
    loadAverage: loadavg().map((value) => Math.round(value * 10) / 10),
    levels,
  };
}

/** One speaker: reads sentence after sentence, a frame each 20 ms. */
class Speaker {
  readonly #engine: ScoringEngine;
  readonly #readings: Reading[];
  readonly #onEvent: (event: ScoreEvent, speaker: Speaker) => void;
  #turn: number;
  #stream: ScoringStream | undefined;
  #reading: Reading;
  #fed = 0;
  /** When the reading began and ended, on the bench's clock. */
  beganAtMs: number;
  endedAtMs = 0;

  constructor(
    engine: ScoringEngine,
    readings: Reading[],
    turn: number,
    beginAtMs: number,
    onEvent: (event: ScoreEvent, speaker: Speaker) => void,
  ) {
    this.#engine = engine;
    this.#readings = readings;
    this.#onEvent = onEvent;
    this.#turn = turn;
    this.beganAtMs = beginAtMs;
    this.#reading = readings[turn % readings.length] as Reading;
  }

  /** Hands on what was spoken by now. */
  feed(nowMs: number): void {
    if (this.endedAtMs > 0 || nowMs < this.beganAtMs) return;
    this.#stream ??= this.#engine.open(this.#reading.words, (event) => this.#onEvent(event, this));
    const { pcm } = this.#reading;
    const spoken = Math.min(pcm.length, Math.floor((nowMs - this.beganAtMs) / FRAME_MS) * FRAME_SAMPLES);
    if (spoken > this.#fed) this.#stream.push(pcm.subarray(this.#fed, spoken));
    this.#fed = spoken;
    if (spoken < pcm.length) return;
    this.endedAtMs = nowMs;
    this.#stream.end();
  }

  /** The next sentence. */
  again(nowMs: number): void {
    this.#turn += 1;
    this.#reading = this.#readings[this.#turn % this.#readings.length] as Reading;
    this.#stream = undefined;
    this.#fed = 0;
    this.beganAtMs = nowMs;
    this.endedAtMs = 0;
  }
}

async function hold(engine: ScoringEngine, readings: Reading[], count: number): Promise<Level> {
  let nowMs = 0;
  let busyMs = 0;
  const samples: Record<"first" | "final" | "result", number[]> = { first: [], final: [], result: [] };
  /** Since the clock stood: what the engine told. */
  let told: { event: ScoreEvent; speaker: Speaker }[] = [];
  const speakers = Array.from({ length: count }, (_, i) => {
    // Not all in step: neither their frames nor their sentences.
    const beginAtMs = ((i * 618) % 1_000) * 3;
    return new Speaker(engine, readings, i, beginAtMs, (event, speaker) => told.push({ event, speaker }));
  });
  const note = (): void => {
    const measured = nowMs > WARM_MS;
    for (const { event, speaker } of told) {
      if (event.type === "phoneme" && measured)
        samples[event.final ? "final" : "first"].push(nowMs - speaker.beganAtMs - event.endMs);
      if (event.type !== "result") continue;
      if (measured) samples.result.push(nowMs - speaker.endedAtMs);
      speaker.again(nowMs);
    }
    told = [];
  };
  let collectedMs = -1;
  while (nowMs < WARM_MS + HOLD_MS) {
    const before = process.cpuUsage();
    if (Math.floor(nowMs / COLLECT_MS) > collectedMs) {
      collectedMs = Math.floor(nowMs / COLLECT_MS);
      for (const speaker of speakers) speaker.feed(collectedMs * COLLECT_MS);
    }
    const worked = await engine.step();
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1_000;
    nowMs += tookMs;
    if (nowMs > WARM_MS) busyMs += tookMs;
    note();
    if (!worked) nowMs = Math.max(nowMs, (collectedMs + 1) * COLLECT_MS);
  }
  return {
    speakers: count,
    first: percentiles(samples.first),
    final: percentiles(samples.final),
    result: percentiles(samples.result),
    busy: Math.round((100 * busyMs) / HOLD_MS) / 100,
  };
}
