import type { Placed } from "./placement.ts";
import type { DurationNorm, Posteriors } from "./segment-features.ts";

/** A reading that is over: what the models made of each step, and how loud each was (mean log-mel). */
export interface WholeReading {
  /** By the live model. */
  posteriors: Posteriors;
  /** By the model that hears a whole reading at once; null where the pack has none. */
  review: Posteriors | null;
  levels: ArrayLike<number>;
}

/** Numbers by which one model's posteriors describe a phone, besides the classes' means. */
const QUALITIES = 12;
const EXTRA = 9;
/** How many numbers describe a phone: `models` is 2 where a reading is reviewed, else 1. */
export const readingFeatureCount = (classes: number, models: number): number => models * (classes + QUALITIES) + EXTRA;

/** Steps around a phone in which it may peak without being marked down. */
const NEAR = 3;
const LOWEST = -12;
/** No pause counts as longer than this, in steps. */
const LONGEST_GAP = 100;

/** How loud a step's log-mels are. */
export const levelOf = (mels: Float32Array): number => mels.reduce((a, b) => a + b, 0) / mels.length;

const averageOf = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Steps around a reading (1 s) that count to it. */
const AROUND = 50;

/** The level of the loudest fifth of the reading's steps. */
function loudnessOf(levels: ArrayLike<number>, phones: readonly Placed[]): number {
  const first = Math.max(0, (phones[0]?.start ?? 0) - AROUND);
  const sorted = Float64Array.from(levels)
    .subarray(first, (phones.at(-1)?.end ?? 0) + AROUND)
    .sort();
  const loud = sorted.subarray(Math.floor(sorted.length * 0.8));
  return loud.reduce((a, b) => a + b, 0) / Math.max(1, loud.length);
}

/**
 * How a phone was said by one model's posteriors: the classes' means over its steps; how well the expected phone did (on
 * average, at best, against its best rivals, how sure the model was, in its first and last third, at worst, nearby, its
 * rank, its mean posterior), and how much was silence.
 */
function qualities({ phone, start, end }: Placed, posteriors: Posteriors): number[] {
  const { classes, steps } = posteriors;
  const silence = classes - 1;
  const value = (step: number, c: number): number => Math.max(LOWEST, posteriors.at(step, c));
  const from = Math.min(start, steps - 1);
  const to = Math.min(Math.max(end, from + 1), steps);
  const length = to - from;
  const means = new Array<number>(classes).fill(0);
  const own: number[] = [];
  let entropy = 0;
  let clearest = -Infinity;
  for (let step = from; step < to; step++) {
    let rival = -Infinity;
    for (let c = 0; c < classes; c++) {
      const v = value(step, c);
      means[c] = (means[c] as number) + v / length;
      entropy -= (Math.exp(v) * v) / length;
      if (c !== phone && v > rival) rival = v;
    }
    own.push(value(step, phone));
    clearest = Math.max(clearest, value(step, phone) - rival);
  }
  const mean = means[phone] as number;
  const others = means.filter((_, c) => c !== phone && c !== silence);
  const third = Math.max(1, Math.floor(length / 3));
  let near = LOWEST;
  for (let step = Math.max(0, from - NEAR); step < Math.min(steps, to + NEAR); step++)
    near = Math.max(near, value(step, phone));
  return [
    ...means,
    mean,
    Math.max(...own),
    mean - Math.max(...others),
    clearest,
    entropy,
    averageOf(own.slice(0, third)),
    averageOf(own.slice(-third)),
    Math.min(...own),
    near,
    Math.log1p(others.filter((other) => other > mean).length),
    averageOf(own.map(Math.exp)),
    means[silence] as number,
  ];
}

/**
 * Describes each phone of a whole reading (the result's nets see these numbers): how well it was said by each model, how
 * long it was by native speakers' and by the reading's own measure, the pauses around it, its place in the word, its level
 * against the reading's loud parts, and the reading's length.
 */
export function readingFeatures(
  phones: readonly Placed[],
  whole: WholeReading,
  durations: DurationNorm,
): Float32Array[] {
  const { posteriors, review, levels } = whole;
  const { steps } = posteriors;
  const loudness = loudnessOf(levels, phones);
  const usual = phones.map(({ phone }) => Math.exp(durations.mean[phone] as number));
  const pace = Math.log(averageOf(phones.map(({ start, end }) => end - start)) / averageOf(usual));
  const pause = (gap: number): number => Math.log1p(Math.max(0, Math.min(gap, LONGEST_GAP)));
  return phones.map((placed, i) => {
    const { word, phone, start, end } = placed;
    const logLength = Math.log(end - start);
    const z = (logLength - (durations.mean[phone] as number)) / (durations.deviation[phone] as number);
    let level = 0;
    for (let step = start; step < end; step++) level += (levels[step] ?? loudness) / (end - start);
    return Float32Array.from([
      ...qualities(placed, posteriors),
      ...(review ? qualities(placed, review) : []),
      logLength,
      z,
      z - pace,
      pause(start - (phones[i - 1]?.end ?? 0)),
      pause((phones[i + 1]?.start ?? steps) - end),
      phones[i - 1]?.word === word ? 0 : 1,
      phones[i + 1]?.word === word ? 0 : 1,
      level - loudness,
      Math.log(phones.length),
    ]);
  });
}
