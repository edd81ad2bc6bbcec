/** Hz. */
const RATE = 16_000;
/** Samples that one peak stands for: 10 ms. */
const PEAK_SAMPLES = 160;

/** What was said in a reading, 16 kHz mono, in memory alone: to be drawn and heard again. Its clock is that of the judgements. */
export class Recording {
  #samples = new Int16Array(RATE * 8);
  #length = 0;
  readonly #peaks: number[] = [];

  get durationMs(): number {
    return this.#length / (RATE / 1_000);
  }

  append(samples: Int16Array): void {
    if (this.#length + samples.length > this.#samples.length) {
      const larger = new Int16Array(2 * this.#samples.length + samples.length);
      larger.set(this.#samples.subarray(0, this.#length));
      this.#samples = larger;
    }
    this.#samples.set(samples, this.#length);
    for (let i = 0; i < samples.length; i++) {
      const peak = Math.floor((this.#length + i) / PEAK_SAMPLES);
      this.#peaks[peak] = Math.max(this.#peaks[peak] ?? 0, Math.abs(samples[i] ?? 0) / 32_768);
    }
    this.#length += samples.length;
  }

  /** A copy of what lies between two times, as far as it was recorded. */
  slice(startMs: number, endMs: number): Int16Array {
    const at = (ms: number) => Math.max(0, Math.min(this.#length, Math.round((ms * RATE) / 1_000)));
    return this.#samples.slice(at(startMs), at(endMs));
  }

  /** The largest amplitude between two times, 0 to 1; 0 where nothing was recorded. */
  peak(startMs: number, endMs: number): number {
    const first = Math.max(0, Math.floor(startMs / 10));
    const last = Math.max(first + 1, Math.ceil(endMs / 10));
    let peak = 0;
    for (let i = first; i < last && i < this.#peaks.length; i++) peak = Math.max(peak, this.#peaks[i] ?? 0);
    return peak;
  }
}
