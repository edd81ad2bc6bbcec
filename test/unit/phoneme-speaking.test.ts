import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadPack } from "../../workers/phoneme/pack.ts";
import { speakingOf } from "../../workers/phoneme/speaking.ts";
import { resultOf, score } from "../support/reading.ts";
import { synthesise } from "../support/voice.ts";

const text = "we went to the market to buy fresh vegetables";

/** Phones of 100 ms, two a word, with pauses of so many steps before some of them. */
function phonesWith(count: number, gaps: Record<number, number> = {}) {
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    at += gaps[i] ?? 0;
    at += 5;
    return { word: i >> 1, start: at - 5, end: at };
  });
}

/** A voice that swings once by so many semitones around 200 Hz. */
const swing = (frames: number, semitones: number) => ({
  hz: Float32Array.from(
    { length: frames },
    (_, i) => 200 * 2 ** ((semitones / 24) * Math.sin((2 * Math.PI * i) / frames)),
  ),
  level: new Float32Array(frames).fill(-20),
  bright: new Float32Array(frames).fill(-20),
});

test("[SCORE-44] pace and pauses are those of the speech from its first phone to its last", () => {
  assert.deepEqual(speakingOf(phonesWith(20), null), {
    phonesPerSecond: 10,
    wordsPerMinute: 300,
    pauses: 0,
    longestPauseMs: 0,
    pauseShare: 0,
  });
  // 400 ms between two words, 1.6 s between two others, and 100 ms, which is no pause.
  assert.deepEqual(speakingOf(phonesWith(20, { 0: 500, 4: 20, 8: 5, 10: 80 }), null), {
    phonesPerSecond: 4.88,
    wordsPerMinute: 146.3,
    pauses: 2,
    longestPauseMs: 1600,
    pauseShare: 0.488,
  });
});

test("[SCORE-44] what was said besides the text is no pause", () => {
  const phones = phonesWith(20, { 10: 80 });
  const said = (startMs: number, endMs: number) => speakingOf(phones, null, [{ startMs, endMs }]);
  assert.equal(said(1100, 2500).pauses, 0);
  assert.deepEqual([said(1000, 1800).pauses, said(1000, 1800).longestPauseMs], [1, 800]);
  assert.equal(said(0, 900).longestPauseMs, 1600);
});

test("[SCORE-44] the melody's range is told in semitones, where enough is voiced", () => {
  const phones = phonesWith(20);
  for (const semitones of [1, 4, 10]) {
    const range = speakingOf(phones, swing(200, semitones)).pitchRangeSemitones ?? 0;
    assert.ok(Math.abs(range - semitones) < 0.1 * semitones + 0.1, `${semitones}: ${range}`);
  }
  assert.deepEqual(
    [1, 10].map((semitones) => speakingOf(phones, swing(200, semitones)).monotone),
    [true, false],
  );
  assert.equal(speakingOf(phones.slice(0, 6), swing(200, 1)).monotone, undefined);
  assert.equal(speakingOf(phones, swing(30, 4)).pitchRangeSemitones, undefined);
});

test("[SCORE-44] a pause in a reading is counted and makes it slower", async () => {
  const pack = await loadPack(join(import.meta.dirname, "../../models/en"));
  const speech = await synthesise(text, { voice: "slt" });
  const whole = resultOf(await score(pack, speech, text));
  assert.ok(whole.speaking && whole.speaking.pauses === 0);
  assert.ok(whole.speaking.wordsPerMinute > 120 && whole.speaking.wordsPerMinute < 300);
  assert.ok((whole.speaking.pitchRangeSemitones ?? 0) > 2);
  const cut = ((whole.words[5]?.startMs ?? 0) / 1000) * 16_000;
  const halting = Int16Array.of(...speech.subarray(0, cut), ...new Int16Array(16_000), ...speech.subarray(cut));
  const paused = resultOf(await score(pack, halting, text)).speaking;
  assert.ok(paused && paused.pauses === 1 && Math.abs(paused.longestPauseMs - 1000) < 150, JSON.stringify(paused));
  assert.ok(paused.wordsPerMinute < whole.speaking.wordsPerMinute);
  const silent = resultOf(await score(pack, new Int16Array(32_000), text));
  assert.equal(silent.prosody, undefined);
});
