/** A weight matrix or vector as head.json holds it: little-endian 32-bit floats in base64. */
interface StoredTensor {
  shape: number[];
  data: string;
}

export type StoredHead = Record<string, StoredTensor>;

interface Layer {
  inputs: number;
  outputs: number;
  weight: Float32Array;
  bias: Float32Array;
}

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
  /** The score as if the phone had been said, which word and sentence scores were trained on, with the vector they pool. */
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

const relu = (x: Float32Array): Float32Array => {
  for (let i = 0; i < x.length; i++) if ((x[i] as number) < 0) x[i] = 0;
  return x;
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function apply(layer: Layer, x: Float32Array): Float32Array {
  const out = new Float32Array(layer.outputs);
  const { weight, bias, inputs } = layer;
  for (let o = 0; o < out.length; o++) {
    let sum = bias[o] as number;
    const row = o * inputs;
    for (let i = 0; i < inputs; i++) sum += (weight[row + i] as number) * (x[i] as number);
    out[o] = sum;
  }
  return out;
}

function concat(...parts: ArrayLike<number>[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const meanOf = (rows: Float32Array[]): Float32Array => {
  const out = new Float32Array(rows[0]?.length ?? 0);
  for (const row of rows)
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + (row[i] as number) / rows.length;
  return out;
};
const average = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A gated recurrent unit (GRU) as torch defines it. */
class Recurrence {
  readonly #input: Layer;
  readonly #hidden: Layer;

  constructor(input: Layer, hidden: Layer) {
    this.#input = input;
    this.#hidden = hidden;
  }

  /** The state after `input`; without a state before it, the first. */
  next(input: Float32Array, before: Float32Array | undefined): Float32Array {
    const size = this.#hidden.inputs;
    const past = before ?? new Float32Array(size);
    const x = apply(this.#input, input);
    const h = apply(this.#hidden, past);
    return past.map((old, i) => {
      const reset = sigmoid((x[i] as number) + (h[i] as number));
      const update = sigmoid((x[size + i] as number) + (h[size + i] as number));
      const fresh = Math.tanh((x[2 * size + i] as number) + reset * (h[2 * size + i] as number));
      return (1 - update) * fresh + update * old;
    });
  }
}

/**
 * The scoring head: a small recurrent net over the phones in the order they are said, trained on
 * expert scores. It runs in plain TypeScript, since a phone costs some 60,000 multiplications.
 */
export class Head {
  readonly #tensors: StoredHead;
  readonly #mean: Float32Array;
  readonly #deviation: Float32Array;
  readonly #embedThis: Float32Array;
  readonly #embedPrev: Float32Array;
  readonly #embedNext: Float32Array;
  readonly #input: Layer;
  readonly #gru: Recurrence;
  readonly #gateInput: Layer;
  readonly #gateGru: Recurrence;
  readonly #gateScale: number;
  readonly #provisional: [Layer, Layer];
  readonly #final: [Layer, Layer];
  readonly #word: [Layer, Layer];
  readonly #sentence: [Layer, Layer];
  readonly #noNext: Float32Array;
  readonly #said: Layer;
  readonly #classes: number;

  /** Throws an Error when a tensor is missing or has the wrong size. */
  constructor(tensors: StoredHead) {
    this.#tensors = tensors;
    this.#mean = this.#vector("mean");
    this.#deviation = this.#vector("deviation");
    this.#embedThis = this.#vector("embedThis.weight");
    this.#embedPrev = this.#vector("embedPrev.weight");
    this.#embedNext = this.#vector("embedNext.weight");
    this.#input = this.#layer("input");
    this.#gru = this.#recurrence("gru");
    this.#gateInput = this.#layer("gateInput");
    this.#gateGru = this.#recurrence("gateGru");
    this.#gateScale = this.#vector("gateScale")[0] as number;
    this.#provisional = [this.#layer("provisional.0"), this.#layer("provisional.2")];
    this.#final = [this.#layer("final.0"), this.#layer("final.2")];
    this.#word = [this.#layer("word.0"), this.#layer("word.2")];
    this.#sentence = [this.#layer("sentence.0"), this.#layer("sentence.2")];
    this.#noNext = this.#vector("noNext");
    this.#said = this.#layer("said");
    this.#classes = tensors["embedThis.weight"]?.shape[0] ?? 1;
  }

  #vector(name: string): Float32Array {
    const stored = this.#tensors[name];
    if (!stored) throw new Error(`head: no tensor ${name}`);
    const bytes = Buffer.from(stored.data, "base64");
    const values = new Float32Array(bytes.length >> 2);
    for (let i = 0; i < values.length; i++) values[i] = bytes.readFloatLE(4 * i);
    if (values.length !== stored.shape.reduce((a, b) => a * b, 1))
      throw new Error(`head: tensor ${name} has a wrong size`);
    if (!values.every(Number.isFinite)) throw new Error(`head: tensor ${name} holds values that are not finite`);
    return values;
  }

  #layer(name: string, weight = "weight", bias = "bias"): Layer {
    const values = this.#vector(`${name}.${weight}`);
    const [outputs = 0, inputs = 0] = this.#tensors[`${name}.${weight}`]?.shape ?? [];
    return { inputs, outputs, weight: values, bias: this.#vector(`${name}.${bias}`) };
  }

  #recurrence(name: string): Recurrence {
    return new Recurrence(
      this.#layer(name, "weight_ih_l0", "bias_ih_l0"),
      this.#layer(name, "weight_hh_l0", "bias_hh_l0"),
    );
  }

  /** Takes the next phone of the sentence. `prev` and `next` are the neighbouring expected phones' classes, or silence at the ends. */
  take(features: Float32Array, phone: number, prev: number, next: number, before: PhoneState | null): PhoneState {
    const row = (table: Float32Array, id: number): Float32Array => {
      const width = table.length / this.#classes;
      return table.subarray(id * width, (id + 1) * width);
    };
    const normal = features.map((v, i) => (v - (this.#mean[i] as number)) / (this.#deviation[i] as number));
    const input = relu(
      apply(
        this.#input,
        concat(normal, row(this.#embedThis, phone), row(this.#embedPrev, prev), row(this.#embedNext, next)),
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

  /** A sentence's accuracy, fluency and total, each 0 to 10, from its spoken phones (at least one). */
  sentence(phones: PhoneJudgement[], pace: Pace): { accuracy: number; fluency: number; total: number } {
    const scores = phones.map((p) => p.raw);
    const low = scores.filter((s) => s < 1.2).length / scores.length;
    const input = concat(meanOf(phones.map((p) => p.summary)), [
      average(scores),
      Math.min(...scores),
      low,
      Math.log(scores.length),
      pace.phonesPerSecond / 10,
      pace.pauseShare,
      Math.log1p(pace.longestPauseSteps),
    ]);
    const [first, second] = this.#sentence;
    const out = apply(second, relu(apply(first, input)));
    const unit = 5 * average(phones.map((p) => p.said));
    return {
      accuracy: unit * (out[0] as number),
      fluency: unit * (out[1] as number),
      total: unit * (out[2] as number),
    };
  }
}
