import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Recording } from "#client";

test("[WEB-18] what was recorded comes back as it was, however it was cut", () => {
  const samples = fc.int16Array({ maxLength: 400 });
  fc.assert(
    fc.property(fc.array(samples, { maxLength: 8 }), fc.nat(120), fc.nat(120), (chunks, startMs, lengthMs) => {
      const recording = new Recording();
      for (const chunk of chunks) recording.append(chunk);
      const whole = chunks.flatMap((chunk) => [...chunk]);
      assert.equal(recording.durationMs, whole.length / 16);
      assert.deepEqual(
        [...recording.slice(startMs, startMs + lengthMs)],
        whole.slice(startMs * 16, (startMs + lengthMs) * 16),
      );
      assert.deepEqual([...recording.slice(-50, Number.MAX_SAFE_INTEGER)], whole);
      const loudest = Math.max(0, ...whole.map(Math.abs)) / 32_768;
      assert.equal(recording.peak(0, recording.durationMs), loudest);
    }),
  );
});

test("[WEB-17] two minutes fit, and peaks lie where the sound was", () => {
  const recording = new Recording();
  for (let frame = 0; frame < 6_000; frame++) recording.append(new Int16Array(320).fill(frame === 3_000 ? 16_384 : 0));
  assert.equal(recording.durationMs, 120_000);
  assert.equal(recording.peak(60_000, 60_020), 0.5);
  assert.equal(recording.peak(0, 60_000), 0);
  assert.equal(recording.peak(60_020, 200_000), 0);
});
