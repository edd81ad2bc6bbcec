/** A phone that the best path has passed through: steps [start, end) of the audio. */
export interface PathPhone {
  word: number;
  variant: number;
  index: number;
  start: number;
  end: number;
  prev: PathPhone | null;
}

/** Where the best path stands after a step. */
export interface Position {
  /** The last phone the path has left, with the ones before it. */
  path: PathPhone | null;
  /** The phone it is in, or null while it is between words. */
  inside: { word: number; variant: number; index: number; spoken: boolean } | null;
  /** The step at which it entered that phone or gap. */
  start: number;
}

/** Log cost of each move into a next phone: without it a path races through phones that nobody said. */
const ADVANCE = -1;
/** Log cost of leaving a whole word out. */
const SKIP = -35;
/** How far below the best phone a step between words is scored when it is speech: hesitation, other words, noise. */
const OTHER_SPEECH = -4;
/** Paths this far below the best one are dropped. */
const BEAM = 120;
/** Smoothing of the posteriors: no single step can rule a phone out. */
const TRUST = 0.98;

/** How far below the best path one that has come to the text's end may be to be preferred once the audio is over. */
const AT_END = 35;

const NOWHERE = -1;

/**
 * Viterbi search, step by step, over the one text that is expected. A word is a choice of
 * pronunciations, a phone is two states (so at least 40 ms), and between words lies a gap for
 * silence or other speech, through which words may be left out at a cost. Every state keeps the
 * phones its best path went through as a linked list with a shared past, so memory follows the
 * text's length and not the audio's. Nothing is ever frozen: callers decide what they take as settled.
 */
export class Aligner {
  readonly #silence: number;
  readonly #states: number;
  readonly #phone: Int16Array;
  readonly #word: Int32Array;
  readonly #variant: Int16Array;
  readonly #index: Int16Array;
  readonly #second: Uint8Array;
  /** Predecessors outside the state itself, flat: from, cost. */
  readonly #from: Int32Array[];
  readonly #cost: Float64Array[];
  readonly #emission: Float64Array;
  #score: Float64Array;
  #start: Int32Array;
  #path: (PathPhone | null)[];
  #nextScore: Float64Array;
  #nextStart: Int32Array;
  #nextPath: (PathPhone | null)[];
  #left: (PathPhone | null)[];
  #step = 0;

  /** `words[w][v]` are the class numbers of word w's pronunciation v; `silence` is the silence class, the last one. */
  constructor(words: readonly (readonly (readonly number[])[])[], silence: number) {
    this.#silence = silence;
    const states: {
      phone: number;
      word: number;
      variant: number;
      index: number;
      second: boolean;
      from: [number, number][];
    }[] = [];
    const add = (
      phone: number,
      word: number,
      variant: number,
      index: number,
      second: boolean,
      from: [number, number][],
    ): number => states.push({ phone, word, variant, index, second, from }) - 1;
    let gap = add(NOWHERE, 0, 0, NOWHERE, false, []);
    let ends: number[] = [];
    const starts = [gap];
    for (const [word, variants] of words.entries()) {
      const entries: [number, number][] = [gap, ...ends].map((id) => [id, ADVANCE]);
      ends = variants.map((phones, variant) => {
        let last = NOWHERE;
        for (const [index, phone] of phones.entries()) {
          const first = add(phone, word, variant, index, false, index === 0 ? entries : [[last, ADVANCE]]);
          if (word === 0 && index === 0) starts.push(first);
          last = add(phone, word, variant, index, true, [[first, 0]]);
        }
        return last;
      });
      gap = add(NOWHERE, word + 1, 0, NOWHERE, false, [[gap, SKIP], ...ends.map((id): [number, number] => [id, 0])]);
    }
    const count = states.length;
    this.#states = count;
    this.#phone = Int16Array.from(states, (s) => s.phone);
    this.#word = Int32Array.from(states, (s) => s.word);
    this.#variant = Int16Array.from(states, (s) => s.variant);
    this.#index = Int16Array.from(states, (s) => s.index);
    this.#second = Uint8Array.from(states, (s) => (s.second ? 1 : 0));
    this.#from = states.map((s) => Int32Array.from(s.from, ([id]) => id));
    this.#cost = states.map((s) => Float64Array.from(s.from, ([, cost]) => cost));
    this.#emission = new Float64Array(silence + 1);
    this.#score = new Float64Array(count).fill(-Infinity);
    this.#nextScore = new Float64Array(count);
    this.#start = new Int32Array(count);
    this.#nextStart = new Int32Array(count);
    this.#path = new Array(count).fill(null);
    this.#nextPath = new Array(count).fill(null);
    this.#left = new Array(count).fill(null);
    for (const id of starts) this.#score[id] = 0;
  }

