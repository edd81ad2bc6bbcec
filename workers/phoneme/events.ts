import type { SpeakerProfile } from "./profile.ts";

/**
 * A word of the text and the ways to say it in ARPAbet without stress, the canonical one first. `stress` tells of each which
 * syllable, from 0, carries the main stress; -1 where the word has but one, or where that is not known.
 */
export type ExpectedWord = { text: string; pronunciations: string[][]; stress?: number[] };

export type Band = "good" | "fair" | "poor";
export type ErrorType = "none" | "omission" | "mispronunciation";
export type Outcome = "scored" | "silence" | "mismatch" | "incomplete";

/** What a phone may have been: `score` is how likely against the likeliest, which has 100. */
export type PhoneCandidate = { phone: string; score: number };

/**
 * A judged phone: score 0 to 100; when it was not good, `heard` is what was likelier than it, and `nBest` (of final
 * judgements) the likeliest phones. Times are on the audio's clock.
 */
export type ScoredPhone = {
  phone: string;
  score: number;
  band: Band;
  startMs: number;
  endMs: number;
  heard?: string;
  nBest?: PhoneCandidate[];
};

export type ScoredWord = {
  text: string;
  score: number;
  errorType: ErrorType;
  startMs: number;
  endMs: number;
  phones: ScoredPhone[];
  stress?: WordStress;
};

/** Syllables count from 0. */
export type WordStress = { expected: number; heard: number; score: number };

/** Speech that the text does not have at its place, before the word of that index. */
export type Insertion = {
  text: string | null;
  kind: "repetition" | "restart" | "misplaced" | "other";
  beforeWord: number;
  startMs: number;
  endMs: number;
};

/** How the sentence was spoken; `pauseShare` is 0 to 1. */
export type Speaking = {
  phonesPerSecond: number;
  wordsPerMinute: number;
  pauses: number;
  longestPauseMs: number;
  pauseShare: number;
  pitchRangeSemitones?: number;
  monotone?: boolean;
};

/** Why little or nothing is heard. */
export type UnheardReason = "silence" | "tooQuiet" | "clipping" | "noise";

export type ScoreEvent =
  | ({ type: "phoneme"; word: number; index: number; final: boolean } & ScoredPhone)
  | { type: "unheard"; reason: UnheardReason; endMs: number }
  | ({ type: "word"; word: number } & Omit<ScoredWord, "phones" | "stress">)
  | {
      type: "result";
      outcome: Outcome;
      accuracy: number;
      fluency: number;
      completeness: number;
      prosody?: number;
      total: number;
      pronunciation: number;
      words: ScoredWord[];
      insertions: Insertion[];
      speaking?: Speaking;
      audioMs: number;
      /** For the same speaker's next readings; of readings that tell enough. */
      profile?: SpeakerProfile;
    };

/**
 * What is heard in speech without a known text: phones in their order, each once, with the confidence (0 to 1) that an
 * expected phone would be this one; a pause once the silence after a phone has lasted for a while; and the end.
 */
export type SpeechEvent =
  | { type: "heard"; phone: string; confidence: number; startMs: number; endMs: number }
  | { type: "pause"; startMs: number }
  | { type: "over"; audioMs: number };
