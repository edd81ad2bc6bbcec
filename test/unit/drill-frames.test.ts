import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader } from "../../src/drills/frame-reader.ts";
import type { AppError } from "../../src/lib/app-error.ts";

function frame(number: number, samples: number[] | Int16Array): Uint8Array {
  const bytes = new Uint8Array(4 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number, true);
  samples.forEach((sample, i) => {
    view.setInt16(4 + 2 * i, sample, true);
  });
  return bytes;
}

function taken(reader: FrameReader, bytes: Uint8Array): number[] | null {
  const read = reader.read(bytes);
  if (read) reader.accept(read.number);
  return read && [...read.pcm];
}

test("[DRILL-8] frames follow each other; what was seen before is ignored", () => {
  const reader = new FrameReader();
  assert.deepEqual(taken(reader, frame(0, [1, -2, 32_767])), [1, -2, 32_767]);
  assert.equal(taken(reader, frame(0, [9])), null);
  assert.deepEqual(taken(reader, frame(1, [-32_768])), [-32_768]);
  assert.equal(taken(reader, frame(0, [9])), null);
});

test("[DRILL-8] a jump becomes silence, of 1 s at the most", () => {
  const reader = new FrameReader();
  taken(reader, frame(0, [1, 1]));
  assert.deepEqual(taken(reader, frame(3, [5, 6])), [0, 0, 0, 0, 5, 6]);
  const far = taken(reader, frame(0xffff_ffff, [7]));
  assert.equal(far?.length, 16_001);
  assert.equal(far?.at(-1), 7);
});

test("[DRILL-9] a frame that could not be taken may be sent again", () => {
  const reader = new FrameReader();
  assert.ok(reader.read(frame(0, [1])));
  assert.deepEqual(taken(reader, frame(0, [1])), [1]);
});

test("[DRILL-7] malformed frames, also as a view into a bigger buffer", () => {
  const reader = new FrameReader();
  const codeOf = (bytes: Uint8Array) => {
    try {
      reader.read(bytes);
    } catch (error) {
      return (error as AppError).code;
    }
    return undefined;
  };
  for (const bytes of [new Uint8Array(0), new Uint8Array(3), new Uint8Array(4), new Uint8Array(7)])
    assert.equal(codeOf(bytes), "AUDIO_FRAME_MALFORMED");
  assert.equal(codeOf(frame(0, new Int16Array(1_601))), "AUDIO_FRAME_MALFORMED");
  assert.equal(codeOf(frame(0, new Int16Array(1_600))), undefined);
  const odd = new Uint8Array(11);
  odd.set(frame(0, [258, 3]), 1);
  assert.deepEqual([...(reader.read(odd.subarray(1, 9))?.pcm ?? [])], [258, 3]);
});

test("[DRILL-61] whatever the bytes, a frame is refused as malformed or is audio of bounded length, and leaves what follows alone", () => {
  const valid = fc
    .tuple(fc.nat(40), fc.array(fc.integer({ min: -32_768, max: 32_767 }), { minLength: 1, maxLength: 20 }))
    .map(([number, samples]) => frame(number, samples));
  const mutated = fc.tuple(valid, fc.nat(60), fc.nat(255), fc.boolean()).map(([bytes, at, value, cut]) => {
    if (cut) return bytes.slice(0, at);
    const copy = bytes.slice();
    if (at < copy.length) copy[at] = value;
    return copy;
  });
  const any = fc.oneof(valid, mutated, fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 4_000 }));
  fc.assert(
    fc.property(fc.array(any, { maxLength: 30 }), (messages) => {
      const reader = new FrameReader();
      /** Sees only what the first one took. */
      const spared = new FrameReader();
      for (const bytes of messages) {
        let read: number[] | null;
        try {
          read = taken(reader, bytes);
        } catch (error) {
          assert.equal((error as AppError).code, "AUDIO_FRAME_MALFORMED");
          continue;
        }
        assert.ok(!read || (read.length > 0 && read.length <= 16_000 + 1_600));
        assert.deepEqual(read, taken(spared, bytes));
      }
    }),
    { numRuns: 500 },
  );
});
