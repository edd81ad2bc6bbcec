import type { Outcome } from "./events.ts";

/** What a whole reading looked like, for its outcome. */
export interface ReadingSummary {
  /** Steps of 20 ms that were speech rather than silence. */
  speechSteps: number;
  /** Those of them that lay inside the phones that were judged. */
  alignedSpeech: number;
  /** Mean over those of the log ratio of the expected phone to its best rival, each between -6 and 0. */
  ratio: number;
  /** Per word, whether any of it was left out. */
  omitted: boolean[];
}

/** Less speech than this (160 ms) is a click or a breath. */
const LEAST_SPEECH = 8;
/** Below this mean log ratio the speech is not the text. Chosen on held-out speakers; see docs/MODEL.md. */
const LEAST_RATIO = -2.2;
/** The share of all speech that has to lie in the text's phones. */
const LEAST_ALIGNED = 0.35;
/** The share of words said below which, with other speech around, the text was not read. */
const LEAST_WORDS = 0.34;

/** Decides whether the reading can be taken as one of the text. */
export function outcomeOf(reading: ReadingSummary): Outcome {
  if (reading.speechSteps < LEAST_SPEECH) return "silence";
  const words = reading.omitted.filter((omitted) => !omitted).length / reading.omitted.length;
  const aligned = reading.alignedSpeech / reading.speechSteps;
  if (reading.ratio < LEAST_RATIO || aligned < LEAST_ALIGNED) return "mismatch";
  if (words < LEAST_WORDS && aligned < 0.7) return "mismatch";
  return reading.omitted.at(-1) ? "incomplete" : "scored";
}
