import { apply, applyBoth, type Layer, type StoredTensors, Tensors } from "./nets.ts";

/** prosody.json of a pack. */
export interface StoredProsody {
  tensors: StoredTensors;
  /** How many small nets there are beside the straight line. */
  nets: number;
}

/** A reading's scores from 0 to 10. */
export interface ProsodyScores {
  prosody: number;
  fluency: number;
}

/** Measures further than this from their mean, in deviations, are taken to lie there. */
const FARTHEST = 4;

/** Judges how a whole reading was spoken: the mean of a ridge regression and of some small nets (training/train_prosody.py). */
export class Prosody {
  readonly #mean: Float32Array;
  readonly #deviation: Float32Array;
  readonly #line: Layer;
  readonly #nets: [Layer, Layer][];

  /** `measures` is how many numbers describe a reading. Throws an Error when a tensor is missing, broken or made for others. */
  constructor(stored: StoredProsody, measures: number) {
    const tensors = new Tensors(stored.tensors, "prosody");
    this.#mean = tensors.vector("mean");
    this.#deviation = tensors.vector("deviation");
    this.#line = tensors.layer("line");
    this.#nets = Array.from({ length: stored.nets }, (_, i) => tensors.both(`nets.${i}`));
    if (this.#mean.length !== measures || this.#line.inputs !== measures)
      throw new Error("the prosody nets were trained on other measures");
  }

  /** `measures` are those of `prosodyMeasures`. */
  judge(measures: Float32Array): ProsodyScores {
    const x = measures.map((value, i) => {
      const z = (value - (this.#mean[i] as number)) / (this.#deviation[i] as number);
      return Math.max(-FARTHEST, Math.min(FARTHEST, z));
    });
    const line = apply(this.#line, x);
    const nets = this.#nets.map((net) => applyBoth(net, x));
    const score = (at: number): number => {
      const others = nets.reduce((sum, out) => sum + (out[at] as number), 0) / nets.length;
      return ((line[at] as number) + others) / 2;
    };
    return { prosody: score(0), fluency: score(1) };
  }
}
