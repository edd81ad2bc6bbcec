import { apply, type Layer, layerOf } from "./dense.ts";

export { apply, type Layer } from "./dense.ts";

/** A weight matrix or vector as a pack holds it: little-endian floats of 32 or 16 bits in base64. */
interface StoredTensor {
  shape: number[];
  data: string;
}

export type StoredTensors = Record<string, StoredTensor>;

export const relu = (x: Float32Array): Float32Array => {
  for (let i = 0; i < x.length; i++) if ((x[i] as number) < 0) x[i] = 0;
  return x;
};
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Two layers with a rectifier between them. */
export const applyBoth = ([first, second]: readonly [Layer, Layer], x: Float32Array): Float32Array =>
  apply(second, relu(apply(first, x)));

export function concat(...parts: ArrayLike<number>[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const meanOf = (rows: Float32Array[]): Float32Array => {
  const out = new Float32Array(rows[0]?.length ?? 0);
  for (const row of rows)
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + (row[i] as number) / rows.length;
  return out;
};
export const average = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A gated recurrent unit (GRU) as torch defines it. */
export class Recurrence {
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
    const state = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const reset = sigmoid((x[i] as number) + (h[i] as number));
      const update = sigmoid((x[size + i] as number) + (h[size + i] as number));
      const fresh = Math.tanh((x[2 * size + i] as number) + reset * (h[2 * size + i] as number));
      state[i] = (1 - update) * fresh + update * (past[i] as number);
    }
    return state;
  }
}

/** An embedding: one row per class. */
export class Table {
  readonly #values: Float32Array;
  readonly #width: number;

  constructor(values: Float32Array, width: number) {
    this.#values = values;
    this.#width = width;
  }

  row(id: number): Float32Array {
    return this.#values.subarray(id * this.#width, (id + 1) * this.#width);
  }
}

/** Half precision to number (IEEE 754 binary16). */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Reads a net's tensors by torch's names. Its methods throw an Error when a tensor is missing, of a wrong size or not finite. */
export class Tensors {
  readonly #stored: StoredTensors;
  readonly #owner: string;

  /** `owner` names the net in errors. */
  constructor(stored: StoredTensors, owner: string) {
    this.#stored = stored;
    this.#owner = owner;
  }

  vector(name: string): Float32Array {
    const stored = this.#stored[name];
    if (!stored) throw new Error(`${this.#owner}: no tensor ${name}`);
    const bytes = Buffer.from(stored.data, "base64");
    const count = stored.shape.reduce((a, b) => a * b, 1);
    const values = new Float32Array(count);
    if (bytes.length === 4 * count) for (let i = 0; i < count; i++) values[i] = bytes.readFloatLE(4 * i);
    else if (bytes.length === 2 * count)
      for (let i = 0; i < count; i++) values[i] = halfToNumber(bytes.readUInt16LE(2 * i));
    else throw new Error(`${this.#owner}: tensor ${name} has a wrong size`);
    if (!values.every(Number.isFinite))
      throw new Error(`${this.#owner}: tensor ${name} holds values that are not finite`);
    return values;
  }

  #linear(weight: string, bias: string): Layer {
    return layerOf(this.vector(weight), this.vector(bias));
  }

  layer(name: string): Layer {
    return this.#linear(`${name}.weight`, `${name}.bias`);
  }

  /** Two layers of a torch Sequential with a rectifier between them. */
  both(name: string): [Layer, Layer] {
    return [this.layer(`${name}.0`), this.layer(`${name}.2`)];
  }

  table(name: string): Table {
    const values = this.vector(`${name}.weight`);
    return new Table(values, this.#stored[`${name}.weight`]?.shape[1] ?? 0);
  }

  /** `suffix` is "_reverse" for a bidirectional unit's way back. */
  recurrence(name: string, suffix = ""): Recurrence {
    const part = (which: string): Layer =>
      this.#linear(`${name}.weight_${which}_l0${suffix}`, `${name}.bias_${which}_l0${suffix}`);
    return new Recurrence(part("ih"), part("hh"));
  }
}
