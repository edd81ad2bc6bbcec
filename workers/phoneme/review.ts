import { type InferenceSession, Tensor } from "onnxruntime-node";
import { STEP_MELS } from "./acoustic.ts";
import { KeptRows } from "./kept-rows.ts";
import { MELS } from "./log-mel.ts";
import type { Posteriors } from "./segment-features.ts";

/** What the review graph was exported with (`review` of a pack's manifest). */
export interface ReviewShape {
  /** Mean log-mel of the training corpus, which counts as `priorFrames` frames of each reading. */
  prior: number[];
  priorFrames: number;
  /** Steps that the graph sees to either side of the one it describes. */
  reach: number;
}

/** Steps of a reading that one run describes: a few milliseconds, for which the thread's other speakers wait. */
const CHUNK = 128;

/** Runs the model that hears a whole reading at once, once the reading is over. */
export class ReviewModel {
  readonly #session: InferenceSession;
  readonly #shape: ReviewShape;
  readonly #classes: number;

  constructor(session: InferenceSession, shape: ReviewShape, classes: number) {
    this.#session = session;
    this.#shape = shape;
    this.#classes = classes;
  }

  open(): Review {
    return new Review(this.#session, this.#shape, this.#classes);
  }
}

/** One reading: its log-mels are kept while it lasts (8 kB a second), and described anew when it is over. */
export class Review implements Posteriors {
  readonly oldest = 0;
  readonly classes: number;
  readonly #session: InferenceSession;
  readonly #shape: ReviewShape;
  readonly #sum: Float64Array;
  readonly #mels = new KeptRows(STEP_MELS);
  #heardFrames: number;
  #logp = new Float32Array(0);
  #described = 0;

  constructor(session: InferenceSession, shape: ReviewShape, classes: number) {
    this.#session = session;
    this.#shape = shape;
    this.classes = classes;
    this.#heardFrames = shape.priorFrames;
    this.#sum = Float64Array.from(shape.prior, (value) => value * shape.priorFrames);
  }

  get steps(): number {
    return this.#mels.length;
  }

  /** Keeps the two frames of the next step. Digital silence (`mute`) says nothing about the microphone's level. */
  keep(frames: Float32Array, mute: boolean): void {
    this.#mels.push(frames);
    if (mute) return;
    for (let i = 0; i < STEP_MELS; i++) this.#sum[i % MELS] = (this.#sum[i % MELS] as number) + (frames[i] as number);
    this.#heardFrames += 2;
  }

  /** Log posterior of a class at a step that `advance` has described. */
  at(step: number, phone: number): number {
    return this.#logp[step * this.classes + phone] as number;
  }

  /** Describes the next steps of the reading, which takes a few milliseconds; false once all are. Nothing may be kept after the first call. */
  async advance(): Promise<boolean> {
    if (this.#described === this.steps) return false;
    if (this.#described === 0) this.#logp = new Float32Array(this.steps * this.classes);
    const from = this.#described;
    const to = Math.min(this.steps, from + CHUNK);
    const first = Math.max(0, from - this.#shape.reach);
    const last = Math.min(this.steps, to + this.#shape.reach);
    const input = new Float32Array((last - first) * STEP_MELS);
    for (let i = 0; i < input.length; i++) {
      const value = this.#mels.at(first + Math.floor(i / STEP_MELS), i % STEP_MELS);
      input[i] = value - (this.#sum[i % MELS] as number) / this.#heardFrames;
    }
    const feeds = { mel: new Tensor("float32", input, [1, last - first, STEP_MELS]) };
    const { logp } = await this.#session.run(feeds);
    const rows = logp?.data as Float32Array;
    this.#logp.set(rows.subarray((from - first) * this.classes, (to - first) * this.classes), from * this.classes);
    this.#described = to;
    return to < this.steps;
  }
}
