/** What the best path has passed through, in steps [start, end) of the audio: a phone, or where `index` is -1 other speech before the word. */
export interface PathPhone {
  word: number;
  variant: number;
  index: number;
  start: number;
  end: number;
  prev: PathPhone | null;
}

/** Where a path stands after a step. */
export interface Position {
  /** The last phone the path has left, with the ones before it. */
  path: PathPhone | null;
  /** The phone it is in, or null while it is between words. */
  inside: { word: number; variant: number; index: number; spoken: boolean } | null;
  /** The step at which it entered that phone or gap. */
  start: number;
}

/** Log cost of leaving a whole word out. */
const SKIP = -35;
/** Log cost of speech that is not the text's, at its beginning, and how far below the best phone each of its steps is scored. */
const ENTER_OTHER = -12;
const OTHER_SPEECH = -2.5;
/** Log cost of going back to a word that was read before, and for each word further back. */
const BACK = -20;
const BACK_WORD = -1;
/** Log cost of breaking a word off. */
const BREAK_OFF = -14;
/** Paths this far below the best one are dropped. */
const BEAM = 120;
/** Paths that go back are not begun further below the best one than this. */
const BACK_BEAM = 40;
/** No single step can rule a phone out: it costs this at most. */
const FLOOR = -7.5;
/** How far below the best path one that has come to the text's end may be to be preferred once the audio is over. */
const AT_END = 35;
/** And how much further where the best one went back and did not return to where the reading had been. */
const UNRETURNED = 40;

/** The state of silence before each word; that of other speech follows it, then those of the word's phones. */
const QUIET = -1;
const OTHER = -2;

interface State {
  phone: number;
  word: number;
  variant: number;
  index: number;
  second: boolean;
  from: [state: number, cost: number][];
}

/** The states for a text and the ways between them that lead onward. */
function statesOf(words: readonly (readonly (readonly number[])[])[]): State[] {
  const states: State[] = [];
  const add = (state: State): number => states.push(state) - 1;
  let before: { quiet: number; ends: number[] } | null = null;
  for (let word = 0; word <= words.length; word++) {
    const quiet: number = states.length;
    const other: number = quiet + 1;
    const ends = before?.ends ?? [];
    const gap = { word, variant: 0, index: -1, second: false };
    const skips: [number, number][] = before
      ? [
          [before.quiet, SKIP],
          [before.quiet + 1, SKIP],
        ]
      : [];
    add({ ...gap, phone: QUIET, from: [[other, 0], ...skips, ...ends.map((id): [number, number] => [id, 0])] });
    const begun = [quiet, ...ends].map((id): [number, number] => [id, ENTER_OTHER]);
    add({ ...gap, phone: OTHER, from: begun });
    const entries = [quiet, other, ...ends].map((id): [number, number] => [id, 0]);
    const firsts: number[] = [];
    const inner: number[] = [];
    const lasts: number[] = [];
    for (const [variant, phones] of (words[word] ?? []).entries()) {
      let last = -1;
      for (const [index, phone] of phones.entries()) {
        const from: [number, number][] = index === 0 ? [...entries] : [[last, 0]];
        const first = add({ phone, word, variant, index, second: false, from });
        if (index === 0) firsts.push(first);
        last = add({ phone, word, variant, index, second: true, from: [[first, 0]] });
        (index === phones.length - 1 ? lasts : inner).push(last);
      }
    }
    for (const id of [quiet, ...firsts])
      for (const broken of inner) (states[id] as State).from.push([broken, BREAK_OFF]);
    before = { quiet, ends: lasts };
  }
  return states;
}

/**
 * Viterbi search, step by step, over the one text that is expected. A word is a choice of
 * pronunciations, a phone is two states (so at least 40 ms), and between words lies a gap for
 * silence or other speech, through which words may be left out at a cost. A word may be broken off
 * and begun again, and the reader may go back to any earlier word. Every state keeps the
 * phones its best path went through as a linked list with a shared past. Nothing is ever frozen:
 * callers decide what they take as settled.
 */
export class Aligner {
  readonly #silence: number;
  readonly #states: number;
  readonly #phone: Int16Array;
  readonly #word: Int32Array;
  readonly #variant: Int16Array;
  readonly #index: Int16Array;
  readonly #second: Uint8Array;
  /** Whether the state is the second one of a word's last phone. */
  readonly #last: Uint8Array;
  /** The ways into state s from others are those at #ways[s] to #ways[s + 1]. */
  readonly #ways: Int32Array;
  readonly #from: Int32Array;
  readonly #cost: Float64Array;
  /** The furthest state that a way leads to from one of the states up to s. */
  readonly #reach: Int32Array;
  /** The state of silence before each word, and after the last one. */
  readonly #quiet: Int32Array;
  readonly #emission: Float64Array;
  /** By word: the score of going back to it, and from which state. */
  readonly #backScore: Float64Array;
  readonly #backFrom: Int32Array;
  #score: Float64Array;
  #start: Int32Array;
  #path: (PathPhone | null)[];
  #nextScore: Float64Array;
  #nextStart: Int32Array;
  #nextPath: (PathPhone | null)[];
  readonly #left: (PathPhone | null)[];
  /** States outside [#low, #high] are dead. */
  #low = 0;
  #high = 0;
  #best = 0;
  #step = 0;

