import type { ExpectedWord, ScoredPhone, ScoredWord, ScoreEvent } from "./events.ts";
import type { PhoneJudgement, PhoneState } from "./head.ts";
import type { PhoneJudge } from "./judges.ts";
import { isAnother, isClear, nBestOf } from "./n-best.ts";
import type { PackManifest, Thresholds } from "./pack.ts";
import type { ReadPhone } from "./refiner.ts";
import { marginOf, type PosteriorHistory, type Posteriors, type Segment, segmentFeatures } from "./segment-features.ts";
import { SPEECH, type TextListener } from "./text-follower.ts";

/**
 * Below this mean margin against the rivals, over the phones said so far and one at 0, nothing is told to be good: what is
 * heard is then hardly this text. That keeps .5% of learners' well said
 * phones from green, and two thirds of those that music was taken for.
 */
const DOUBTFUL = -2.2;
/** Phones of a word from which on they tell that another one was said. */
const ENOUGH_PHONES = 3;

/** What training sees of each judged phone. */
export interface PhoneTrace {
  word: number;
  index: number;
  start: number;
  end: number;
  /** The step at which the phone was taken. */
  at: number;
  features: Float32Array;
}

/** A phone that was taken. */
export interface Taken extends ReadPhone {
  index: number;
  segment: Segment;
}

/** How far the judging of a word has come. */
export interface WordProgress {
  /** The phones of the pronunciation that was chosen. */
  ids: readonly number[];
  /** Those that have their final score. */
  phones: ScoredPhone[];
  judgements: PhoneJudgement[];
  omitted: number;
}

/** Start of a step in the audio, in ms: steps are centred at 20 s + 17.5 ms. */
export const stepMs = (step: number): number => Math.max(0, Math.round(20 * step + 7.5));

/** A judged phone as it is told; `judged` is its score from 0 to 2. */
export function scoredPhone(taken: Taken, judged: number, thresholds: Thresholds, phones: string[]): ScoredPhone {
  const score = Math.round(Math.max(0, Math.min(100, judged * 50)) * 10) / 10;
  const { phone: id, start, end } = taken.segment;
  const phone = phones[id] as string;
  const times = { startMs: stepMs(start), endMs: stepMs(end) };
  const nBest = nBestOf(taken.features, phones);
  if (score >= thresholds.good && !isAnother(nBest, phone)) return { phone, score, band: "good", ...times };
  const band = score >= thresholds.poor || isClear(nBest, phone) ? "fair" : "poor";
  const [likeliest] = nBest;
  const heard = likeliest && likeliest.phone !== phone ? { heard: likeliest.phone } : {};
  return { phone, score, band, ...times, ...heard, nBest };
}

/** Whether half of a word's phones or more were heard as others, and there are enough to tell: hardly that word was said. */
function isAnotherWord(phones: readonly ScoredPhone[]): boolean {
  const others = phones.filter(({ phone, nBest = [] }) => isAnother(nBest, phone)).length;
  return phones.length >= ENOUGH_PHONES && others >= phones.length / 2;
}

/** A judged word without its phones; `judged` is the accuracy (0 to 10) of the part of it that was read. */
export function scoredWord(
  text: string,
  { phones, omitted }: WordProgress,
  judged: number,
  thresholds: Thresholds,
): Omit<ScoredWord, "phones"> {
  const score = Math.round(Math.max(0, Math.min(100, judged * 10 * (1 - omitted / phones.length))) * 10) / 10;
  const wrong = score < thresholds.mispronounced || isAnotherWord(phones);
  const errorType = omitted > 0 ? "omission" : wrong ? "mispronunciation" : "none";
  return { text, score, errorType, startMs: phones[0]?.startMs ?? 0, endMs: phones.at(-1)?.endMs ?? 0 };
}

/** Phone `index` of the word's pronunciation `ids`, said in steps [start, end), `gap` steps after the one before it. */
export function describedPhone(
  posteriors: Posteriors,
  { durations, phones }: PackManifest,
  word: number,
  ids: readonly number[],
  index: number,
  { start, end, gap }: { start: number; end: number; gap: number },
): Omit<Taken, "said"> {
  const silence = phones.length - 1;
  const phone = ids[index] as number;
  const wordEnd = index === ids.length - 1;
  const segment: Segment = { phone, start, end, gap: Math.max(0, gap), wordStart: index === 0, wordEnd };
  const features = segmentFeatures(posteriors, segment, durations);
  const prev = index > 0 ? (ids[index - 1] as number) : silence;
  const next = wordEnd ? silence : (ids[index + 1] as number);
  return { word, index, segment, phone, prev, next, features };
}

