import { knownOf, type Pace } from "./head.ts";
import {
  apply,
  applyBoth,
  average,
  concat,
  type Layer,
  meanOf,
  type Recurrence,
  relu,
  type StoredTensors,
  type Table,
  Tensors,
} from "./nets.ts";

/** refine.json of a pack. */
export interface StoredRefiner {
  nets: StoredTensors[];
}

/** A phone of a whole reading, in the order they were said. */
export interface ReadPhone {
  /** The text's word that it belongs to. */
  word: number;
  /** Classes of the phone and of the expected ones around it in its word, silence at the ends. */
  phone: number;
  prev: number;
  next: number;
  /** What `readingFeatures` made of it. */
  features: Float32Array;
  /** 1 where the phone was said, towards 0 where something else was. */
  said: number;
}

/** A whole reading judged. */
export interface RefinedScores {
  /** One per phone, 0 to 2. */
  phones: number[];
  /** By word of the text, 0 to 10, where any of it was read. */
  words: Map<number, number>;
  /** Each 0 to 10. */
  accuracy: number;
  fluency: number;
  total: number;
  /** The values of the reading's profile, for the speaker's next sentences; not of judges that learn nothing of speakers. */
  profile?: number[];
}

/** How far from what is usual a measure is taken to lie at most, in deviations. */
const FARTHEST = 6;

interface RawScores {
  phones: number[];
  words: number[];
  sentence: Float32Array;
}

const paceInputs = (pace: Pace): number[] => [
  pace.phonesPerSecond / 10,
  pace.pauseShare,
  Math.log1p(pace.longestPauseSteps),
];

/** A reading as the nets see it. */
interface Seen {
  phones: ReadPhone[];
  /** Each phone's features against what is usual for it. */
  own: Float32Array[];
  /** Their mean. */
  typical: Float32Array;
  pace: number[];
  /** Of the speaker's earlier sentences (profile.ts). */
  context: Float32Array;
}

/** One net of the ensemble; its layers and their names are those of training/train_refine.py. */
class RefinerNet {
  readonly #mean: Float32Array;
  readonly #deviation: Float32Array;
  readonly #embedThis: Table;
  readonly #embedPrev: Table;
  readonly #embedNext: Table;
  readonly #typical: Layer;
  readonly #voice: Layer;
  readonly #input: Layer;
  readonly #onward: Recurrence;
  readonly #backward: Recurrence;
  readonly #phone: [Layer, Layer];
  readonly #word: [Layer, Layer];
  readonly #sentence: [Layer, Layer];

  constructor(stored: StoredTensors) {
    const tensors = new Tensors(stored, "refiner");
    this.#mean = tensors.vector("mean");
    this.#deviation = tensors.vector("deviation");
    this.#embedThis = tensors.table("embedThis");
    this.#embedPrev = tensors.table("embedPrev");
    this.#embedNext = tensors.table("embedNext");
    this.#typical = tensors.layer("typical");
    this.#voice = tensors.layer("voice");
    this.#input = tensors.layer("input");
    this.#onward = tensors.recurrence("gru");
    this.#backward = tensors.recurrence("gru", "_reverse");
    this.#phone = tensors.both("phone");
    this.#word = tensors.both("word");
    this.#sentence = tensors.both("sentence");
  }

  get features(): number {
    return this.#mean.length;
  }

