import assert from "node:assert/strict";
import { test } from "node:test";
import { Resampler } from "../../client/resampler.ts";

function tone(hz: number, rate: number, seconds: number): Float32Array {
  return Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rate));
}
function run(resampler: Resampler, input: Float32Array, chunk: number): Float32Array {
  const parts: Float32Array[] = [];
  for (let at = 0; at < input.length; at += chunk) parts.push(resampler.push(input.subarray(at, at + chunk)));
  parts.push(resampler.flush());
  return Float32Array.from(parts.flatMap((part) => [...part]));
}
/** Root of the mean square, away from the ends. */
function level(samples: Float32Array): number {
  const middle = samples.subarray(800, samples.length - 800);
  return Math.sqrt(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length);
}

for (const rate of [8_000, 11_025, 22_050, 44_100, 48_000, 96_000]) {
  test(`[DRILL-23] a tone at ${rate} Hz is the same tone at 16 kHz`, () => {
    const output = run(new Resampler(rate, 16_000), tone(1_000, rate, 1), 480);
    const expected = tone(1_000, 16_000, 1);
    assert.ok(Math.abs(output.length - 16_000) <= 1, `${output.length} samples`);
    for (let i = 800; i < 15_200; i++) assert.ok(Math.abs((output[i] ?? 0) - (expected[i] ?? 0)) < 0.002, `at ${i}`);
  });
}

test("[DRILL-23] what 16 kHz can't hold is filtered out, not folded back", () => {
  assert.ok(level(run(new Resampler(48_000, 16_000), tone(9_000, 48_000, 1), 999)) < 0.001);
  assert.ok(level(run(new Resampler(44_100, 16_000), tone(15_000, 44_100, 1), 999)) < 0.001);
  assert.ok(level(run(new Resampler(48_000, 16_000), tone(7_000, 48_000, 1), 999)) > 0.34);
});

test("[DRILL-23] chunk sizes make no difference", () => {
  const input = tone(700, 44_100, 0.3);
  const whole = run(new Resampler(44_100, 16_000), input, input.length);
  for (const chunk of [1, 7, 128, 5_000]) assert.deepEqual(run(new Resampler(44_100, 16_000), input, chunk), whole);
});

test("[DRILL-23] the same rate passes through unchanged", () => {
  const input = tone(440, 16_000, 0.1);
  assert.deepEqual(run(new Resampler(16_000, 16_000), input, 100), input);
});

test("[DRILL-23] a rate that no audio has is refused", () => {
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => new Resampler(rate, 16_000), RangeError);
});