  /** `words[w][v]` are the class numbers of word w's pronunciation v; `silence` is the silence class, the last one. */
  constructor(words: readonly (readonly (readonly number[])[])[], silence: number) {
    const states = statesOf(words);
    const count = states.length;
    this.#silence = silence;
    this.#states = count;
    this.#phone = Int16Array.from(states, (s) => s.phone);
    this.#word = Int32Array.from(states, (s) => s.word);
    this.#variant = Int16Array.from(states, (s) => s.variant);
    this.#index = Int16Array.from(states, (s) => s.index);
    this.#second = Uint8Array.from(states, (s) => (s.second ? 1 : 0));
    this.#last = Uint8Array.from(states, (s) =>
      s.second && s.index === (words[s.word]?.[s.variant]?.length ?? 0) - 1 ? 1 : 0,
    );
    this.#ways = new Int32Array(count + 1);
    this.#reach = Int32Array.from(states, (_, s) => s);
    for (const [s, { from }] of states.entries()) {
      this.#ways[s + 1] = (this.#ways[s] as number) + from.length;
      for (const [id] of from) this.#reach[id] = Math.max(this.#reach[id] as number, s);
    }
    for (let s = 1; s < count; s++) this.#reach[s] = Math.max(this.#reach[s] as number, this.#reach[s - 1] as number);
    this.#from = Int32Array.from(states.flatMap((s) => s.from.map(([id]) => id)));
    this.#cost = Float64Array.from(states.flatMap((s) => s.from.map(([, cost]) => cost)));
    this.#quiet = Int32Array.from([...states.keys()].filter((s) => states[s]?.phone === QUIET));
    this.#emission = new Float64Array(silence + 1);
    this.#backScore = new Float64Array(words.length + 1).fill(-Infinity);
    this.#backFrom = new Int32Array(words.length + 1);
    this.#score = new Float64Array(count).fill(-Infinity);
    this.#nextScore = new Float64Array(count).fill(-Infinity);
    this.#start = new Int32Array(count);
    this.#nextStart = new Int32Array(count);
    this.#path = new Array(count).fill(null);
    this.#nextPath = new Array(count).fill(null);
    this.#left = new Array(count).fill(null);
    // The audio begins in the first gap or with the first word.
    for (let s = 0; s < count && this.#word[s] === 0; s++)
      if (this.#phone[s] === QUIET || (this.#index[s] === 0 && !this.#second[s])) {
        this.#score[s] = 0;
        this.#high = s;
      }
  }

