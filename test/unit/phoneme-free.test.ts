import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { matched } from "../../training/phone-errors.ts";
import { randomFrom } from "../../training/random.ts";
import { ScoringEngine, type SpeechEvent } from "../../workers/phoneme/engine.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { type HeardPhone, PhoneRecogniser, type RecogniserWeights } from "../../workers/phoneme/phone-recogniser.ts";
import { join, modelDir, silence } from "../support/drill.ts";
import { synthesise } from "../support/voice.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

type Heard = Extract<SpeechEvent, { type: "heard" }>;
let pack: Pack;
const text = "she had a big red box of good books";
const expected = "SH IY HH AE D AH B IH G R EH D B AA K S AH V G UH D B UH K S".split(" ");
let said: Int16Array;
before(async () => {
  pack = await loadPack(modelDir);
  said = await synthesise(text, { voice: "slt" });
});

async function hear(pcm: Int16Array, chunk = 320): Promise<SpeechEvent[]> {
  const engine = new ScoringEngine(pack);
  const events: SpeechEvent[] = [];
  const stream = engine.listen((event) => events.push(event));
  for (let at = 0; at < pcm.length; at += chunk) {
    stream.push(pcm.subarray(at, at + chunk));
    while (await engine.step());
  }
  stream.end();
  while (await engine.step());
  return events;
}
const heardIn = (events: SpeechEvent[]): Heard[] => events.filter((event) => event.type === "heard");

/** 16 kHz samples of a sound given by its sample number. */
const sound = (seconds: number, of: (i: number) => number): Int16Array =>
  Int16Array.from({ length: 16_000 * seconds }, (_, i) => Math.round(of(i)));

test("[SCORE-50] free speech is heard phone by phone, in order, while it is spoken, and once", async () => {
  const events = await hear(join(silence(0.5), said, silence(0.3)));
  const heard = heardIn(events);
  const names = heard.map(({ phone }) => phone);
  const ids = (phones: string[]) => phones.map((phone) => pack.phones.indexOf(phone));
  const right = matched(ids(expected), ids(names)).filter((hit) => hit).length;
  assert.ok(right >= 0.6 * expected.length, `${right} of ${expected.length}: ${names.join(" ")}`);
  assert.ok(names.length <= 1.3 * expected.length, names.join(" "));
  let clock = 0;
  for (const { startMs, endMs, confidence } of heard) {
    assert.ok(startMs >= clock && endMs > startMs, `${startMs} to ${endMs} after ${clock}`);
    assert.ok(confidence >= 0 && confidence <= 1);
    clock = endMs;
  }
  assert.ok(clock <= 500 + said.length / 16 + 300);
  assert.deepEqual(events.at(-1), { type: "over", audioMs: Math.round((said.length + 12_800) / 16) });
});

test("[SCORE-50] what is heard does not depend on how the audio is cut", async () => {
  const whole = await hear(said, said.length);
  assert.deepEqual(await hear(said, 320), whole);
  assert.deepEqual(await hear(said, 777), whole);
});

test("[SCORE-51] silence, hiss, hum and clicks are no phones; of a tune few are told with confidence", async () => {
  const random = randomFrom(5);
  const quiet = {
    silence: silence(6),
    hiss: sound(6, () => 4_000 * (random() - 0.5)),
    loud: sound(6, () => 40_000 * (random() - 0.5)),
    hum: sound(6, (i) => 3_000 * Math.sin(i * 0.0196) + 100 * random()),
    tone: sound(6, (i) => 6_000 * Math.sin(i * 0.1728)),
    clicks: sound(6, (i) => (i % 5_000 < 20 ? 20_000 * (random() - 0.5) : 0)),
  };
  for (const [name, pcm] of Object.entries(quiet)) assert.deepEqual(heardIn(await hear(pcm)), [], name);
  const notes = [262, 330, 392, 523, 494, 440, 349, 294];
  const tune = sound(20, (i) => {
    const hertz = notes[Math.floor(i / 5_000) % 8] as number;
    const tone = (k: number) => Math.sin((2 * Math.PI * hertz * k * i) / 16_000) / k;
    return 6_000 * Math.exp(-(i % 5_000) / 2_500) * (tone(1) + tone(2) + tone(3) + tone(4));
  });
  const sure = heardIn(await hear(tune)).filter(({ confidence }) => confidence >= 0.5);
  assert.ok(sure.length <= 4, `${sure.length} in 20 s`);
  const sureOfSpeech = heardIn(await hear(said)).filter(({ confidence }) => confidence >= 0.5);
  assert.ok(sureOfSpeech.length >= 0.6 * expected.length, `${sureOfSpeech.length} of speech`);
});

test("[SCORE-52] a pause is told once, after 300 ms of silence, and not inside of words", async () => {
  const events = await hear(join(silence(1), said, silence(1.2), said, silence(0.6)));
  const pauses = events.filter((event) => event.type === "pause");
  assert.equal(pauses.length, 2);
  const [first, second] = pauses.map(({ startMs }) => startMs) as [number, number];
  const ends = [1_000 + said.length / 16, 2_200 + said.length / 8];
  for (const [i, at] of [first, second].entries())
    assert.ok(Math.abs(at - (ends[i] as number)) < 300, `${at} for ${ends[i]}`);
  const between = events.findIndex((event) => event.type === "pause");
  assert.ok(events.slice(between + 1).some((event) => event.type === "heard" && event.startMs > first));
});

const CLASSES = 7;
const SILENCE = CLASSES - 1;

