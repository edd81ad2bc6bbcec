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
}

/** A judged phone: its score on the raters' scale (0 to 2) and the vector that word and sentence scores pool. */
export interface PhoneJudgement {
  score: number;
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
  readonly #gruInput: Layer;
  readonly #gruHidden: Layer;
  readonly #provisional: [Layer, Layer];
  readonly #final: [Layer, Layer];
  readonly #word: [Layer, Layer];
  readonly #sentence: [Layer, Layer];
  readonly #noNext: Float32Array;
  readonly #classes: number;
  readonly hiddenSize: number;

  /** Throws an Error when a tensor is missing or has the wrong size. */
  constructor(tensors: StoredHead) {
    this.#tensors = tensors;
    this.#mean = this.#vector("mean");
    this.#deviation = this.#vector("deviation");
    this.#embedThis = this.#vector("embedThis.weight");
    this.#embedPrev = this.#vector("embedPrev.weight");
    this.#embedNext = this.#vector("embedNext.weight");
    this.#input = this.#layer("input");
    this.#gruInput = this.#layer("gru", "weight_ih_l0", "bias_ih_l0");
    this.#gruHidden = this.#layer("gru", "weight_hh_l0", "bias_hh_l0");
    this.#provisional = [this.#layer("provisional.0"), this.#layer("provisional.2")];
    this.#final = [this.#layer("final.0"), this.#layer("final.2")];
    this.#word = [this.#layer("word.0"), this.#layer("word.2")];
    this.#sentence = [this.#layer("sentence.0"), this.#layer("sentence.2")];
    this.#noNext = this.#vector("noNext");
    this.#classes = tensors["embedThis.weight"]?.shape[0] ?? 1;
    this.hiddenSize = this.#gruHidden.inputs;
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

  /** Takes the next phone of the sentence. `prev` and `next` are the neighbouring expected phones' classes, or silence at the ends. */
  take(features: Float32Array, phone: number, prev: number, next: number, before: Float32Array | null): PhoneState {
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
    const size = this.hiddenSize;
    const past = before ?? new Float32Array(size);
    const x = apply(this.#gruInput, input);
    const h = apply(this.#gruHidden, past);
    const hidden = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const reset = sigmoid((x[i] as number) + (h[i] as number));
      const update = sigmoid((x[size + i] as number) + (h[size + i] as number));
      const fresh = Math.tanh((x[2 * size + i] as number) + reset * (h[2 * size + i] as number));
      hidden[i] = (1 - update) * fresh + update * (past[i] as number);
    }
    return { input, hidden };
  }

  /** The score at the phone's own end, 0 to 2. */
  provisional(state: PhoneState): number {
    const [first, second] = this.#provisional;
    return apply(second, relu(apply(first, concat(state.hidden, state.input))))[0] as number;
  }

  /** The score once the next phone is known, or once it is known that none follows soon (null). */
  final(state: PhoneState, next: PhoneState | null): PhoneJudgement {
    const [first, second] = this.#final;
    const summary = relu(apply(first, concat(state.hidden, state.input, next?.hidden ?? this.#noNext)));
    return { score: apply(second, summary)[0] as number, summary };
  }

  /** A word's accuracy, 0 to 10, from its phones' judgements (at least one). */
  word(phones: PhoneJudgement[]): number {
    const scores = phones.map((p) => p.score);
    const [first, second] = this.#word;
    const input = concat(meanOf(phones.map((p) => p.summary)), [
      average(scores),
      Math.min(...scores),
      Math.log(scores.length),
    ]);
    return 5 * (apply(second, relu(apply(first, input)))[0] as number);
  }

  /** A sentence's accuracy, fluency and total, each 0 to 10, from its spoken phones (at least one). */
  sentence(phones: PhoneJudgement[], pace: Pace): { accuracy: number; fluency: number; total: number } {
    const scores = phones.map((p) => p.score);
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
    return { accuracy: 5 * (out[0] as number), fluency: 5 * (out[1] as number), total: 5 * (out[2] as number) };
  }
}
