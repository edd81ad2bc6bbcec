/** Sustained events per second, and how many may come at once. */
export type Rate = { perSecond: number; burst: number };

/**
 * Token buckets by key, each kept as one number: the moment at which it is full again (the generic cell rate algorithm,
 * ITU-T I.371). Full buckets are forgotten, and the oldest ones where there are too many, so memory is bounded.
 */
export class RateLimiter {
  readonly #fullAtMs = new Map<string, number>();
  readonly #maxKeys: number;
  #sweepAt = 1_024;

  constructor(maxKeys = 100_000) {
    this.#maxKeys = maxKeys;
  }

  /** Takes one from the key's bucket. Returns 0 when there was one, else the ms to wait until there is. */
  take(key: string, rate: Rate, nowMs: number = Date.now()): number {
    const costMs = 1_000 / rate.perSecond;
    const fullAtMs = Math.max(nowMs, this.#fullAtMs.get(key) ?? 0) + costMs;
    const waitMs = fullAtMs - nowMs - rate.burst * costMs;
    // Below a millisecond it is the rounding of sums of costs.
    if (waitMs >= 1) return Math.ceil(waitMs);
    this.#fullAtMs.set(key, fullAtMs);
    if (this.#fullAtMs.size >= this.#sweepAt) this.#sweep(nowMs);
    return 0;
  }

  #sweep(nowMs: number): void {
    for (const [key, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs <= nowMs) this.#fullAtMs.delete(key);
    }
    for (const key of this.#fullAtMs.keys()) {
      if (this.#fullAtMs.size < this.#maxKeys) break;
      this.#fullAtMs.delete(key);
    }
    this.#sweepAt = Math.min(this.#maxKeys, Math.max(1_024, this.#fullAtMs.size * 2));
  }
}
