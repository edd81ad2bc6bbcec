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
  sigmoid,
  type Table,
  Tensors,
} from "./nets.ts";

/** head.json of a pack: several nets whose scores are averaged, and the gate. */
export interface StoredHead {
  nets: StoredTensors[];
  gate: StoredTensors;
}

/** What one net remembers of one phone: the inputs of its later judgement. */
interface NetState {
  /** The phone's own projected features. */
  input: Float32Array;
  /** The recurrent state after the phone. */
  hidden: Float32Array;
}

/** What the head remembers of one phone. */
export interface PhoneState {
  /** One per net. */
  nets: NetState[];
  /** The gate's own recurrent state. */
  gate: Float32Array;
  /** 1 where the phone was said, towards 0 where something else was. */
  said: number;
}

/** A judged phone. */
export interface PhoneJudgement {
  /** On the raters' scale, 0 to 2, and 0 where something else was said. */
  score: number;
  said: number;
  /** Per net the score as if the phone had been said, which word scores were trained on, with the vector they pool. */
  nets: { raw: number; summary: Float32Array }[];
}

/** A sentence's pace, for its scores. */
export interface Pace {
  phonesPerSecond: number;
  /** Share of the spoken part that is pauses. */
  pauseShare: number;
  longestPauseSteps: number;
}

/** A net's view of what is known of the speaker (`context` is profile.ts's). */
export function knownOf(voice: Layer, context: Float32Array): Float32Array {
  const width = context.length - 2;
  const weight = context[width] as number;
  const seen = relu(apply(voice, context.subarray(0, width))).map((value) => value * weight);
  return concat(seen, context.subarray(width));
}

/** One net of the ensemble; its layers and their names are those of training/train_head.py. */
class HeadNet {
  readonly #mean: Float32Array;
  readonly #deviation: Float32Array;
  readonly #embedThis: Table;
  readonly #embedPrev: Table;
  readonly #embedNext: Table;
  readonly #voice: Layer;
  readonly #input: Layer;
  readonly #gru: Recurrence;
  readonly #provisional: [Layer, Layer];
  readonly #final: [Layer, Layer];
  readonly #word: [Layer, Layer];
  readonly #noNext: Float32Array;

  constructor(stored: StoredTensors) {
    const tensors = new Tensors(stored, "head");
    this.#mean = tensors.vector("mean");
    this.#deviation = tensors.vector("deviation");
    this.#embedThis = tensors.table("embedThis");
    this.#embedPrev = tensors.table("embedPrev");
    this.#embedNext = tensors.table("embedNext");
    this.#voice = tensors.layer("voice");
    this.#input = tensors.layer("input");
    this.#gru = tensors.recurrence("gru");
    this.#provisional = tensors.both("provisional");
    this.#final = tensors.both("final");
    this.#word = tensors.both("word");
    this.#noNext = tensors.vector("noNext");
  }

  get features(): number {
    return this.#mean.length;
  }

  take(
    features: Float32Array,
    phone: number,
    prev: number,
    next: number,
    before: NetState | undefined,
    context: Float32Array,
  ): NetState {
    const normal = features.map((v, i) => (v - (this.#mean[i] as number)) / (this.#deviation[i] as number));
    const around = concat(this.#embedThis.row(phone), this.#embedPrev.row(prev), this.#embedNext.row(next));
    const input = relu(apply(this.#input, concat(normal, around, knownOf(this.#voice, context))));
    return { input, hidden: this.#gru.next(input, before?.hidden) };
  }

  provisional({ hidden, input }: NetState): number {
    return applyBoth(this.#provisional, concat(hidden, input))[0] as number;
  }

  final({ hidden, input }: NetState, next: NetState | undefined): { raw: number; summary: Float32Array } {
    const [first, second] = this.#final;
    const summary = relu(apply(first, concat(hidden, input, next?.hidden ?? this.#noNext)));
    return { raw: apply(second, summary)[0] as number, summary };
  }

  word(phones: { raw: number; summary: Float32Array }[]): number {
    const scores = phones.map(({ raw }) => raw);
    const mean = meanOf(phones.map(({ summary }) => summary));
    const input = concat(mean, [average(scores), Math.min(3, ...scores), Math.log(scores.length)]);
    return applyBoth(this.#word, input)[0] as number;
  }
}

/** Tells whether a phone was said at all, from its features and those before. */
class Gate {
  readonly #mean: Float32Array;
  readonly #deviation: Float32Array;
  readonly #input: Layer;
  readonly #gru: Recurrence;
  readonly #said: Layer;
  readonly #scale: number;

  constructor(stored: StoredTensors) {
    const tensors = new Tensors(stored, "gate");
    this.#mean = tensors.vector("mean");
    this.#deviation = tensors.vector("deviation");
    this.#input = tensors.layer("input");
    this.#gru = tensors.recurrence("gru");
    this.#said = tensors.layer("said");
    this.#scale = tensors.vector("scale")[0] as number;
  }

  next(features: Float32Array, before: Float32Array | undefined): { state: Float32Array; said: number } {
    const normal = features.map((v, i) => (v - (this.#mean[i] as number)) / (this.#deviation[i] as number));
    const state = this.#gru.next(relu(apply(this.#input, normal)), before);
    return { state, said: Math.min(1, this.#scale * sigmoid(apply(this.#said, state)[0] as number)) };
  }
}

/**
 * The scoring head: small recurrent nets over the phones in the order they are said, trained on
 * expert scores. They run in plain TypeScript, since a phone costs each some 60,000 multiplications.
 */
export class Head {
  readonly #nets: HeadNet[];
  readonly #gate: Gate;

  /** `features` is how many numbers describe a phone. Throws an Error when a net is missing, broken or made for others. */
  constructor(stored: StoredHead, features: number) {
    if (!Array.isArray(stored.nets) || stored.nets.length === 0 || !stored.gate) throw new Error("head: no nets");
    this.#nets = stored.nets.map((net) => new HeadNet(net));
    this.#gate = new Gate(stored.gate);
    if (this.#nets.some((net) => net.features !== features)) throw new Error("the head was trained on other features");
  }

  /**
   * Takes the next phone of the sentence. `prev` and `next` are the neighbouring expected phones' classes, or silence at
   * the ends; `context` is what is known of the speaker (profile.ts).
   */
  take(
    features: Float32Array,
    phone: number,
    prev: number,
    next: number,
    before: PhoneState | null,
    context: Float32Array,
  ): PhoneState {
    const { state, said } = this.#gate.next(features, before?.gate);
    const nets = this.#nets.map((net, i) => net.take(features, phone, prev, next, before?.nets[i], context));
    return { nets, gate: state, said };
  }

  /** The score at the phone's own end, 0 to 2. */
  provisional(state: PhoneState): number {
    return average(this.#nets.map((net, i) => net.provisional(state.nets[i] as NetState))) * state.said;
  }

  /** The score once the next phone is known, or once it is known that none follows soon (null). */
  final(state: PhoneState, next: PhoneState | null): PhoneJudgement {
    const nets = this.#nets.map((net, i) => net.final(state.nets[i] as NetState, next?.nets[i]));
    const raw = average(nets.map((net) => net.raw));
    return { score: Math.max(0, Math.min(2, raw)) * state.said, said: state.said, nets };
  }

  /** A word's accuracy, 0 to 10, from its phones' judgements (at least one). */
  word(phones: PhoneJudgement[]): number {
    const scores = this.#nets.map((net, i) =>
      net.word(phones.map((p) => p.nets[i] as { raw: number; summary: Float32Array })),
    );
    return 5 * average(phones.map((p) => p.said)) * average(scores);
  }
}