/** Random log posteriors that favour a class for some steps each. */
function posteriors(seed: number, steps: number): Float32Array {
  const random = randomFrom(seed);
  const logp = new Float32Array(steps * CLASSES);
  let favourite = 0;
  for (let step = 0; step < steps; step++) {
    if (random() < 0.25) favourite = Math.floor(random() * CLASSES);
    const weights = Array.from({ length: CLASSES }, (_, c) => Math.exp(3 * random() + (c === favourite ? 3 : 0)));
    const sum = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, c) => {
      logp[step * CLASSES + c] = Math.log(weight / sum);
    });
  }
  return logp;
}

const weights: RecogniserWeights = { phoneCost: -1, bigram: 0.6, prior: 0.3, patience: 10 };
function loopOf(seed: number) {
  const random = randomFrom(seed);
  return {
    bigram: Array.from({ length: CLASSES ** 2 }, () => -0.5 - 3 * random()),
    prior: Array.from({ length: CLASSES }, () => random() - 0.5),
  };
}

/** The best path by plain dynamic programming over the whole audio, as [phone, start, end]. */
function bestPath(logp: Float32Array, loop: ReturnType<typeof loopOf>): [number, number, number][] {
  const steps = logp.length / CLASSES;
  // State 2c is the first of class c, 2c + 1 the second; silence has one.
  const states = 2 * CLASSES - 1;
  const phoneOf = (state: number) => state >> 1;
  const leaves = (state: number) => phoneOf(state) === SILENCE || state % 2 === 1;
  const move = (from: number, to: number): number => {
    if (from === to) return 0;
    if (to % 2 === 1) return from === to - 1 ? 0 : -Infinity;
    if (!leaves(from)) return -Infinity;
    if (phoneOf(to) === SILENCE) return -1;
    const pair = loop.bigram[phoneOf(from) * CLASSES + phoneOf(to)] as number;
    return weights.bigram * pair + weights.phoneCost - (phoneOf(from) === SILENCE ? 1 : 0);
  };
  const emit = (step: number, state: number): number => {
    const p = Math.exp(logp[step * CLASSES + phoneOf(state)] as number);
    return Math.log(0.98 * p + 0.02 / CLASSES) - weights.prior * (loop.prior[phoneOf(state)] as number);
  };
  let score = new Array<number>(states).fill(-Infinity);
  score[2 * SILENCE] = 0;
  const back: number[][] = [];
  for (let step = 0; step < steps; step++) {
    const next: number[] = [];
    const from: number[] = [];
    for (let to = 0; to < states; to++) {
      const options = score.map((value, s) => value + move(s, to));
      const winner = options.reduce((best, value, s) => (value > (options[best] as number) ? s : best), 0);
      next.push((options[winner] as number) + emit(step, to));
      from.push(winner);
    }
    score = next;
    back.push(from);
  }
  let state = score.reduce((best, value, s) => (value > (score[best] as number) ? s : best), 0);
  const path: [number, number, number][] = [];
  // A phone that is in its first state at the end was not said whole.
  let whole = phoneOf(state) === SILENCE || state % 2 === 1;
  let end = steps;
  for (let step = steps - 1; step >= 0; step--) {
    const before = (back[step] as number[])[state] as number;
    const entered = before !== state && state % 2 === 0;
    if (entered) {
      if (whole) path.push([phoneOf(state), step, end]);
      whole = true;
      end = step;
    }
    state = before;
  }
  if (end > 0) path.push([phoneOf(state), 0, end]);
  return path.reverse();
}

const recognise = (logp: Float32Array, loop: ReturnType<typeof loopOf>, patience: number) => {
  const recogniser = new PhoneRecogniser(CLASSES, loop, { ...weights, patience });
  const told: { phone: HeardPhone; atStep: number }[] = [];
  const steps = logp.length / CLASSES;
  for (let step = 0; step < steps; step++)
    for (const phone of recogniser.push(logp, step * CLASSES)) told.push({ phone, atStep: step + 1 });
  for (const phone of recogniser.finish()) told.push({ phone, atStep: steps });
  return told;
};

test("[SCORE-53] the search finds the best path, whatever it hears", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const logp = posteriors(seed, 20 + 3 * seed);
    const loop = loopOf(seed);
    const told = recognise(logp, loop, Number.POSITIVE_INFINITY);
    const path = told.map(({ phone: { phone, start, end } }) => [phone, start, end]);
    assert.deepEqual(path, bestPath(logp, loop), `seed ${seed}`);
  }
});

test("[SCORE-53] with bounded patience each phone is told soon after its end, whole, and nothing is told twice", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const logp = posteriors(seed, 400);
    let clock = 0;
    for (const { phone, atStep } of recognise(logp, loopOf(seed), 5)) {
      assert.equal(phone.start, clock, `seed ${seed}`);
      assert.ok(phone.end > phone.start && phone.posterior >= 0 && phone.posterior <= 1);
      // Who wins may change when a phone is told: its end lies up to its own two states further back.
      assert.ok(atStep - phone.end <= 5 + 2 || atStep === 400, `seed ${seed}: ${atStep - phone.end} steps`);
      clock = phone.end;
    }
  }
});

test("[SCORE-54] an hour of speech takes no more memory than a minute", () => {
  const loop = loopOf(1);
  const recogniser = new PhoneRecogniser(CLASSES, loop, weights);
  const minute = posteriors(3, 3_000);
  let phones = 0;
  const talk = (minutes: number) => {
    for (let i = 0; i < minutes; i++)
      for (let step = 0; step < 3_000; step++) phones += recogniser.push(minute, step * CLASSES).length;
  };
  talk(1);
  collect();
  const before = process.memoryUsage().heapUsed;
  talk(59);
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(phones > 10_000);
  assert.ok(grown < 300_000, `${grown} bytes more`);
});