  #pass(unit: Recurrence, inputs: Float32Array[]): Float32Array[] {
    let state: Float32Array | undefined;
    return inputs.map((input) => {
      state = unit.next(input, state);
      return state;
    });
  }

  judge({ phones, own, typical, pace, context }: Seen): RawScores {
    const n = phones.length;
    const summaryOfAll = relu(apply(this.#typical, typical));
    const known = knownOf(this.#voice, context);
    const everywhere = concat(summaryOfAll, known, pace, [Math.log(n)]);
    const inputs = phones.map(({ phone, prev, next, features }, i) =>
      relu(
        apply(
          this.#input,
          concat(
            features.map((v, k) => (v - (this.#mean[k] as number)) / (this.#deviation[k] as number)),
            own[i] as Float32Array,
            everywhere,
            [(i + 0.5) / n],
            this.#embedThis.row(phone),
            this.#embedPrev.row(prev),
            this.#embedNext.row(next),
          ),
        ),
      ),
    );
    const back = this.#pass(this.#backward, inputs.toReversed()).reverse();
    const hidden = this.#pass(this.#onward, inputs).map((state, i) => concat(state, back[i] as Float32Array));
    const whole = meanOf(hidden);
    const [toSummary, toScore] = this.#phone;
    const summaries = inputs.map((input, i) => relu(apply(toSummary, concat(input, hidden[i] as Float32Array, whole))));
    const scores = summaries.map((summary) => apply(toScore, summary)[0] as number);
    const words = [...Map.groupBy(phones.keys(), (i) => (phones[i] as ReadPhone).word).values()].map((members) => {
      const own = members.map((i) => scores[i] as number);
      const input = concat(
        meanOf(members.map((i) => summaries[i] as Float32Array)),
        meanOf(members.map((i) => hidden[i] as Float32Array)),
        [average(own), Math.min(3, ...own), Math.log(own.length)],
      );
      return applyBoth(this.#word, input)[0] as number;
    });
    const low = scores.filter((score) => score < 1.2).length / n;
    const sentence = applyBoth(
      this.#sentence,
      concat(
        meanOf(summaries),
        whole,
        [average(scores), Math.min(...scores), low, Math.log(n)],
        pace,
        summaryOfAll,
        known,
      ),
    );
    return { phones: scores, words, sentence };
  }
}

/**
 * Judges a reading anew once all of it is known: small nets that look at the sentence both ways in time, and at
 * each phone against the reader's own average. Their answers are averaged.
 */
export class Refiner {
  readonly #nets: RefinerNet[];
  /** Per class the features' means, then their deviations, among well said phones. */
  readonly #usual: Float32Array;

  /** `features` is how many numbers describe a phone. Throws an Error when a net is missing, broken or made for others. */
  constructor(stored: StoredRefiner, features: number) {
    if (!Array.isArray(stored.nets) || stored.nets.length === 0) throw new Error("refiner: no nets");
    this.#nets = stored.nets.map((net) => new RefinerNet(net));
    this.#usual = new Tensors(stored.nets[0] as StoredTensors, "refiner").vector("usual");
    if (this.#nets.some((net) => net.features !== features))
      throw new Error("the refiner was trained on other features");
  }

  #own({ phone, features }: ReadPhone): Float32Array {
    const width = features.length;
    const usual = 2 * phone * width;
    return features.map((v, k) => {
      const value = (v - (this.#usual[usual + k] as number)) / (this.#usual[usual + width + k] as number);
      return Math.max(-FARTHEST, Math.min(FARTHEST, value));
    });
  }

  /** Judges the phones of a reading (at least one) by a speaker of whom `context` is known (profile.ts). Whatever was not said lowers its phone's, word's and sentence's scores. */
  judge(phones: ReadPhone[], pace: Pace, context: Float32Array): RefinedScores {
    const own = phones.map((phone) => this.#own(phone));
    const seen: Seen = { phones, own, typical: meanOf(own), pace: paceInputs(pace), context };
    const all = this.#nets.map((net) => net.judge(seen));
    const mean = (of: (raw: RawScores) => number | undefined): number => average(all.map((raw) => of(raw) as number));
    const words = new Map<number, number>();
    for (const [at, [word, members]] of [...Map.groupBy(phones, (phone) => phone.word)].entries())
      words.set(word, 5 * average(members.map((phone) => phone.said)) * mean((raw) => raw.words[at]));
    const unit = 5 * average(phones.map((phone) => phone.said));
    return {
      profile: [...seen.typical, ...seen.pace].map((value) => Math.round(value * 1000) / 1000),
      phones: phones.map(
        ({ said }, i) =>
          Math.max(
            0,
            Math.min(
              2,
              mean((raw) => raw.phones[i]),
            ),
          ) * said,
      ),
      words,
      accuracy: unit * mean((raw) => raw.sentence[0]),
      fluency: unit * mean((raw) => raw.sentence[1]),
      total: unit * mean((raw) => raw.sentence[2]),
    };
  }
}
