import type { WordStress } from "./events.ts";
import { SYLLABLE_MEASURES, type Syllables } from "./syllables.ts";

/** stress.json of a pack. */
export interface StoredStress {
  /** By vowel the measures halfway between its stressed and its unstressed syllables. */
  usual: Record<string, number[]>;
  /** What the place in the word, from its first syllable to its last, adds to the measures, and what silence after it does. */
  place: number[];
  atEnd: number[];
  /** How much each measure speaks for stress. */
  weights: number[];
  /** How likely a syllable has to be the stressed one for it to be told: where it is the right one, and where it is not. */
  clear: { right: number; wrong: number };
}

/** Tells which syllable of a word was stressed: a linear discriminant (training/train_stress.py) that knows no word. */
export class Stress {
  readonly #stored: StoredStress;
  readonly #usual: (readonly number[] | undefined)[];

  /** `phones` are the pack's classes. Throws an Error when a part is missing or made for other measures. */
  constructor(stored: StoredStress, phones: readonly string[]) {
    const rows = [stored.place, stored.atEnd, stored.weights, ...Object.values(stored.usual ?? {})];
    const whole = rows.every((row) => row?.length === SYLLABLE_MEASURES && row.every(Number.isFinite));
    if (rows.length < 5 || !whole || !Number.isFinite(stored.clear?.right + stored.clear?.wrong))
      throw new Error("stress: not made for these measures");
    this.#stored = stored;
    this.#usual = phones.map((phone) => stored.usual[phone]);
  }

  /** How likely each of the word's syllables is the stressed one; they sum to 1. */
  judge({ vowels, measures, atEnd }: Syllables): number[] {
    const { place, weights, atEnd: end } = this.#stored;
    const last = vowels.length - 1;
    const evidence = measures.map((own, k) =>
      own.reduce((sum, value, i) => {
        const usual = this.#usual[vowels[k] as number]?.[i] ?? 0;
        const expected =
          usual + (place[i] as number) * (k / last - 0.5) + (atEnd && k === last ? (end[i] as number) : 0);
        return sum + (weights[i] as number) * (value - expected);
      }, 0),
    );
    const most = Math.max(...evidence);
    const parts = evidence.map((value) => Math.exp(value - most));
    const sum = parts.reduce((a, b) => a + b, 0);
    return parts.map((part) => part / sum);
  }

  /** The word's stress where it is clear; `expected` is the syllable that should carry it. */
  heard(syllables: Syllables, expected: number): WordStress | undefined {
    const likely = this.judge(syllables);
    const heard = likely.indexOf(Math.max(...likely));
    const { right, wrong } = this.#stored.clear;
    if ((likely[heard] as number) < (heard === expected ? right : wrong)) return undefined;
    return { expected, heard, score: Math.round(1000 * (likely[expected] as number)) / 10 };
  }
}
