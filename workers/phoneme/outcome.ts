import type { Outcome } from "./events.ts";

/** What a whole reading looked like, for its outcome. */
export interface ReadingSummary {
  /** Steps of 20 ms that were speech rather than silence. */
  speechSteps: number;
  /** Those of them that lay inside the phones that were judged. */
  alignedSpeech: number;
  /** Final scores of the judged phones, 0 to 2. */
  scores: number[];
  /** Per judged phone, by how much the model preferred it to its best rival (a difference of log posteriors). */
  margins: number[];
  /** Phones that were taken for left out. */
  omittedPhones: number;
  /** Per word, whether any of it was left out. */
  omitted: boolean[];
}

/**
 * Judged phones that lose to their rivals by more than this on average were not the text's either: a score asks how well a
 * phone was said and takes for granted that it was. Chosen on held-out speakers, as were the limits below.
 */
const LEAST_MARGIN = -2.2;
/** No single phone loses by more than this. */
const WORST_MARGIN = -5;
/** Where much speech lies elsewhere, a phone that was left out counts as lost by this much. */
const OMITTED_MARGIN = -4;
/** Less speech than this (160 ms) is a click or a breath. */
const LEAST_SPEECH = 8;
/** Judged phones that score less than this on average (0 to 2) were not the text's. */
const LEAST_SCORE = 0.9;
/** The share of all speech that has to lie in the text's phones, unless these hold their own against their rivals: some noise passes for speech. */
const LEAST_ALIGNED = 0.3;
const CLEAR_MARGIN = -1;
/** Where much speech lies elsewhere, words that were left out count as badly said, and the average has to hold with them. */
const MOSTLY_ALIGNED = 0.55;

/** Decides whether the reading can be taken as one of the text. */
export function outcomeOf(reading: ReadingSummary): Outcome {
  const { scores, omitted, speechSteps, alignedSpeech } = reading;
  if (speechSteps < LEAST_SPEECH) return "silence";
  if (scores.length === 0 || reading.margins.length === 0) return "mismatch";
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  const said = omitted.filter((word) => !word).length / omitted.length;
  const aligned = alignedSpeech / speechSteps;
  const margin = meanMargin(reading, aligned);
  if (mean < LEAST_SCORE || margin < LEAST_MARGIN) return "mismatch";
  if (aligned < LEAST_ALIGNED && margin < CLEAR_MARGIN) return "mismatch";
  if (aligned < MOSTLY_ALIGNED && mean * said < LEAST_SCORE) return "mismatch";
  return omitted.at(-1) ? "incomplete" : "scored";
}

function meanMargin({ margins, omittedPhones }: ReadingSummary, aligned: number): number {
  const judged = margins.reduce((sum, margin) => sum + Math.max(margin, WORST_MARGIN), 0);
  if (aligned >= MOSTLY_ALIGNED) return judged / margins.length;
  return (judged + OMITTED_MARGIN * omittedPhones) / (margins.length + omittedPhones);
}
