import type { Pace, PhoneJudgement, PhoneState } from "./head.ts";
import type { PhoneJudge, SentenceJudge } from "./judges.ts";
import { average } from "./nets.ts";
import type { ReadPhone, RefinedScores } from "./refiner.ts";

/** judge.json of a pack. */
export interface StoredLikelihoodJudge {
  /** Per measure that describes a phone (segment-features.ts, those after the classes' own), what it adds to the log odds of having been said. */
  weights: number[];
  /** Per phone. */
  bias: number[];
}

/** Phones per second below which speech is halting, and how much of the fluency score it takes at the most. */
const HALTING = 7;
const HALTING_COST = 0.6;
/** What a share of pauses takes of the fluency score. */
const PAUSE_COST = 1.5;

const nothing = new Float32Array(0);

/**
 * Judges a language in which nobody has scored learners: a phone by the odds that it was said rather than another one,
 * which needs no more than recordings with known phones (goodness of pronunciation: Witt & Young 2000, with the weights
 * of its measures fitted by logistic regression); a word by its phones, the worst counting half; fluency by a rule.
 */
export class LikelihoodJudge implements PhoneJudge, SentenceJudge {
  readonly #weights: Float32Array;
  readonly #bias: Float32Array;

  /** Throws an Error when it was made for other phones or measures. */
  constructor(stored: StoredLikelihoodJudge, phones: number, features: number) {
    this.#weights = Float32Array.from(stored.weights ?? []);
    this.#bias = Float32Array.from(stored.bias ?? []);
    if (this.#weights.length !== features - phones || this.#bias.length !== phones)
      throw new Error("judge: made for other phones");
    if (![...this.#weights, ...this.#bias].every(Number.isFinite)) throw new Error("judge: weights must be finite");
  }

  take(features: Float32Array, phone: number): PhoneState {
    let odds = this.#bias[phone] as number;
    const first = features.length - this.#weights.length;
    for (const [i, weight] of this.#weights.entries()) odds += weight * (features[first + i] as number);
    return { nets: [], gate: nothing, said: 1 / (1 + Math.exp(-odds)) };
  }

  provisional({ said }: PhoneState): number {
    return 2 * said;
  }

  final({ said }: PhoneState): PhoneJudgement {
    return { score: 2 * said, said, nets: [] };
  }

  word(phones: PhoneJudgement[]): number {
    return wordScore(phones);
  }

  judge(phones: ReadPhone[], pace: Pace): RefinedScores {
    const words = [...Map.groupBy(phones, ({ word }) => word)];
    const accuracy = 10 * average(phones.map(({ said }) => said));
    const slow = Math.max(0, 1 - pace.phonesPerSecond / HALTING);
    const fluency = 10 * Math.max(0, 1 - PAUSE_COST * pace.pauseShare - HALTING_COST * slow);
    return {
      phones: phones.map(({ said }) => 2 * said),
      words: new Map(words.map(([word, members]) => [word, wordScore(members)])),
      accuracy,
      fluency,
      total: Math.min(accuracy, (2 * accuracy + fluency) / 3),
    };
  }
}

/** 0 to 10: half of it by the mean, half by the worst phone. */
function wordScore(phones: { said: number }[]): number {
  const said = phones.map((phone) => phone.said);
  return 5 * (average(said) + Math.min(...said));
}
