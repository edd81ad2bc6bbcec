/** A word of the text and the ways to say it in ARPAbet without stress, the canonical one first. */
export type ExpectedWord = { text: string; pronunciations: string[][] };

export type Band = "good" | "fair" | "poor";
export type ErrorType = "none" | "omission" | "mispronunciation";
export type Outcome = "scored" | "silence" | "mismatch" | "incomplete";

/** A judged phone: score 0 to 100; `heard` is what it sounded most like when it was not good. Times are on the audio's clock. */
export type ScoredPhone = {
  phone: string;
  score: number;
  band: Band;
  startMs: number;
  endMs: number;
  heard?: string;
};

export type ScoredWord = {
  text: string;
  score: number;
  errorType: ErrorType;
  startMs: number;
  endMs: number;
  phones: ScoredPhone[];
};

export type ScoreEvent =
  | ({ type: "phoneme"; word: number; index: number; final: boolean } & ScoredPhone)
  | ({ type: "word"; word: number } & Omit<ScoredWord, "phones">)
  | {
      type: "result";
      outcome: Outcome;
      accuracy: number;
      fluency: number;
      completeness: number;
      total: number;
      words: ScoredWord[];
      audioMs: number;
    };
