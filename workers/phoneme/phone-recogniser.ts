import type { ConfidenceWeights } from "./phone-evidence.ts";

/** A phone as it was heard: steps [start, end) of the audio. */
export interface HeardPhone {
  /** Class number. */
  phone: number;
  start: number;
  end: number;
  /** Mean posterior of the phone over its steps, 0 to 1. */
  posterior: number;
}

/** Which phones follow which in a language, and how certain what is heard is. Silence is the last class. */
export interface PhoneLoop {
  /** Log probability of class b after class a at `a * classes + b`, where silence stands for the edge of a word group. */
  bigram: number[];
  /** Log of how often the acoustic model's training had each class, against the average class. */
  prior: number[];
  confidence: ConfidenceWeights;
}

/** How the recogniser weighs what it hears; chosen by training/phone-loop.ts on speakers that the model had not heard. */
export interface RecogniserWeights {
  /** Log cost of each phone: without it, noise falls into many short ones. */
  phoneCost: number;
  /** Weight of the phone bigram. */
  bigram: number;
  /** How much of the classes' log prior is taken out of the posteriors. */
  prior: number;
  /** Steps after which a phone is told at the latest once the best path has left it. */
  patience: number;
}
const defaultWeights: RecogniserWeights = { phoneCost: -1, bigram: 0.6, prior: 0.3, patience: 10 };

/** A phone or a silence on a path. */
interface Node {
  phone: number;
  start: number;
  end: number;
  mass: number;
  prev: Node | null;
}

/** Paths this far below the best one are dropped. */
const BEAM = 25;
/** Smoothing of the posteriors: no single step can rule a phone out. */
const TRUST = 0.98;
/** Log cost of entering silence and of leaving it. */
const SILENCE_COST = -1;

/**
 * Viterbi search over a loop of all phones, step by step, for speech without a known text. A phone is two states, silence
 * one, and every move from one to the next costs something, by a bigram of phones among others. What all live paths
 * share is told at once (Šrámek, Brejová & Vinař, arXiv 0704.0062), and what the best path has left for `patience` steps
 * whatever the others say; they are dropped then, so that each phone is told once and nothing is ever taken back.
 */
export class PhoneRecogniser {
  readonly #weights: RecogniserWeights;
  readonly #bigram: Float32Array;
  readonly #silence: number;
  readonly #classes: number;
  /** States 2p and 2p + 1 belong to phone p; 2 silence is silence. */
  readonly #states: number;
  #score: Float64Array;
  #nextScore: Float64Array;
  #start: Int32Array;
  #nextStart: Int32Array;
  #mass: Float64Array;
  #nextMass: Float64Array;
  #path: (Node | null)[];
  #nextPath: (Node | null)[];
  readonly #left: (Node | null)[];
  readonly #emission: Float64Array;
  readonly #prior: Float32Array;
  /** The last node that was told. */
  #told: Node | null = null;
  #step = 0;

