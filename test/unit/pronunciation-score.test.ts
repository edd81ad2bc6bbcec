import assert from "node:assert/strict";
import { test } from "node:test";
import { pronunciationScore } from "#protocol";

test("[SCORE-20] the weakest part counts most, and prosody only where it was judged", () => {
  const parts = { accuracy: 90, fluency: 80, completeness: 100 };
  assert.equal(pronunciationScore(parts), 86);
  assert.equal(pronunciationScore({ ...parts, prosody: undefined }), 86);
  assert.equal(pronunciationScore({ ...parts, prosody: 50 }), 74);
  assert.equal(pronunciationScore({ ...parts, accuracy: 0 }), 36);
  for (const value of [0, 33.3, 100]) {
    const all = { accuracy: value, fluency: value, completeness: value };
    assert.equal(pronunciationScore(all), value);
    assert.equal(pronunciationScore({ ...all, prosody: value }), value);
  }
});