  /** Takes the log posteriors of the next step: `logp[offset ...]`, one per class. */
  advance(logp: Float32Array, offset: number): void {
    const emission = this.#emission;
    let loudest = FLOOR;
    for (let c = 0; c < emission.length; c++) {
      let value = FLOOR;
      // What is no number is not above the floor either.
      if ((logp[offset + c] as number) > FLOOR) value = logp[offset + c] as number;
      emission[c] = value;
      if (c !== this.#silence && value > loudest) loudest = value;
    }
    const score = this.#score;
    const next = this.#nextScore;
    const first = this.#step === 0;
    if (!first) this.#goBack();
    const low = this.#low;
    const high = first ? this.#high : (this.#reach[this.#high] as number);
    this.#left.fill(null, low, high + 1);
    let top = -Infinity;
    for (let s = low; s <= high; s++) {
      let winner = s;
      let value = score[s] as number;
      if (!first) {
        const end = this.#ways[s + 1] as number;
        for (let k = this.#ways[s] as number; k < end; k++) {
          const candidate = (score[this.#from[k] as number] as number) + (this.#cost[k] as number);
          if (candidate > value) {
            value = candidate;
            winner = this.#from[k] as number;
          }
        }
      }
      const phone = this.#phone[s] as number;
      const own =
        phone === QUIET
          ? (emission[this.#silence] as number)
          : phone === OTHER
            ? loudest + OTHER_SPEECH
            : (emission[phone] as number);
      if (this.#index[s] === 0 && this.#second[s] === 0) {
        const back = this.#backScore[this.#word[s] as number] as number;
        if (back > value && back + own > -BACK_BEAM) {
          value = back;
          winner = this.#backFrom[this.#word[s] as number] as number;
        }
      }
      if (value === -Infinity) {
        next[s] = value;
        continue;
      }
      this.#inherit(s, winner);
      value += own;
      next[s] = value;
      if (value > top) {
        top = value;
        this.#best = s;
      }
    }
    this.#settle(low, high, top);
  }

  /** Makes the step's states the current ones, scored relative to the best so that hours of audio lose no precision. */
  #settle(low: number, high: number, top: number): void {
    const next = this.#nextScore;
    this.#low = high;
    for (let s = low; s <= high; s++) {
      const value = (next[s] as number) - top;
      if (value < -BEAM) {
        next[s] = -Infinity;
        this.#nextPath[s] = null;
        continue;
      }
      next[s] = value;
      if (s < this.#low) this.#low = s;
      this.#high = s;
    }
    [this.#score, this.#nextScore] = [next, this.#score];
    [this.#start, this.#nextStart] = [this.#nextStart, this.#start];
    [this.#path, this.#nextPath] = [this.#nextPath, this.#path];
    // What the buffer holds from two steps ago is no longer overwritten where the band has moved on.
    this.#nextScore.fill(-Infinity, low, high + 1);
    this.#step++;
  }

  /** Finds the best way back to each word up to the furthest that is alive, and widens the band to where one is worth following. */
  #goBack(): void {
    const score = this.#score;
    let best = -Infinity;
    let from = 0;
    const backScore = this.#backScore;
    backScore.fill(-Infinity);
    for (let word = this.#word[this.#high] as number; word >= 0; word--) {
      const quiet = this.#quiet[word] as number;
      const end = Math.min(this.#high + 1, this.#quiet[word + 1] ?? this.#states);
      const begin = Math.max(quiet + 2, this.#low);
      for (let s = begin; s < end; s++)
        if (this.#last[s] === 1 && (score[s] as number) + BACK > best) {
          best = (score[s] as number) + BACK;
          from = s;
        }
      if (best > -BACK_BEAM) {
        backScore[word] = best;
        this.#backFrom[word] = from;
        if (quiet < this.#low) this.#low = quiet;
      } else if (end <= this.#low) return;
      // From inside a word, and from the gap before it, one goes back to the words before.
      for (let s = begin; s < end; s++)
        if (this.#second[s] === 1 && this.#last[s] === 0 && (score[s] as number) + BACK + BREAK_OFF > best) {
          best = (score[s] as number) + BACK + BREAK_OFF;
          from = s;
        }
      for (let s = quiet; s <= quiet + 1; s++)
        if ((score[s] as number) + BACK > best) {
          best = (score[s] as number) + BACK;
          from = s;
        }
      best += BACK_WORD;
    }
  }

  /** Copies the winning predecessor's past into state `s` of the next step. */
  #inherit(s: number, winner: number): void {
    if (winner === s || (this.#second[s] === 1 && winner === s - 1)) {
      this.#nextStart[s] = this.#start[winner] as number;
      this.#nextPath[s] = this.#path[winner] as PathPhone | null;
      return;
    }
    this.#nextStart[s] = this.#step;
    if (this.#phone[winner] === QUIET) {
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

  /** The best path's position after the steps taken so far. */
  position(): Position {
    return this.#positionOf(this.#best);
  }

  /** The past of the path that is furthest in the text among those within `margin` of the best one. */
  ahead(margin: number): PathPhone | null {
    let s = this.#high;
    while ((this.#score[s] as number) < -margin) s--;
    return this.#path[s] as PathPhone | null;
  }

  /** What all paths within `margin` of the best one have passed through in the same steps. */
  shared(margin: number): PathPhone | null {
    let common = this.#path[this.#best] as PathPhone | null;
    for (let s = this.#low; s <= this.#high && common; s++) {
      if ((this.#score[s] as number) < -margin) continue;
      let path = this.#path[s] as PathPhone | null;
      while (common !== path) {
        if (!common || !path) return null;
        const order: number = common.end - path.end;
        if (order >= 0) common = common.prev;
        if (order <= 0) path = path.prev;
      }
    }
    return common;
  }

  /**
   * The position once the audio is over. A path that has come to the text's end is preferred, unless it had to squeeze in
   * more than about a phone that was not said; `told` is the first word that nobody has been told of yet.
   */
  end(told: number): Position {
    const quiet = this.#quiet.at(-1) as number;
    let last = quiet;
    for (let s = this.#low; s <= this.#high; s++)
      if (s >= quiet || (this.#last[s] === 1 && this.#word[s] === this.#quiet.length - 2))
        if ((this.#score[s] as number) > (this.#score[last] as number)) last = s;
    const margin = AT_END + ((this.#word[this.#best] as number) < told ? UNRETURNED : 0);
    return this.#positionOf((this.#score[last] as number) >= -margin ? last : this.#best);
  }

  #positionOf(s: number): Position {
    const inside =
      this.#index[s] === -1
        ? null
        : {
            word: this.#word[s] as number,
            variant: this.#variant[s] as number,
            index: this.#index[s] as number,
            spoken: this.#second[s] === 1,
          };
    return { path: this.#path[s] as PathPhone | null, inside, start: this.#start[s] as number };
  }
}