  constructor(classes: number, loop: Omit<PhoneLoop, "confidence">, weights: RecogniserWeights = defaultWeights) {
    this.#weights = weights;
    this.#classes = classes;
    this.#silence = classes - 1;
    this.#prior = Float32Array.from(loop.prior, (value) => value * weights.prior);
    this.#bigram = Float32Array.from(loop.bigram, (value, i) => {
      const from = Math.floor(i / classes);
      const to = i % classes;
      if (from === this.#silence && to === this.#silence) return -Infinity;
      if (to === this.#silence) return SILENCE_COST;
      return weights.bigram * value + weights.phoneCost + (from === this.#silence ? SILENCE_COST : 0);
    });
    this.#states = 2 * classes - 1;
    this.#score = new Float64Array(this.#states).fill(-Infinity);
    this.#nextScore = new Float64Array(this.#states);
    this.#start = new Int32Array(this.#states);
    this.#nextStart = new Int32Array(this.#states);
    this.#mass = new Float64Array(this.#states);
    this.#nextMass = new Float64Array(this.#states);
    this.#path = new Array(this.#states).fill(null);
    this.#nextPath = new Array(this.#states).fill(null);
    this.#left = new Array(classes).fill(null);
    this.#emission = new Float64Array(classes);
    this.#score[2 * this.#silence] = 0;
  }

  /** Takes the log posteriors of the next step; returns the phones and silences that are certain now. */
  push(logp: Float32Array, offset: number): HeardPhone[] {
    const emission = this.#emission;
    const classes = this.#classes;
    const silence = this.#silence;
    const floor = (1 - TRUST) / classes;
    for (let c = 0; c < classes; c++)
      emission[c] = Math.log(TRUST * Math.exp(logp[offset + c] as number) + floor) - (this.#prior[c] as number);
    const score = this.#score;
    const next = this.#nextScore;
    this.#left.fill(null);
    let top = -Infinity;
    for (let to = 0; to < classes; to++) {
      // Into the first state, or silence: from every phone's last state.
      const first = 2 * to;
      let value = score[first] as number;
      let from = -1;
      for (let c = 0; c < classes; c++) {
        const last = c === silence ? 2 * c : 2 * c + 1;
        const candidate = (score[last] as number) + (this.#bigram[c * classes + to] as number);
        if (candidate > value) {
          value = candidate;
          from = c;
        }
      }
      const heard = Math.exp(logp[offset + to] as number);
      next[first] = value + (emission[to] as number);
      if (from < 0) this.#stay(first, first, heard);
      else this.#enter(first, from, heard);
      if ((next[first] as number) > top) top = next[first] as number;
      if (to === silence) continue;
      const second = first + 1;
      const stays = (score[second] as number) >= (score[first] as number);
      next[second] = (score[stays ? second : first] as number) + (emission[to] as number);
      this.#stay(second, stays ? second : first, heard);
      if ((next[second] as number) > top) top = next[second] as number;
    }
    for (let s = 0; s < this.#states; s++) {
      const value = (next[s] as number) - top;
      next[s] = value < -BEAM ? -Infinity : value;
      if (value < -BEAM) this.#nextPath[s] = null;
    }
    [this.#score, this.#nextScore] = [this.#nextScore, this.#score];
    [this.#start, this.#nextStart] = [this.#nextStart, this.#start];
    [this.#mass, this.#nextMass] = [this.#nextMass, this.#mass];
    [this.#path, this.#nextPath] = [this.#nextPath, this.#path];
    this.#step++;
    return this.#settle();
  }

  /** The audio is over: returns what the best path still holds. */
  finish(): HeardPhone[] {
    const best = this.#best();
    const phone = best >> 1;
    // A phone in its first state has not been said.
    const whole = phone === this.#silence || (best & 1) === 1;
    const path = this.#path[best] as Node | null;
    const start = this.#start[best] as number;
    const last: Node = { phone, start, end: this.#step, mass: this.#mass[best] as number, prev: path };
    return this.#tell(whole && this.#step > start ? last : path);
  }

  #stay(to: number, from: number, heard: number): void {
    this.#nextStart[to] = this.#start[from] as number;
    this.#nextMass[to] = (this.#mass[from] as number) + heard;
    this.#nextPath[to] = this.#path[from] as Node | null;
  }

  #enter(to: number, from: number, heard: number): void {
    this.#nextStart[to] = this.#step;
    this.#nextMass[to] = heard;
    this.#nextPath[to] = null;
    // Nothing was before the first step.
    if (this.#step === 0) return;
    const last = from === this.#silence ? 2 * from : 2 * from + 1;
    this.#left[from] ??= {
      phone: from,
      start: this.#start[last] as number,
      end: this.#step,
      mass: this.#mass[last] as number,
      prev: this.#path[last] as Node | null,
    };
    this.#nextPath[to] = this.#left[from] as Node;
  }

  #best(): number {
    let best = 0;
    for (let s = 1; s < this.#states; s++) if ((this.#score[s] as number) > (this.#score[best] as number)) best = s;
    return best;
  }

  #settle(): HeardPhone[] {
    const best = this.#path[this.#best()] as Node | null;
    const open: Node[] = [];
    for (let node = best; node && node !== this.#told; node = node.prev) open.push(node);
    if (open.length === 0) return [];
    // `shared` is the newest node of the best path that all live paths went through.
    let shared = 0;
    for (let s = 0; s < this.#states && shared < open.length; s++) {
      if (this.#score[s] === -Infinity) continue;
      let node = this.#path[s] as Node | null;
      let at = -1;
      for (; node && node !== this.#told; node = node.prev) {
        at = open.indexOf(node);
        if (at >= 0) break;
      }
      shared = Math.max(shared, at < 0 ? open.length : at);
    }
    const due = open.findIndex((node) => node.end <= this.#step - this.#weights.patience);
    if (due >= 0 && due < shared) {
      shared = due;
      this.#dropOthers(open[due] as Node);
    }
    return this.#tell(open[shared] ?? null);
  }

  /** Drops the paths that did not go through `node`. */
  #dropOthers(node: Node): void {
    for (let s = 0; s < this.#states; s++) {
      if (this.#score[s] === -Infinity) continue;
      let past = this.#path[s] as Node | null;
      while (past && past !== node && past.end >= node.end) past = past.prev;
      if (past === node) continue;
      this.#score[s] = -Infinity;
      this.#path[s] = null;
    }
  }

  #tell(upTo: Node | null): HeardPhone[] {
    const fresh: HeardPhone[] = [];
    for (let node = upTo; node && node !== this.#told; node = node.prev) {
      const { phone, start, end, mass } = node;
      fresh.push({ phone, start, end, posterior: mass / Math.max(1, end - start) });
    }
    if (upTo && fresh.length > 0) {
      this.#told = upTo;
      // What was told is nobody's past any more, so that memory does not grow with the audio.
      upTo.prev = null;
    }
    return fresh.reverse();
  }
}