  /** Takes the log posteriors of the next step: `logp[offset ...]`, one per class. */
  advance(logp: Float32Array, offset: number): void {
    const emission = this.#emission;
    const floor = (1 - TRUST) / emission.length;
    let best = -Infinity;
    for (let c = 0; c < emission.length; c++) {
      emission[c] = Math.log(TRUST * Math.exp(logp[offset + c] as number) + floor);
      if (c !== this.#silence && (emission[c] as number) > best) best = emission[c] as number;
    }
    const gapEmission = Math.max(emission[this.#silence] as number, best + OTHER_SPEECH);
    const score = this.#score;
    const next = this.#nextScore;
    const first = this.#step === 0;
    this.#left.fill(null);
    let top = -Infinity;
    for (let s = 0; s < this.#states; s++) {
      let winner = s;
      let value = score[s] as number;
      if (!first) {
        const from = this.#from[s] as Int32Array;
        const cost = this.#cost[s] as Float64Array;
        for (let k = 0; k < from.length; k++) {
          const candidate = (score[from[k] as number] as number) + (cost[k] as number);
          if (candidate > value) {
            value = candidate;
            winner = from[k] as number;
          }
        }
      }
      if (value === -Infinity) {
        next[s] = value;
        continue;
      }
      this.#inherit(s, winner);
      const phone = this.#phone[s] as number;
      value += phone === NOWHERE ? gapEmission : (emission[phone] as number);
      next[s] = value;
      if (value > top) top = value;
    }
    // Relative to the best path, so that hours of audio lose no precision.
    for (let s = 0; s < this.#states; s++) {
      const value = (next[s] as number) - top;
      next[s] = value < -BEAM ? -Infinity : value;
      if (value < -BEAM) this.#nextPath[s] = null;
    }
    [this.#score, this.#nextScore] = [this.#nextScore, this.#score];
    [this.#start, this.#nextStart] = [this.#nextStart, this.#start];
    [this.#path, this.#nextPath] = [this.#nextPath, this.#path];
    this.#step++;
  }

  /** Copies the winning predecessor's past into state `s` of the next step. */
  #inherit(s: number, winner: number): void {
    const sameUnit = winner === s || this.#second[s] === 1;
    const stillGap = this.#phone[s] === NOWHERE && this.#phone[winner] === NOWHERE;
    this.#nextStart[s] = sameUnit || stillGap ? (this.#start[winner] as number) : this.#step;
    if (sameUnit || this.#phone[winner] === NOWHERE) {
      this.#nextPath[s] = this.#path[winner] as PathPhone | null;
      return;
    }
    this.#left[winner] ??= {
      word: this.#word[winner] as number,
      variant: this.#variant[winner] as number,
      index: this.#index[winner] as number,
      start: this.#start[winner] as number,
      end: this.#step,
      prev: this.#path[winner] as PathPhone | null,
    };
    this.#nextPath[s] = this.#left[winner] as PathPhone;
  }

  /**
   * The best path's position after the steps taken so far. With `atEnd` a path that has come to the
   * text's end is preferred, unless it had to squeeze in more than about a phone that was not said.
   */
  position(atEnd = false): Position {
    let best = 0;
    for (let s = 1; s < this.#states; s++) if ((this.#score[s] as number) > (this.#score[best] as number)) best = s;
    if (atEnd) {
      let last = this.#states - 1;
      for (const s of this.#from[last] as Int32Array)
        if (this.#phone[s] !== NOWHERE && (this.#score[s] as number) > (this.#score[last] as number)) last = s;
      if ((this.#score[last] as number) >= (this.#score[best] as number) - AT_END) best = last;
    }
    const inside =
      this.#phone[best] === NOWHERE
        ? null
        : {
            word: this.#word[best] as number,
            variant: this.#variant[best] as number,
            index: this.#index[best] as number,
            spoken: this.#second[best] === 1,
          };
    return { path: this.#path[best] as PathPhone | null, inside, start: this.#start[best] as number };
  }
}
