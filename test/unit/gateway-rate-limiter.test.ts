import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RateLimiter } from "../../src/lib/rate-limiter.ts";

test("[GW-10] a bucket gives its burst at once and then its rate, and says exactly how long to wait", () => {
  const limiter = new RateLimiter();
  const rate = { perSecond: 2, burst: 3 };
  assert.deepEqual(
    [0, 0, 0, 0, 100].map((atMs) => limiter.take("a", rate, 1_000 + atMs)),
    [0, 0, 0, 500, 400],
  );
  assert.equal(limiter.take("b", rate, 1_000), 0);
  assert.equal(limiter.take("a", rate, 1_500), 0);
  assert.equal(limiter.take("a", rate, 1_500), 500);
});

test("[GW-10] over any stretch of time no more than burst + rate gets through, and who waits as told gets in", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }), (gaps, perSecond, burst) => {
      const limiter = new RateLimiter();
      let nowMs = 0;
      let admitted = 0;
      for (const gap of gaps) {
        nowMs += gap;
        const waitMs = limiter.take("k", { perSecond, burst }, nowMs);
        if (waitMs > 0) {
          nowMs += waitMs;
          assert.equal(limiter.take("k", { perSecond, burst }, nowMs), 0);
        }
        admitted += 1;
        // One more for the rounding of whole milliseconds.
        assert.ok(admitted <= burst + (nowMs * perSecond) / 1_000 + 1);
      }
    }),
  );
});

test("[GW-10] the memory of keys is bounded", () => {
  const limiter = new RateLimiter(2_000);
  const rate = { perSecond: 1, burst: 1 };
  for (let at = 0; at < 10_000; at += 1) assert.equal(limiter.take(`k${at}`, rate, at), 0);
  // The newest are still known.
  assert.ok(limiter.take("k9999", rate, 9_999) > 0);
  assert.equal(limiter.take("k0", rate, 9_999), 0);
});
