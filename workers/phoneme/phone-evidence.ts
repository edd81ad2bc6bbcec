import type { HeardPhone } from "./phone-recogniser.ts";

/** How certain a heard phone is: the weights of two logistic models over `evidenceOf`. */
export interface ConfidenceWeights {
  /** That an expected phone would be this one, and what each phone adds to it. */
  right: number[];
  phones: number[];
  /** That this is speech at all and not music or noise. */
  speech: number[];
}

/** Phones that are looked back on: music repeats itself sooner than speech does. */
const LOOK_BACK = 6;
/** How much of the earlier evidence for speech is left after another phone, and the most there may be either way. */
const MEMORY = 0.8;
const MOST_EVIDENCE = 4;
/** Log odds of speech before anything was heard. */
const AT_FIRST = 0.5;

/** What speaks for a phone, given the phones before it, the oldest first. */
export function evidenceOf(heard: HeardPhone, earlier: readonly HeardPhone[]): number[] {
  const recent = earlier.slice(-LOOK_BACK);
  const steps = heard.end - heard.start;
  const same = recent.filter(({ phone }) => phone === heard.phone).length;
  const kinds = new Set([...recent, heard].map(({ phone }) => phone)).size;
  return [
    1,
    heard.posterior,
    Math.log(heard.posterior + 0.01),
    Math.log(steps),
    Math.max(0, Math.log(steps / 12)),
    same / LOOK_BACK,
    recent.at(-1)?.posterior ?? 0.6,
    kinds / (recent.length + 1),
  ];
}

export const weighted = (weights: readonly number[], values: readonly number[]): number =>
  values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0);

export const logistic = (odds: number): number => 1 / (1 + Math.exp(-odds));

/** Follows a stream's phones and tells how certain each is. */
export class PhoneConfidence {
  readonly #weights: ConfidenceWeights;
  readonly #recent: HeardPhone[] = [];
  #speech = AT_FIRST;

  constructor(weights: ConfidenceWeights) {
    this.#weights = weights;
  }

  /** 0 to 1: that an expected phone would be this one, times that what was heard lately is speech. */
  of(heard: HeardPhone): number {
    const { right, phones, speech } = this.#weights;
    const evidence = evidenceOf(heard, this.#recent);
    const sum = MEMORY * this.#speech + weighted(speech, evidence);
    this.#speech = Math.max(-MOST_EVIDENCE, Math.min(MOST_EVIDENCE, sum));
    this.#recent.push(heard);
    if (this.#recent.length > LOOK_BACK) this.#recent.shift();
    return logistic(weighted(right, evidence) + (phones[heard.phone] ?? 0)) * logistic(this.#speech);
  }
}