/** Judges the phones of a reading as they are taken, and the words they make up: a provisional score at once, the final one when more is known. */
export class LiveJudge implements TextListener {
  /** The phones that were taken, in order. */
  readonly taken: Taken[] = [];
  /** Their final judgements. */
  readonly judged: PhoneJudgement[] = [];
  readonly progress: WordProgress[];
  /** Steps of speech inside the taken phones. */
  alignedSpeech = 0;
  readonly #words: readonly ExpectedWord[];
  readonly #ids: readonly (readonly (readonly number[])[])[];
  readonly #manifest: PackManifest;
  readonly #head: PhoneJudge | null;
  readonly #context: Float32Array;
  readonly #history: PosteriorHistory;
  readonly #emit: (event: ScoreEvent) => void;
  readonly #trace: ((phone: PhoneTrace) => void) | undefined;
  readonly #silence: number;
  #margins = 0;
  #before: PhoneState | null = null;
  /** The last taken phone while its final score is still to come; `#before` is its state. */
  #waiting: Taken | null = null;

  /** `ids[w][v]` are the class numbers of word w's pronunciation v. `context` is what is known of the speaker (profile.ts). Without a head every score is 0. */
  constructor(
    words: readonly ExpectedWord[],
    ids: readonly (readonly (readonly number[])[])[],
    manifest: PackManifest,
    head: PhoneJudge | null,
    context: Float32Array,
    history: PosteriorHistory,
    emit: (event: ScoreEvent) => void,
    trace?: (phone: PhoneTrace) => void,
  ) {
    this.#words = words;
    this.#ids = ids;
    this.#manifest = manifest;
    this.#head = head;
    this.#context = context;
    this.#history = history;
    this.#emit = emit;
    this.#trace = trace;
    this.#silence = manifest.phones.length - 1;
    this.progress = ids.map((variants) => ({
      ids: variants[0] as readonly number[],
      phones: [],
      judgements: [],
      omitted: 0,
    }));
  }

  /** Judges a phone, and gives the one before it its final score. */
  said(word: number, variant: number, index: number, start: number, end: number): void {
    const ids = this.#choose(word, variant);
    const span = { start, end, gap: start - (this.taken.at(-1)?.segment.end ?? 0) };
    const phone = describedPhone(this.#history, this.#manifest, word, ids, index, span);
    const { features, prev, next } = phone;
    this.#trace?.({ word, index, start, end, at: this.#history.steps, features });
    const state = this.#head?.take(features, phone.phone, prev, next, this.#before, this.#context) ?? null;
    this.#close(state);
    this.#before = state;
    const taken: Taken = { ...phone, said: state?.said ?? 0 };
    this.taken.push(taken);
    this.#margins += marginOf(features, this.#manifest.phones.length);
    this.#countSpeech(taken.segment);
    this.#waiting = taken;
    const score = state && this.#head ? this.#head.provisional(state) : 0;
    const { nBest: _, ...provisional } = this.#phoneOf(taken, score);
    this.#emit({ type: "phoneme", word, index, ...provisional, final: false });
  }

  leftOut(word: number, variant: number, index: number, at: number): void {
    this.#close(null);
    const ids = this.#choose(word, variant);
    const { phones } = this.#manifest;
    (this.progress[word] as WordProgress).omitted = ids.length - index;
    for (let i = index; i < ids.length; i++) {
      const phone = phones[ids[i] as number] as string;
      this.#finalise(word, i, { phone, score: 0, band: "poor", startMs: stepMs(at), endMs: stepMs(at) });
    }
  }

  paused(): void {
    this.#close(null);
  }

  /** Gives the last phone its final score: nothing follows. */
  finish(): void {
    this.#close(null);
  }

  #countSpeech(segment: Segment): void {
    const end = Math.min(segment.end, this.#history.steps);
    for (let step = Math.max(segment.start, this.#history.oldest); step < end; step++)
      if (this.#history.at(step, this.#silence) < SPEECH) this.alignedSpeech++;
  }

  #choose(word: number, variant: number): readonly number[] {
    const ids = this.#ids[word]?.[variant] as readonly number[];
    (this.progress[word] as WordProgress).ids = ids;
    return ids;
  }

  #phoneOf(taken: Taken, judged: number): ScoredPhone {
    const { thresholds, phones } = this.#manifest;
    const doubtful = this.#margins / (this.taken.length + 1) < DOUBTFUL;
    const most = doubtful ? (thresholds.good - 0.1) / 50 : 2;
    return scoredPhone(taken, Math.min(judged, most), thresholds, phones);
  }

  /** Gives the waiting phone its final score. `next` is the phone after it, where one was heard. */
  #close(next: PhoneState | null): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = null;
    const judgement =
      this.#before && this.#head ? this.#head.final(this.#before, next) : { score: 0, said: 0, nets: [] };
    this.judged.push(judgement);
    (this.progress[waiting.word] as WordProgress).judgements.push(judgement);
    this.#finalise(waiting.word, waiting.index, this.#phoneOf(waiting, judgement.score));
  }

  #finalise(word: number, index: number, phone: ScoredPhone): void {
    const progress = this.progress[word] as WordProgress;
    progress.phones.push(phone);
    this.#emit({ type: "phoneme", word, index, ...phone, final: true });
    if (progress.phones.length < progress.ids.length) return;
    const { judgements } = progress;
    const judged = this.#head && judgements.length > 0 ? this.#head.word(judgements) : 0;
    const { thresholds } = this.#manifest;
    this.#emit({ type: "word", word, ...scoredWord(this.#words[word]?.text ?? "", progress, judged, thresholds) });
  }
}
