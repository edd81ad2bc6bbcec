import assert from "node:assert/strict";
import { test } from "node:test";
import { randomFrom } from "../../training/random.ts";
import { PitchTracker, type VoiceTrack } from "../../workers/phoneme/pitch.ts";
import { synthesise } from "../support/voice.ts";

const RATE = 16_000;

/** A voice: overtones up to 4 kHz of a pitch that changes in time, through two resonances [Hz, bandwidth], and noise. */
function voice(
  hzAt: (s: number) => number,
  options: { seconds?: number; resonances?: number[][]; noise?: number } = {},
): Int16Array {
  const { seconds = 0.6, resonances = [[500, 80]], noise = 0.02 } = options;
  const x = new Float64Array(seconds * RATE);
  const random = randomFrom(3);
  for (let i = 0, phase = 0; i < x.length; i++) {
    const hz = hzAt(i / RATE);
    phase += hz / RATE;
    let sum = noise * (random() - 0.5);
    for (let k = 1; k * hz < 4000; k++) sum += (Math.cos(2 * Math.PI * k * phase) * hz) / 4000;
    x[i] = sum;
  }
  for (const [hz = 0, width = 0] of [...resonances, [2300, 120]]) {
    const radius = Math.exp((-Math.PI * width) / RATE);
    const turn = 2 * radius * Math.cos((2 * Math.PI * hz) / RATE);
    for (let i = 2; i < x.length; i++)
      x[i] = (x[i] as number) + turn * (x[i - 1] as number) - radius * radius * (x[i - 2] as number);
  }
  const peak = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Int16Array.from(x, (value) => (value / peak) * 12_000);
}

/** Three times a high pass of 300 Hz, about what a telephone lets through. */
function telephone(pcm: Int16Array): Int16Array {
  let x = Float64Array.from(pcm);
  const keep = 1 / (1 + (2 * Math.PI * 300) / RATE);
  for (let pass = 0; pass < 3; pass++) {
    let before = 0;
    let out = 0;
    x = x.map((value) => {
      out = keep * (out + value - before);
      before = value;
      return out;
    });
  }
  return Int16Array.from(x);
}

function trackOf(pcm: Int16Array, chunk: (i: number) => number = () => pcm.length): VoiceTrack {
  const tracker = new PitchTracker();
  for (let at = 0, i = 0; at < pcm.length; i++) {
    tracker.push(pcm.subarray(at, at + chunk(i)));
    at += chunk(i);
  }
  return tracker.track();
}

/** Asserts that nearly all frames have the pitch `hzAt` (a frame lies around its middle), to half a semitone. */
function follows(pcm: Int16Array, hzAt: (s: number) => number, what: string): void {
  const { hz } = trackOf(pcm);
  const off = hz.slice(6, -6).filter((value, i) => {
    const wanted = hzAt((160 * (i + 6) + 200) / RATE);
    return value === 0 || Math.abs(12 * Math.log2(value / wanted)) > 0.5;
  });
  assert.ok(off.length <= 0.03 * hz.length, `${what}: ${off.length} of ${hz.length} frames: ${off.slice(0, 5)}`);
}

const pitches = [70, 85, 100, 130, 170, 220, 260, 300, 350, 400, 450, 500];
const middle = (values: Float32Array): number => values.filter((hz) => hz > 0).toSorted()[values.length >> 2] ?? 0;

test("[SCORE-40] the pitch of deep and high voices is followed, whatever their resonances", () => {
  for (const hz of pitches)
    for (const resonances of [[[500, 80]], [[300, 60]], [[800, 90]], [[2 * hz, 60]], [[3 * hz, 60]]])
      follows(
        voice(() => hz, { resonances }),
        () => hz,
        `${hz} Hz, ${resonances}`,
      );
});

test("[SCORE-40] the pitch is followed while it glides, in noise, on the telephone and with a constant offset", () => {
  for (const [from, to] of [
    [100, 200],
    [300, 150],
    [450, 200],
    [80, 130],
  ] as const) {
    const hzAt = (s: number): number => from + ((to - from) * s) / 0.6;
    follows(voice(hzAt), hzAt, `${from} to ${to} Hz`);
  }
  for (const hz of pitches) {
    follows(telephone(voice(() => hz)), () => hz, `${hz} Hz on the telephone`);
    follows(
      voice(() => hz, { noise: 0.15 }),
      () => hz,
      `${hz} Hz in noise`,
    );
    follows(
      voice(() => hz).map((value) => value / 4 + 9000),
      () => hz,
      `${hz} Hz with an offset`,
    );
  }
});

test("[SCORE-41] silence and noise have no pitch, and a voice has none while it pauses", () => {
  const random = randomFrom(5);
  const noise = Int16Array.from({ length: 2 * RATE }, () => 8000 * (random() - 0.5));
  for (const pcm of [noise, new Int16Array(RATE), new Int16Array(RATE).fill(9000), new Int16Array(7)]) {
    const { hz, level } = trackOf(pcm);
    assert.ok(hz.filter((value) => value > 0).length <= 0.01 * hz.length);
    assert.ok(level.every(Number.isFinite));
  }
  const said = voice(() => 200, { seconds: 0.5 });
  const { hz } = trackOf(Int16Array.of(...said, ...new Int16Array(RATE / 2), ...said));
  assert.ok(hz.slice(5, 44).every((value) => value > 0));
  assert.ok(hz.slice(55, 94).every((value) => value === 0));
  assert.ok(hz.slice(105, 144).every((value) => value > 0));
});

test("[SCORE-41] a man's voice lies where men's do and a woman's where women's do", async () => {
  const text = "we went to the market to buy fresh vegetables";
  const [man, woman] = await Promise.all([synthesise(text, { voice: "rms" }), synthesise(text, { voice: "slt" })]);
  const low = middle(trackOf(man).hz);
  const high = middle(trackOf(woman).hz);
  assert.ok(low > 75 && low < 140, `man: ${low} Hz`);
  assert.ok(high > 150 && high < 250, `woman: ${high} Hz`);
});

test("[SCORE-42] the pitch does not depend on how the audio is cut", async () => {
  const pcm = await synthesise("fresh vegetables", { voice: "slt" });
  const whole = trackOf(pcm);
  for (const chunk of [() => 1, () => 320, (i: number) => 1 + ((i * 7919) % 997)])
    assert.deepEqual(trackOf(pcm, chunk), whole);
});

test("[SCORE-42] a voice is followed for two minutes and no further", () => {
  const tracker = new PitchTracker();
  const second = voice(() => 150, { seconds: 1 });
  for (let i = 0; i < 130; i++) tracker.push(second);
  const { hz, level } = tracker.track();
  assert.equal(hz.length, 12_000);
  assert.equal(level.length, 12_000);
});
