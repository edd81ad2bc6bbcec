import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { apply, layerOf } from "../../workers/phoneme/dense.ts";

const values = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(1 + seed + 12.9898 * i));

test("[SCORE-18] a layer of any size gives the sums written out, beside other layers", () => {
  const size = fc.integer({ min: 1, max: 140 });
  fc.assert(
    fc.property(fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 4 }), fc.nat(1000), (sizes, seed) => {
      const layers = sizes.map(([inputs, outputs], i) => {
        const weight = values(inputs * outputs, seed + i);
        const bias = values(outputs, seed - i);
        return { weight, bias, inputs, layer: layerOf(weight, bias) };
      });
      for (const { weight, bias, inputs, layer } of layers) {
        const x = values(inputs, seed + 7);
        const expected = bias.map((b, o) => x.reduce((sum, v, i) => sum + v * (weight[o * inputs + i] as number), b));
        const out = apply(layer, x);
        assert.equal(out.length, expected.length);
        for (const [o, value] of out.entries()) assert.ok(Math.abs(value - (expected[o] as number)) < 1e-4);
      }
    }),
    { numRuns: 60 },
  );
});

test("[SCORE-18] sizes that don't fit are refused, and nothing is written past a vector", () => {
  assert.throws(() => layerOf(new Float32Array(7), new Float32Array(2)), /a layer of 7 weights and 2 outputs/);
  assert.throws(() => layerOf(new Float32Array(0), new Float32Array(1)));
  assert.throws(() => layerOf(new Float32Array(9_000), new Float32Array(9_000)));
  const layer = layerOf(new Float32Array(6), new Float32Array(2));
  assert.throws(() => apply(layer, new Float32Array(4)), /4 numbers for a layer of 3 inputs/);
});
