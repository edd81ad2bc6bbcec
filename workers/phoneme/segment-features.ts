/** Log posteriors of one stream's steps [oldest, steps). */
export interface Posteriors {
  readonly classes: number;
  readonly oldest: number;
  readonly steps: number;
  at(step: number, phone: number): number;
}

/** Log posteriors of one stream's last two minutes, in a ring that grows as they come (4 kB a second). */
export class PosteriorHistory implements Posteriors {
  /** Steps kept at the most: 2 min, which is as long as an attempt may be. */
  static readonly CAPACITY = 6144;
  /** Values are kept in 16 bits as multiples of this. */
  static readonly GRAIN = 1 / 1024;
  readonly classes: number;
  #rows: Int16Array;
  #capacity = 256;
  #steps = 0;

  constructor(classes: number) {
    this.classes = classes;
    this.#rows = new Int16Array(this.#capacity * classes);
  }

  get steps(): number {
    return this.#steps;
  }

  /** The oldest step still held. */
  get oldest(): number {
    return Math.max(0, this.#steps - PosteriorHistory.CAPACITY);
  }

  push(logp: Float32Array, offset: number): void {
    if (this.#steps === this.#capacity && this.#capacity < PosteriorHistory.CAPACITY) {
      this.#capacity = Math.min(2 * this.#capacity, PosteriorHistory.CAPACITY);
      const rows = new Int16Array(this.#capacity * this.classes);
      rows.set(this.#rows);
      this.#rows = rows;
    }
    const at = (this.#steps % this.#capacity) * this.classes;
    for (let c = 0; c < this.classes; c++)
      this.#rows[at + c] = Math.max(-32768, (logp[offset + c] as number) / PosteriorHistory.GRAIN);
    this.#steps++;
  }

  at(step: number, phone: number): number {
    return (this.#rows[(step % this.#capacity) * this.classes + phone] as number) * PosteriorHistory.GRAIN;
  }
}

/** A phone as the aligner placed it, with its place in the sentence. */
export interface Segment {
  phone: number;
  start: number;
  end: number;
  /** Steps since the phone before it ended, or since the audio began. */
  gap: number;
  wordStart: boolean;
  wordEnd: boolean;
}

/** Mean and deviation of a phone's log duration in steps among native speakers. */
export interface DurationNorm {
  mean: number[];
  deviation: number[];
}

/** Values that describe a segment besides the mean log posterior of each class. */
const EXTRA = 13;
export const featureCount = (classes: number): number => classes + EXTRA;

/** Steps around a segment in which the phone may peak without being marked down. */
const NEAR = 3;
const LOWEST = -9;

/**
 * Describes how a phone was said: the classes' mean log posteriors over its steps, then how well the
 * expected phone did (mean, best, middle third, against its best rival, best nearby), how sure the
 * model was, how long the phone and the pause before it were, and where in the word it stands.
 * After the feature vectors of Hu et al. 2015 (goodness of pronunciation) and the corpus's README.
 */
export function segmentFeatures(history: Posteriors, segment: Segment, durations: DurationNorm): Float32Array {
  const { classes } = history;
  const { phone } = segment;
  const start = Math.max(segment.start, history.oldest);
  const end = Math.min(Math.max(segment.end, start + 1), history.steps);
  const length = end - start;
  const out = new Float32Array(featureCount(classes));
  const value = (step: number, c: number): number => Math.max(LOWEST, history.at(step, c));
  let best = LOWEST;
  let ratio = 0;
  let entropy = 0;
  let middle = 0;
  let middleSteps = 0;
  let wins = 0;
  const third = length / 3;
  for (let step = start; step < end; step++) {
    let rival = LOWEST;
    for (let c = 0; c < classes; c++) {
      const v = value(step, c);
      out[c] = (out[c] as number) + v / length;
      entropy -= (Math.exp(v) * v) / length;
      if (c !== phone && v > rival) rival = v;
    }
    const own = value(step, phone);
    if (own > best) best = own;
    ratio += (own - rival) / length;
    if (own > rival) wins += 1 / length;
    const place = step - start + 0.5;
    if (place >= third && place <= length - third) {
      middle += own;
      middleSteps++;
    }
  }
  let rivalMean = LOWEST;
  for (let c = 0; c < classes; c++) if (c !== phone && (out[c] as number) > rivalMean) rivalMean = out[c] as number;
  let near = best;
  for (let step = Math.max(history.oldest, start - NEAR); step < Math.min(history.steps, end + NEAR); step++)
    near = Math.max(near, value(step, phone));
  const logLength = Math.log(segment.end - segment.start);
  const z = (logLength - (durations.mean[phone] as number)) / (durations.deviation[phone] as number);
  out.set(
    [
      out[phone] as number,
      best,
      middleSteps > 0 ? middle / middleSteps : (out[phone] as number),
      (out[phone] as number) - rivalMean,
      ratio,
      wins,
      near,
      entropy,
      logLength,
      Math.max(-4, Math.min(4, z)),
      Math.log1p(Math.min(segment.gap, 100)),
      segment.wordStart ? 1 : 0,
      segment.wordEnd ? 1 : 0,
    ],
    classes,
  );
  return out;
}

/** By how much the segment's steps preferred the expected phone to the best other class, on average (log posteriors). */
export const marginOf = (features: Float32Array, classes: number): number => features[classes + 4] as number;
