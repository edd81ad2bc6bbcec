import {
  apply,
  average,
  concat,
  type Layer,
  meanOf,
  type Recurrence,
  relu,
  type StoredTensors,
  sigmoid,
  type Table,
  Tensors,
} from "./nets.ts";

/** What the head remembers of one phone: the inputs of its later judgement. */
export interface PhoneState {
  /** The phone's own projected features. */
  input: Float32Array;
  /** The recurrent state after the phone. */
  hidden: Float32Array;
  /** The gate's own recurrent state. */
  gate: Float32Array;
  /** 1 where the phone was said, towards 0 where something else was. */
  said: number;
}

/** A judged phone. */
export interface PhoneJudgement {
  /** On the raters' scale, 0 to 2, and 0 where something else was said. */
  score: number;
  /** The score as if the phone had been said, which word scores were trained on, with the vector they pool. */
  raw: number;
  said: number;
  summary: Float32Array;
}

/** A sentence's pace, for its scores. */
export interface Pace {
  phonesPerSecond: number;
  /** Share of the spoken part that is pauses. */
  pauseShare: number;
  longestPauseSteps: number;
}

/**
 * The scoring head: a small recurrent net over the phones in the order they are said, trained on
 * expert scores. It runs in plain TypeScript, since a phone costs some 60,000 multiplications.
 */
export class Head {
  readonly #mean: Float32Array;
  readonly #deviation: Float32Array;
  readonly #embedThis: Table;
  readonly #embedPrev: Table;
  readonly #embedNext: Table;
  readonly #input: Layer;
  readonly #gru: Recurrence;
  readonly #gateInput: Layer;
  readonly #gateGru: Recurrence;
  readonly #gateScale: number;
  readonly #provisional: [Layer, Layer];
  readonly #final: [Layer, Layer];
  readonly #word: [Layer, Layer];
  readonly #noNext: Float32Array;
  readonly #said: Layer;

  /** Throws an Error when a tensor is missing or has the wrong size. */
  constructor(stored: StoredTensors) {
    const tensors = new Tensors(stored, "head");
    this.#mean = tensors.vector("mean");
    this.#deviation = tensors.vector("deviation");
    this.#embedThis = tensors.table("embedThis");
    this.#embedPrev = tensors.table("embedPrev");
    this.#embedNext = tensors.table("embedNext");
    this.#input = tensors.layer("input");
    this.#gru = tensors.recurrence("gru");
    this.#gateInput = tensors.layer("gateInput");
    this.#gateGru = tensors.recurrence("gateGru");
    this.#gateScale = tensors.vector("gateScale")[0] as number;
    this.#provisional = tensors.both("provisional");
    this.#final = tensors.both("final");
    this.#word = tensors.both("word");
    this.#noNext = tensors.vector("noNext");
    this.#said = tensors.layer("said");
  }

  /** Takes the next phone of the sentence. `prev` and `next` are the neighbouring expected phones' classes, or silence at the ends. */
  take(features: Float32Array, phone: number, prev: number, next: number, before: PhoneState | null): PhoneState {
    const normal = features.map((v, i) => (v - (this.#mean[i] as number)) / (this.#deviation[i] as number));
    const input = relu(
      apply(
        this.#input,
        concat(normal, this.#embedThis.row(phone), this.#embedPrev.row(prev), this.#embedNext.row(next)),
      ),
    );
    const hidden = this.#gru.next(input, before?.hidden);
    const gate = this.#gateGru.next(relu(apply(this.#gateInput, normal)), before?.gate);
    const said = Math.min(1, this.#gateScale * sigmoid(apply(this.#said, gate)[0] as number));
    return { input, hidden, gate, said };
  }

  /** The score at the phone's own end, 0 to 2. */
  provisional(state: PhoneState): number {
    const [first, second] = this.#provisional;
    return (apply(second, relu(apply(first, concat(state.hidden, state.input))))[0] as number) * state.said;
  }

  /** The score once the next phone is known, or once it is known that none follows soon (null). */
  final(state: PhoneState, next: PhoneState | null): PhoneJudgement {
    const [first, second] = this.#final;
    const summary = relu(apply(first, concat(state.hidden, state.input, next?.hidden ?? this.#noNext)));
    const raw = apply(second, summary)[0] as number;
    return { score: Math.max(0, Math.min(2, raw)) * state.said, raw, said: state.said, summary };
  }

  /** A word's accuracy, 0 to 10, from its phones' judgements (at least one). */
  word(phones: PhoneJudgement[]): number {
    const scores = phones.map((p) => p.raw);
    const [first, second] = this.#word;
    const input = concat(meanOf(phones.map((p) => p.summary)), [
      average(scores),
      Math.min(...scores),
      Math.log(scores.length),
    ]);
    return 5 * average(phones.map((p) => p.said)) * (apply(second, relu(apply(first, input)))[0] as number);
  }
}
