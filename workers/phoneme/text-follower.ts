import { Aligner, type PathPhone } from "./aligner.ts";

/** Steps by which the best path must have left a phone before the phone is taken (80 ms). */
const SETTLE_STEPS = 4;
/** Steps of pause after which nothing more is awaited of the phone before it (240 ms). */
const PAUSE_STEPS = 12;

/** What is told of a reading, in the text's order. Steps are 20 ms; `variant` is the word's pronunciation that was chosen. */
export interface TextListener {
  /** A phone was said in steps [start, end). */
  said(word: number, variant: number, index: number, start: number, end: number): void;
  /** The word's phones from `index` on were never said: the reader was at step `at` already. */
  leftOut(word: number, variant: number, index: number, at: number): void;
  /** Since the last phone the reader has paused for a while. */
  paused(): void;
}

/** Follows one reading of one text through the best path, and tells each phone of the text exactly once, in order, as said or left out. */
export class TextFollower {
  readonly #ids: readonly (readonly (readonly number[])[])[];
  readonly #aligner: Aligner;
  readonly #listener: TextListener;
  readonly #variants: number[];
  #steps = 0;
  #nextWord = 0;
  #nextIndex = 0;
  #lastEnd = 0;
  #awaited = false;

  /** `ids[w][v]` are the class numbers of word w's pronunciation v; `silence` is the silence class, the last one. */
  constructor(ids: readonly (readonly (readonly number[])[])[], silence: number, listener: TextListener) {
    this.#ids = ids;
    this.#aligner = new Aligner(ids, silence);
    this.#listener = listener;
    this.#variants = ids.map(() => -1);
  }

  /** Takes the log posteriors of the next step. */
  advance(logp: Float32Array, offset: number): void {
    this.#aligner.advance(logp, offset);
    this.#steps++;
    if (this.#nextWord === this.#ids.length && !this.#awaited) return;
    const { path, inside, start } = this.#aligner.position();
    this.#take(path, this.#steps - SETTLE_STEPS);
    if (this.#awaited && !inside && this.#steps - Math.max(start, this.#lastEnd) >= PAUSE_STEPS) {
      this.#awaited = false;
      this.#listener.paused();
    }
  }

  /** The audio is over: tells what is left. */
  finish(): void {
    if (this.#steps > 0) {
      const { path, inside, start } = this.#aligner.position(true);
      const last = inside?.spoken ? { ...inside, start, end: this.#steps, prev: path } : path;
      this.#take(last, Number.POSITIVE_INFINITY);
    }
    this.#leaveOut(this.#ids.length, 0);
  }

  /** Takes the path's phones that ended by step `until` and are not taken yet, oldest first. */
  #take(path: PathPhone | null, until: number): void {
    const fresh: PathPhone[] = [];
    for (let phone = path; phone; phone = phone.prev) {
      if (phone.word < this.#nextWord) break;
      fresh.push(phone);
    }
    for (let i = fresh.length - 1; i >= 0; i--) {
      const phone = fresh[i] as PathPhone;
      if (phone.end > until) break;
      if (phone.word > this.#nextWord) this.#leaveOut(phone.word, phone.start);
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
    while (first.prev && first.prev.word === last.word) first = first.prev;
    const left = this.#lengthOf(last.word) - this.#nextIndex;
    const start = Math.max(first.start, this.#lastEnd);
    const width = Math.max(1, (last.end - start) / left);
    for (let i = 0; i < left; i++) this.#takePhone(Math.round(start + i * width), Math.round(start + (i + 1) * width));
  }

  #lengthOf(word: number): number {
    return this.#ids[word]?.[this.#variants[word] as number]?.length ?? 0;
  }

  /** Takes the next expected phone as said in steps [start, end), or what of them is left. */
  #takePhone(start: number, end: number): void {
    const word = this.#nextWord;
    const from = Math.min(Math.max(start, this.#lastEnd), this.#steps - 1);
    this.#lastEnd = Math.max(end, from + 1);
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
