import { Aligner, type PathPhone, type Position } from "./aligner.ts";
import type { ExpectedWord, ScoredPhone, ScoredWord, ScoreEvent } from "./events.ts";
import type { Head, Pace, PhoneJudgement, PhoneState } from "./head.ts";
import { outcomeOf } from "./outcome.ts";
import type { PackManifest, Thresholds } from "./pack.ts";
import type { ReadPhone, RefinedScores, Refiner } from "./refiner.ts";
import { bestRival, marginOf, PosteriorHistory, type Segment, segmentFeatures } from "./segment-features.ts";

/** Steps by which the best path must have left a phone before the phone is judged (80 ms). */
const SETTLE_STEPS = 4;
/** Steps of pause after which a phone gets its final score without waiting for the next one (240 ms). */
const PAUSE_STEPS = 12;
/** A step in which silence is less likely than this is speech. */
const SPEECH = Math.log(0.5);

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

/** What judges phones: at their end and at the sentence's end. */
interface Judges {
  head: Head;
  refiner: Refiner;
}

/** A phone that was taken. */
interface Taken extends ReadPhone {
  index: number;
  segment: Segment;
}

interface WordProgress {
  variant: number;
  phones: ScoredPhone[];
  judgements: PhoneJudgement[];
  omitted: number;
}

/** Start of a step in the audio, in ms: steps are centred at 20 s + 17.5 ms. */
export const stepMs = (step: number): number => Math.max(0, Math.round(20 * step + 7.5));

/** How fast and how haltingly the phones (at least one) were said. */
export function paceOf(segments: { start: number; end: number }[]): Pace {
  const first = segments[0] as Segment;
  const last = segments.at(-1) as Segment;
  const length = Math.max(1, last.end - first.start);
  const pauses = segments.slice(1).map((segment, i) => Math.max(0, segment.start - (segments[i]?.end ?? 0)));
  return {
    phonesPerSecond: (segments.length / length) * 50,
    pauseShare: pauses.reduce((a, b) => a + b, 0) / length,
    longestPauseSteps: Math.max(0, ...pauses),
  };
}

/**
 * Scores one reading of one text from its posteriors: follows the best path, judges each phone
 * once the path has left it, and closes words and the sentence. Emits finals in the text's order,
 * each phone's exactly once.
 */
export class SentenceScorer {
  readonly #words: readonly ExpectedWord[];
  readonly #ids: number[][][];
  readonly #manifest: PackManifest;
  readonly #judges: Judges | null;
  readonly #emit: (event: ScoreEvent) => void;
  readonly #trace: ((phone: PhoneTrace) => void) | undefined;
  readonly #aligner: Aligner;
  readonly #history: PosteriorHistory;
  readonly #progress: WordProgress[];
  readonly #taken: Taken[] = [];
  readonly #judged: PhoneJudgement[] = [];
  readonly #silence: number;
  #before: PhoneState | null = null;
  /** The last taken phone while its final score is still to come; `#before` is its state. */
  #waiting: Taken | null = null;
  #nextWord = 0;
  #nextIndex = 0;
  #lastEnd = 0;
  #speechSteps = 0;
  #alignedSpeech = 0;
  #done = false;

