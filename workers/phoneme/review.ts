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

/** Log posteriors of silence and of all else where there is nothing to review. */
const SURE = Math.log(0.99);
const UNLIKELY = Math.log(0.0002);
/** Steps of a reading that one run describes: a few milliseconds, for which the thread's other speakers wait. */
const CHUNK = 256;

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
  readonly #mels = new KeptRows(STEP_MELS);
  readonly #mute: boolean[] = [];
  /** The steps that are reviewed. */
  #first = 0;
  #last = Number.POSITIVE_INFINITY;
  /** Each band's mean over them; null until the first is described. */
  #mean: Float32Array | null = null;
  /** From `#first` on. */
  #logp = new Float32Array(0);
  #next = 0;

  constructor(session: InferenceSession, shape: ReviewShape, classes: number) {
    this.#session = session;
    this.#shape = shape;
    this.classes = classes;
  }

  get steps(): number {
    return this.#mels.length;
  }

  /** Keeps the two frames of the next step. Digital silence (`mute`) says nothing about the microphone's level. */
  keep(frames: Float32Array, mute: boolean): void {
    this.#mels.push(frames);
    this.#mute.push(mute);
  }

  /** Reviews only steps [first, last), as far as there are such: minutes of room noise would hide what the voice is like. All others are silence. */
  select(first: number, last: number): void {
    this.#first = Math.max(0, first);
    this.#last = last;
  }

  /** Log posterior of a class at a step, once all is described. */
  at(step: number, phone: number): number {
    if (step < this.#first || step >= this.#last) return phone === this.classes - 1 ? SURE : UNLIKELY;
    return this.#logp[(step - this.#first) * this.classes + phone] as number;
  }

  /** Describes the next steps of the reading, which takes a few milliseconds; false once all are. Nothing may be kept after the first call. */
  async advance(): Promise<boolean> {
    this.#mean ??= this.#begin();
    const from = this.#next;
    const to = Math.min(this.#last, from + CHUNK);
    if (from >= to) return false;
    const first = Math.max(this.#first, from - this.#shape.reach);
    const last = Math.min(this.#last, to + this.#shape.reach);
    const input = new Float32Array((last - first) * STEP_MELS);
    for (let i = 0; i < input.length; i++)
      input[i] = this.#mels.at(first + Math.floor(i / STEP_MELS), i % STEP_MELS) - (this.#mean[i % MELS] as number);
    const { logp } = await this.#session.run({ mel: new Tensor("float32", input, [1, last - first, STEP_MELS]) });
    const rows = logp?.data as Float32Array;
    const described = rows.subarray((from - first) * this.classes, (to - first) * this.classes);
    this.#logp.set(described, (from - this.#first) * this.classes);
    this.#next = to;
    return to < this.#last;
  }

  #begin(): Float32Array {
    this.#last = Math.min(this.#last, this.steps);
    this.#next = this.#first;
    this.#logp = new Float32Array(Math.max(0, this.#last - this.#first) * this.classes);
    const { prior, priorFrames } = this.#shape;
    const sum = prior.map((value) => value * priorFrames);
    let frames = priorFrames;
    for (let step = this.#first; step < this.#last; step++) {
      if (this.#mute[step]) continue;
      for (let i = 0; i < STEP_MELS; i++) sum[i % MELS] = (sum[i % MELS] as number) + this.#mels.at(step, i);
      frames += 2;
    }
    return Float32Array.from(sum, (value) => value / frames);
  }
}
