import { readingFeatureCount } from "./reading-features.ts";

/** How a reading lay to what is usual, phone by phone on average, and its pace: what is kept of a speaker for the next sentences. */
export interface SpeakerProfile {
  /** The pack that made it; another's numbers mean other things. */
  model: string;
  values: number[];
}

/** Values of a profile: the mean of each of `readingFeatures`' numbers against what is usual, and three of pace. */
export const profileWidth = (classes: number, models: number): number => readingFeatureCount(classes, models) + 3;

/** Earlier readings that count at most, the newest ones. */
const MOST_EARLIER = 20;

/**
 * The mean of the earlier readings' profiles (the newest last), then its weight and the logarithm of their number: what the
 * nets are given of a speaker. Zeros where nothing is known. Profiles of other packs do not count.
 */
export function contextOf(earlier: readonly SpeakerProfile[], model: string, width: number): Float32Array {
  const context = new Float32Array(width + 2);
  const known = earlier
    .filter(({ model: made, values }) => made === model && values.length === width && values.every(Number.isFinite))
    .slice(-MOST_EARLIER);
  if (known.length === 0) return context;
  for (const { values } of known)
    for (let i = 0; i < width; i++) context[i] = (context[i] as number) + (values[i] as number) / known.length;
  context[width] = known.length / (known.length + 2);
  context[width + 1] = Math.log1p(known.length);
  return context;
}
