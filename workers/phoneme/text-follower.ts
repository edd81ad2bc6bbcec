import { Aligner, type PathPhone } from "./aligner.ts";

/** A phone is taken once all paths that come this close to the best one have left it in the same step. */
const CONVERGED = 5;
/** And at the latest when the best path has left it by this many steps (80 ms). */
const SETTLE_STEPS = 4;
/**
 * While speech goes on and no phone is taken, one that is ahead in the text may be followed instead of the best path: of
 * those that are as much worse as the steps of waiting beyond the first ones allow, up to a limit.
 */
const PATIENT_STEPS = 6;
const IMPATIENCE = 0.2;
const MOST_IMPATIENT = 30;
/** Steps of pause after which nothing more is awaited of the phone before it (240 ms). */
const PAUSE_STEPS = 12;
/** A step in which silence is less likely than this is speech. */
export const SPEECH = Math.log(0.5);
/** How much of a path is remembered (two minutes): a reader who goes back again and again makes it as long as the audio. */
const REMEMBERED_STEPS = 6144;

/** What is told of a reading, in the text's order. Steps are 20 ms; `variant` is the word's pronunciation that was chosen. */
export interface TextListener {
  /** A phone was said in steps [start, end). */
  said(word: number, variant: number, index: number, start: number, end: number): void;
  /** The word's phones from `index` on were never said: the reader was at step `at` already. */
  leftOut(word: number, variant: number, index: number, at: number): void;
  /** Since the last phone the reader has paused for a while. */
  paused(): void;
}

/**
 * Follows one reading of one text through the best path, and tells each phone of the text exactly once, in order, as said or
 * left out. Of words that are said again it tells the first saying; `finish` returns the whole path.
 */
export class TextFollower {
  readonly #ids: readonly (readonly (readonly number[])[])[];
  readonly #silence: number;
  readonly #aligner: Aligner;
  readonly #listener: TextListener;
  readonly #variants: number[];
  #steps = 0;
  #nextWord = 0;
  #nextIndex = 0;
  #lastEnd = 0;
  /** Steps since the last taken phone's end, those of silence after it was taken not counted. */
  #waited = 0;
  #awaited = false;

  /** `ids[w][v]` are the class numbers of word w's pronunciation v; `silence` is the silence class, the last one. */
  constructor(ids: readonly (readonly (readonly number[])[])[], silence: number, listener: TextListener) {
    this.#ids = ids;
    this.#silence = silence;
    this.#aligner = new Aligner(ids, silence);
    this.#listener = listener;
    this.#variants = ids.map(() => -1);
  }

  /** Takes the log posteriors of the next step. */
  advance(logp: Float32Array, offset: number): void {
    const aligner = this.#aligner;
    aligner.advance(logp, offset);
    this.#steps++;
    if (this.#steps % REMEMBERED_STEPS === 0) this.#forget();
    if (this.#nextWord === this.#ids.length && !this.#awaited) return;
    if ((logp[offset + this.#silence] as number) < SPEECH) this.#waited++;
    this.#take(aligner.shared(CONVERGED), this.#steps);
    const { path, inside } = aligner.position();
    this.#take(path, this.#steps - SETTLE_STEPS);
    const margin = Math.min(MOST_IMPATIENT, (this.#waited - PATIENT_STEPS) * IMPATIENCE);
    if (margin > 0) this.#take(aligner.ahead(margin), this.#steps - SETTLE_STEPS, false);
    if (this.#awaited && !inside && this.#steps - this.#lastEnd >= PAUSE_STEPS) {
      this.#awaited = false;
      this.#listener.paused();
    }
  }

  /** The audio is over: tells what is left. Returns the path of the whole reading, which may differ from what was told. */
  finish(): PathPhone | null {
    let last: PathPhone | null = null;
    if (this.#steps > 0) {
      const { path, inside, start } = this.#aligner.end(this.#nextWord);
      last = inside?.spoken ? { ...inside, start, end: this.#steps, prev: path } : path;
      this.#take(last, Number.POSITIVE_INFINITY);
    }
    this.#leaveOut(this.#ids.length, 0);
    return last;
  }

  #forget(): void {
    let phone = this.#aligner.position().path;
    while (phone && phone.end > this.#steps - REMEMBERED_STEPS) phone = phone.prev;
    if (phone) phone.prev = null;
  }

  /** Takes the path's phones that ended by step `until` and are not taken yet, oldest first, unless others before them would be left out by it. */
  #take(path: PathPhone | null, until: number, leavingOut = true): void {
    const fresh: PathPhone[] = [];
    for (let phone = path; phone; phone = phone.prev) {
      if (phone.index < 0) continue;
      if (phone.word < this.#nextWord) break;
      fresh.push(phone);
    }
    for (let i = fresh.length - 1; i >= 0; i--) {
      const phone = fresh[i] as PathPhone;
      // Where phones were stretched up to now the next one has to wait: no two lie in the same step.
      if (phone.end > until || this.#lastEnd >= this.#steps) break;
      if (phone.word > this.#nextWord) {
        if (!leavingOut) return;
        this.#leaveOut(phone.word, phone.start);
      }
      if ((this.#variants[phone.word] as number) < 0) this.#variants[phone.word] = phone.variant;
      if (phone.variant === this.#variants[phone.word]) {
        if (phone.word === this.#nextWord && phone.index === this.#nextIndex) this.#takePhone(phone.start, phone.end);
      } else if (phone.word === this.#nextWord) {
        // The path changed its mind about the pronunciation after some phones were taken: the rest share the word's span.
        const lastOfWord = phone.index === (this.#ids[phone.word]?.[phone.variant]?.length ?? 0) - 1;
        if (lastOfWord) this.#spread(phone);
      }
    }
  }

  #spread(last: PathPhone): void {
    let first: PathPhone = last;
    while (first.prev && first.prev.word === last.word && first.prev.index === first.index - 1) first = first.prev;
    const left = this.#lengthOf(last.word) - this.#nextIndex;
    const start = Math.max(first.start, this.#lastEnd);
    const width = Math.max(1, (last.end - start) / left);
    for (let i = 0; i < left && this.#lastEnd < this.#steps; i++)
      this.#takePhone(Math.round(start + i * width), Math.round(start + (i + 1) * width));
    // At the audio's end there may be fewer steps than phones.
    this.#leaveOut(last.word + 1, this.#lastEnd);
  }

  #lengthOf(word: number): number {
    return this.#ids[word]?.[this.#variants[word] as number]?.length ?? 0;
  }

  /** Takes the next expected phone as said in steps [start, end), or what of them is left. */
  #takePhone(start: number, end: number): void {
    const word = this.#nextWord;
    const from = Math.min(Math.max(start, this.#lastEnd), this.#steps - 1);
    this.#lastEnd = Math.max(end, from + 1);
    this.#waited = this.#steps - this.#lastEnd;
    this.#awaited = true;
    this.#listener.said(word, this.#variants[word] as number, this.#nextIndex, from, this.#lastEnd);
    this.#nextIndex++;
    if (this.#nextIndex === this.#lengthOf(word)) {
      this.#nextWord++;
      this.#nextIndex = 0;
    }
  }

  /** Tells every phone from the next expected one up to word `word` as never said. */
  #leaveOut(word: number, atStep: number): void {
    const at = Math.max(atStep, this.#lastEnd);
    for (; this.#nextWord < word; this.#nextWord++, this.#nextIndex = 0) {
      const variant = Math.max(0, this.#variants[this.#nextWord] as number);
      this.#awaited = false;
      this.#listener.leftOut(this.#nextWord, variant, this.#nextIndex, at);
    }
  }
}