  /** `judges` is null only where training dumps features: every score is then 0. Throws an Error for a phone that the pack lacks. */
  constructor(
    words: readonly ExpectedWord[],
    manifest: PackManifest,
    judges: Judges | null,
    emit: (event: ScoreEvent) => void,
    trace?: (phone: PhoneTrace) => void,
  ) {
    this.#words = words;
    this.#manifest = manifest;
    this.#judges = judges;
    this.#emit = emit;
    this.#trace = trace;
    this.#silence = manifest.phones.length - 1;
    this.#ids = words.map((word) =>
      word.pronunciations.map((phones) =>
        phones.map((phone) => {
          const id = manifest.phones.indexOf(phone);
          if (id < 0 || id === this.#silence) throw new Error(`no such phone: ${phone}`);
          return id;
        }),
      ),
    );
    if (this.#ids.length === 0 || this.#ids.some((v) => v.length === 0 || v.some((phones) => phones.length === 0)))
      throw new Error("a text needs words, and each word a pronunciation");
    this.#progress = words.map(() => ({ variant: -1, phones: [], judgements: [], omitted: 0 }));
    this.#aligner = new Aligner(this.#ids, this.#silence);
    this.#history = new PosteriorHistory(manifest.phones.length);
  }

  /** Takes the log posteriors of the next step. */
  push(logp: Float32Array, offset: number): void {
    this.#history.push(logp, offset);
    if ((logp[offset + this.#silence] as number) < SPEECH) this.#speechSteps++;
    this.#aligner.advance(logp, offset);
    if (this.#nextWord < this.#words.length || this.#waiting) this.#settle(this.#aligner.position());
  }

  /** Settles what is left and emits the result. `audioMs` is the length of the audio. */
  finish(audioMs: number): void {
    if (this.#done) return;
    this.#done = true;
    if (this.#history.steps > 0) {
      const { path, inside, start } = this.#aligner.position(true);
      const steps = this.#history.steps;
      const last = inside?.spoken ? { ...inside, start, end: steps, prev: path } : path;
      this.#take(last, Number.POSITIVE_INFINITY);
    }
    this.#close(null);
    this.#omitBefore(this.#words.length, 0);
    this.#emitResult(audioMs);
  }

  #settle(position: Position): void {
    const now = this.#history.steps;
    this.#take(position.path, now - SETTLE_STEPS);
    const waiting = this.#waiting;
    if (waiting && !position.inside && now - Math.max(position.start, waiting.segment.end) >= PAUSE_STEPS)
      this.#close(null);
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
      if (phone.word > this.#nextWord) this.#omitBefore(phone.word, phone.start);
      const progress = this.#progress[phone.word] as WordProgress;
      if (progress.variant < 0) progress.variant = phone.variant;
      if (phone.variant === progress.variant) {
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
    const left = this.#idsOf(last.word).length - this.#nextIndex;
    const start = Math.max(first.start, this.#lastEnd);
    const width = Math.max(1, (last.end - start) / left);
    for (let i = 0; i < left; i++) this.#takePhone(Math.round(start + i * width), Math.round(start + (i + 1) * width));
  }

  #idsOf(word: number): number[] {
    const variant = Math.max(0, this.#progress[word]?.variant ?? 0);
    return this.#ids[word]?.[variant] as number[];
  }

  /** Judges the next expected phone as said in steps [start, end), and gives the one before it its final score. */
  #takePhone(start: number, end: number): void {
    const word = this.#nextWord;
    const index = this.#nextIndex;
    const ids = this.#idsOf(word);
    const from = Math.min(Math.max(start, this.#lastEnd), this.#history.steps - 1);
    const to = Math.max(end, from + 1);
    const segment: Segment = {
      phone: ids[index] as number,
      start: from,
      end: to,
      gap: Math.max(0, from - this.#lastEnd),
      wordStart: index === 0,
      wordEnd: index === ids.length - 1,
    };
    const features = segmentFeatures(this.#history, segment, this.#manifest.durations);
    this.#trace?.({ word, index, start: from, end: to, at: this.#history.steps, features });
    const prev = index > 0 ? (ids[index - 1] as number) : this.#silence;
    const next = index + 1 < ids.length ? (ids[index + 1] as number) : this.#silence;
    const head = this.#judges?.head;
    const state = head?.take(features, segment.phone, prev, next, this.#before) ?? null;
    this.#close(state);
    this.#before = state;
    const taken: Taken = {
      word,
      index,
      segment,
      phone: segment.phone,
      prev,
      next,
      features,
      said: state?.said ?? 0,
    };
    this.#taken.push(taken);
    this.#countSpeech(segment);
    this.#lastEnd = to;
    this.#waiting = taken;
    const score = state && head ? head.provisional(state) : 0;
    const provisional = this.#phoneOf(taken, score, this.#manifest.thresholds);
    this.#emit({ type: "phoneme", word, index, ...provisional, final: false });
    this.#nextIndex++;
    if (this.#nextIndex === ids.length) {
      this.#nextWord++;
      this.#nextIndex = 0;
    }
  }

  #countSpeech(segment: Segment): void {
    const end = Math.min(segment.end, this.#history.steps);
    for (let step = Math.max(segment.start, this.#history.oldest); step < end; step++)
      if (this.#history.at(step, this.#silence) < SPEECH) this.#alignedSpeech++;
  }

  #phoneOf(taken: Taken, judged: number, thresholds: Thresholds): ScoredPhone {
    const { phones } = this.#manifest;
    const score = Math.round(Math.max(0, Math.min(100, judged * 50)) * 10) / 10;
    const band = score >= thresholds.good ? "good" : score >= thresholds.poor ? "fair" : "poor";
    const { phone, start, end } = taken.segment;
    const scored: ScoredPhone = {
      phone: phones[phone] as string,
      score,
      band,
      startMs: stepMs(start),
      endMs: stepMs(end),
    };
    if (band !== "good") scored.heard = phones[bestRival(taken.features, phones.length, phone)] as string;
    return scored;
  }

  /** Gives the waiting phone its final score. `next` is the phone after it, where one was heard. */
  #close(next: PhoneState | null): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = null;
    const judgement =
      this.#before && this.#judges
        ? this.#judges.head.final(this.#before, next)
        : { score: 0, raw: 0, said: 0, summary: new Float32Array(0) };
    this.#judged.push(judgement);
    (this.#progress[waiting.word] as WordProgress).judgements.push(judgement);
    this.#finalise(waiting.word, waiting.index, this.#phoneOf(waiting, judgement.score, this.#manifest.thresholds));
  }

  #finalise(word: number, index: number, phone: ScoredPhone): void {
    const progress = this.#progress[word] as WordProgress;
    progress.phones.push(phone);
    this.#emit({ type: "phoneme", word, index, ...phone, final: true });
    if (progress.phones.length < this.#idsOf(word).length) return;
    const { judgements } = progress;
    const judged = this.#judges && judgements.length > 0 ? this.#judges.head.word(judgements) : 0;
    this.#emit({ type: "word", word, ...this.#wordOf(word, judged, this.#manifest.thresholds) });
  }

  /** Marks every phone from the next expected one up to word `word` as never said. */
  #omitBefore(word: number, atStep: number): void {
    if (this.#nextWord >= word) return;
    this.#close(null);
    const at = stepMs(Math.max(atStep, this.#lastEnd));
    for (; this.#nextWord < word; this.#nextWord++, this.#nextIndex = 0) {
      const progress = this.#progress[this.#nextWord] as WordProgress;
      if (progress.variant < 0) progress.variant = 0;
      const ids = this.#idsOf(this.#nextWord);
      progress.omitted = ids.length - this.#nextIndex;
      for (let index = this.#nextIndex; index < ids.length; index++) {
        const phone = this.#manifest.phones[ids[index] as number] as string;
        this.#finalise(this.#nextWord, index, { phone, score: 0, band: "poor", startMs: at, endMs: at });
      }
    }
  }

  /** `judged` is the accuracy (0 to 10) of the part of the word that was read. */
  #wordOf(word: number, judged: number, thresholds: Thresholds): Omit<ScoredWord, "phones"> {
    const { phones, omitted } = this.#progress[word] as WordProgress;
    const score = Math.round(Math.max(0, Math.min(100, judged * 10 * (1 - omitted / phones.length))) * 10) / 10;
    const errorType = omitted > 0 ? "omission" : score < thresholds.mispronounced ? "mispronunciation" : "none";
    return {
      text: this.#words[word]?.text ?? "",
      score,
      errorType,
      startMs: phones[0]?.startMs ?? 0,
      endMs: phones.at(-1)?.endMs ?? 0,
    };
  }

  /** The words with their phones as the whole sentence shows them; what was never said stays as it was told. */
  #refinedWords(refined: RefinedScores | null): ScoredWord[] {
    const { resultThresholds } = this.#manifest;
    const phones = this.#progress.map((progress) => [...progress.phones]);
    for (const [i, taken] of this.#taken.entries())
      (phones[taken.word] as ScoredPhone[])[taken.index] = this.#phoneOf(
        taken,
        refined?.phones[i] ?? 0,
        resultThresholds,
      );
    return phones.map((own, word) => ({
      ...this.#wordOf(word, refined?.words.get(word) ?? 0, resultThresholds),
      phones: own,
    }));
  }

  #emitResult(audioMs: number): void {
    const pace = this.#taken.length > 0 ? paceOf(this.#taken.map((taken) => taken.segment)) : null;
    const refined = pace && this.#judges ? this.#judges.refiner.judge(this.#taken, pace) : null;
    const words = this.#refinedWords(refined);
    const spoken = words.filter((word) => word.errorType !== "omission").length;
    const completeness = spoken / words.length;
    const outcome = outcomeOf({
      speechSteps: this.#speechSteps,
      alignedSpeech: this.#alignedSpeech,
      scores: this.#judged.map((phone) => phone.score),
      margins: this.#taken.map((taken) => marginOf(taken.features, this.#manifest.phones.length)),
      omittedPhones: this.#progress.reduce((sum, word) => sum + word.omitted, 0),
      omitted: words.map((word) => word.errorType === "omission"),
    });
    const scale = (value: number, factor: number): number =>
      Math.round(Math.max(0, Math.min(100, value * 10)) * factor * 10) / 10;
    const mismatch = outcome === "mismatch" || outcome === "silence" ? 0.5 : 1;
    this.#emit({
      type: "result",
      outcome,
      accuracy: refined ? scale(refined.accuracy, mismatch) : 0,
      fluency: refined ? scale(refined.fluency, mismatch) : 0,
      completeness: Math.round(completeness * 1000) / 10,
      total: refined ? scale(refined.total, mismatch * completeness) : 0,
      words,
      audioMs,
    });
  }
}
