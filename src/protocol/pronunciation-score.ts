import type { DrillResult } from "./models.ts";

/**
 * One score (0 to 100) of a reading's parts, the weakest of which counts most: .4 of the lowest and .2 of each other where
 * prosody was judged, else .6 and .2. These are the weights that Azure documents for its PronScore of read text.
 */
export function pronunciationScore(
  parts: Pick<DrillResult, "accuracy" | "fluency" | "completeness"> & { prosody?: number | undefined },
): number {
  const { accuracy, fluency, completeness, prosody } = parts;
  const scores = [accuracy, fluency, completeness, ...(prosody === undefined ? [] : [prosody])];
  const others = scores.reduce((sum, score) => sum + score, 0) - Math.min(...scores);
  const lowest = Math.min(...scores) * (prosody === undefined ? 0.6 : 0.4);
  return Math.round((lowest + 0.2 * others) * 10) / 10;
}
