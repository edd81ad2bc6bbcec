import type { Outcome } from "./events.ts";

/** What a whole reading looked like, for its outcome. */
export interface ReadingSummary {
  /** Steps of 20 ms that were speech rather than silence. */
  speechSteps: number;
  /** Those of them that lay inside the phones that were judged. */
  alignedSpeech: number;
  /** Final scores of the judged phones, 0 to 2. */
  scores: number[];
  /** Per word, whether any of it was left out. */
  omitted: boolean[];
}

/** Less speech than this (160 ms) is a click or a breath. */
const LEAST_SPEECH = 8;
/** Judged phones that score less than this on average (0 to 2) were not the text's. Of held-out readings of the right text 0.4% come out as a mismatch. */
const LEAST_SCORE = 0.9;
/** The share of all speech that has to lie in the text's phones. */
const LEAST_ALIGNED = 0.3;
/** Where much speech lies elsewhere, words that were left out count as badly said, and the average has to hold with them. */
const MOSTLY_ALIGNED = 0.5;

/** Decides whether the reading can be taken as one of the text. */
export function outcomeOf(reading: ReadingSummary): Outcome {
  const { scores, omitted, speechSteps, alignedSpeech } = reading;
  if (speechSteps < LEAST_SPEECH) return "silence";
  if (scores.length === 0) return "mismatch";
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  const said = omitted.filter((word) => !word).length / omitted.length;
  const aligned = alignedSpeech / speechSteps;
  if (mean < LEAST_SCORE || aligned < LEAST_ALIGNED) return "mismatch";
  if (aligned < MOSTLY_ALIGNED && mean * said < LEAST_SCORE) return "mismatch";
  return omitted.at(-1) ? "incomplete" : "scored";
}
