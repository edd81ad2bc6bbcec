import assert from "node:assert/strict";
import { test } from "node:test";
import { LogMelStream, logMels, MELS } from "../../workers/phoneme/log-mel.ts";

const tone = (hz: number, amplitude: number, offset = 0): Int16Array =>
  Int16Array.from({ length: 8000 }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / 16_000) + offset);

const loudestBand = (mels: Float32Array): number => {
  const frame = mels.subarray(10 * MELS, 11 * MELS);
  return frame.indexOf(Math.max(...frame));
};

test("[SCORE-1] a higher tone is loudest in a higher band, and there is a frame each 10 ms", () => {
  const mels = logMels(tone(440, 8000));
  assert.equal(mels.length / MELS, 1 + Math.floor((8000 - 400) / 160));
  const bands = [200, 440, 1000, 2500, 5000].map((hz) => loudestBand(logMels(tone(hz, 8000))));
  assert.deepEqual(
    bands,
    bands.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(bands).size, bands.length);
});

test("[SCORE-1] a microphone's constant offset changes nothing", () => {
  const plain = logMels(tone(700, 6000));
  const shifted = logMels(tone(700, 6000, 4000));
  for (const [i, value] of plain.entries()) {
    const band = i % MELS;
    // The weakest bands hold little but rounding to 16 bits.
    if (band > 3 && value > -6) assert.ok(Math.abs(value - (shifted[i] as number)) < 0.2, `band ${band}`);
  }
});

test("[SCORE-1] the louder of two equal sounds differs by a constant, and digital silence is finite", () => {
  const quiet = logMels(tone(1000, 1000));
  const loud = logMels(tone(1000, 10_000));
  const band = loudestBand(loud);
  const difference = (loud[10 * MELS + band] as number) - (quiet[10 * MELS + band] as number);
  assert.ok(Math.abs(difference - Math.log(100)) < 0.05, `${difference}`);
  assert.ok(logMels(new Int16Array(1600)).every(Number.isFinite));
});

test("[SCORE-2] frames do not depend on how the samples are cut into chunks", () => {
  const pcm = Int16Array.from({ length: 5000 }, (_, i) => 9000 * Math.sin(i * i * 1e-5));
  const whole = logMels(pcm);
  for (const size of [1, 7, 160, 399, 401, 3000]) {
    const stream = new LogMelStream();
    const out = new Float32Array(whole.length + MELS);
    let frames = 0;
    for (let at = 0; at < pcm.length; at += size) {
      const chunk = pcm.subarray(at, at + size);
      for (let from = 0; from < chunk.length; ) {
        const { taken, wrote } = stream.next(chunk, from, out, frames * MELS);
        from = taken;
        if (wrote) frames++;
      }
    }
    assert.equal(frames * MELS, whole.length);
    assert.deepEqual(out.subarray(0, whole.length), whole);
  }
});
