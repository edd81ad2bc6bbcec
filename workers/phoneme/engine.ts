import { AcousticModel, type AcousticState, STEP_MELS } from "./acoustic.ts";
import type { ExpectedWord, ScoreEvent, SpeechEvent } from "./events.ts";
import { FreeSpeech } from "./free-speech.ts";
import type { PhoneTrace } from "./live-judge.ts";
import { DIGITAL_SILENCE, LogMelStream, MELS, SAMPLE_RATE } from "./log-mel.ts";
import type { Pack } from "./pack.ts";
import type { HeardPhone } from "./phone-recogniser.ts";
import { PitchTracker } from "./pitch.ts";
import type { SpeakerProfile } from "./profile.ts";
import { QuietVoice } from "./quiet-voice.ts";
import { ReadingRecord } from "./reading-record.ts";
import { ReviewModel } from "./review.ts";
import { SentenceScorer } from "./sentence.ts";
import { Unheard } from "./unheard.ts";

export type { ExpectedWord, ScoreEvent, SpeechEvent } from "./events.ts";

/** One speaker, reading a text or speaking freely. */
export interface ScoringStream {
  /** Takes audio (16 kHz mono, any length). Ignored after `end`. Throws a RangeError past five minutes of audio that waits. */
  push(pcm: Int16Array): void;
  /** The audio is over: the remaining finals, words and the result follow from `step`, or at once where nothing waits and nothing is to be reviewed. */
  end(): void;
  /** Drops the stream without further events. */
  close(): void;
  /** Audio that waits for `step`, in ms. */
  readonly pendingMs: number;
  /** Whether nothing waits for `step`. */
  readonly idle: boolean;
}

/** Audio that one stream may hold, in samples (five minutes). A pool in front of the engine bounds it far earlier. */
const MOST_PENDING = 300 * SAMPLE_RATE;

/** What is reviewed of a reading's surroundings (1 s). */
const AROUND_STEPS = 50;

/** What a stream's posteriors go to. */
type Scorer = Pick<SentenceScorer, "push" | "settle" | "span" | "finish">;

/** A stream's audio on its way to the model. */
class Stream implements ScoringStream {
  readonly state: AcousticState;
  readonly scorer: Scorer;
  /** What is kept of a reading for its result; null where there is none. */
  readonly record: ReadingRecord | null;
  readonly #delay: number;
  readonly #silent: Float32Array;
  readonly #onOver: (stream: Stream) => void;
  readonly #onClose: (stream: Stream) => void;
  readonly #mels = new LogMelStream();
  readonly #step = new Float32Array(STEP_MELS);
  readonly #quiet = new QuietVoice();
  /** For readings only: it grows with the audio. */
  readonly #pitch: PitchTracker | null;
  /** For readings only. */
  readonly #unheard: Unheard | null;
  #chunks: Int16Array[] = [];
  #offset = 0;
  #waiting = 0;
  #frames = 0;
  #ready = false;
  #heard = 0;
  #outputs = 0;
  /** Of the steps whose output is still to come, which were digital silence. */
  readonly #mute: boolean[] = [];
  #flush = -1;
  #ended = false;
  closed = false;

  constructor(
    state: AcousticState,
    scorer: Scorer,
    record: ReadingRecord | null,
    pitch: PitchTracker | null,
    unheard: Unheard | null,
    delay: number,
    silent: Float32Array,
    onOver: (stream: Stream) => void,
    onClose: (stream: Stream) => void,
  ) {
    this.#unheard = unheard;
    this.#silent = silent;
    this.record = record;
    this.#pitch = pitch;
    this.#onOver = onOver;
    this.state = state;
    this.scorer = scorer;
    this.#delay = delay;
    this.#onClose = onClose;
  }

  get pendingMs(): number {
    return (this.#waiting * 1000) / SAMPLE_RATE;
  }

  get idle(): boolean {
    return this.closed || !this.prepare();
  }

  push(pcm: Int16Array): void {
    if (this.#ended || this.closed || pcm.length === 0) return;
    if (this.#waiting + pcm.length > MOST_PENDING) throw new RangeError("too much audio waits to be scored");
    this.#chunks.push(pcm.slice());
    this.#waiting += pcm.length;
    this.#heard += pcm.length;
  }

  end(): void {
    if (this.#ended || this.closed) return;
    this.#ended = true;
    if (!this.prepare()) this.#settle();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#chunks = [];
    this.#waiting = 0;
    this.#onClose(this);
  }

  /** Makes the next step's features ready if the audio reaches that far. */
  prepare(): boolean {
    while (!this.#ready) {
      const chunk = this.#chunks[0];
      if (!chunk) return this.#prepareFlush();
      const { taken, wrote } = this.#mels.next(chunk, this.#offset, this.#step, this.#frames * MELS);
      this.#unheard?.samples(chunk, this.#offset, taken);
      this.#waiting -= taken - this.#offset;
      this.#offset = taken;
      if (taken === chunk.length) {
        this.#pitch?.push(chunk);
        this.#chunks.shift();
        this.#offset = 0;
      }
      if (wrote) this.#frames++;
      this.#ready = this.#frames === 2;
    }
    return true;
  }

  /** After the end the last frame is repeated until the model's delayed output has caught up. */
  #prepareFlush(): boolean {
    if (!this.#ended || this.state.step === 0) return false;
    if (this.#flush < 0) this.#flush = this.#delay;
    if (this.#flush === 0) return false;
    const last = this.#frames === 1 ? this.#step.slice(0, MELS) : this.#step.slice(MELS);
    this.#step.set(last, 0);
    this.#step.set(last, MELS);
    this.#flush--;
    this.#ready = true;
    return true;
  }

  copyStep(target: Float32Array): void {
    target.set(this.#step);
    this.#unheard?.frames(this.#step);
    this.state.mute = this.#step.every((value) => value < DIGITAL_SILENCE);
    this.#mute.push(this.state.mute);
    if (this.#flush < 0) this.record?.hear(target);
    if (!this.state.mute) this.#quiet.lift(target);
    if (this.#flush < 0) this.record?.keep(target, this.state.mute);
  }

  /** Takes the model's output for the step that `copyStep` gave. */
  take(logp: Float32Array, offset: number): void {
    if (this.closed) return;
    this.#ready = false;
    this.#frames = 0;
    if (this.#outputs++ >= this.#delay) {
      // No training recording holds exact zeros, as a muted or paused sender makes them: the model need not be asked.
      const [answer, at] = this.#mute.shift() ? [this.#silent, 0] : [logp, offset];
      this.record?.answer(answer, at);
      this.scorer.push(answer, at);
      if (this.#flush < 0) this.#unheard?.judged();
    }
    if (this.#ended && !this.prepare()) this.#settle();
  }

  #settle(): void {
    this.scorer.settle();
    const span = this.scorer.span;
    if (!this.record || !span) {
      this.finish();
      return;
    }
    this.record.select(span.start - AROUND_STEPS, span.end + AROUND_STEPS);
    this.#onOver(this);
  }

  /** Tells the result, once the reading has been reviewed. */
  finish(): void {
    const audioMs = Math.round((this.#heard * 1000) / SAMPLE_RATE);
    this.scorer.finish(audioMs, this.record?.whole, this.#pitch?.track());
    this.close();
  }
}

/**
 * Scores many speakers on one thread. Feed the streams, then call `step` until it returns false:
 * each call runs the acoustic model once over the speakers that have 20 ms ready, since at this
 * model's size a run's fixed cost is what there is to share.
 */
export class ScoringEngine {
  readonly #pack: Pack;
  readonly #model: AcousticModel;
  readonly #review: ReviewModel | null;
  readonly #streams = new Set<Stream>();
  /** Readings that are over and are being reviewed, one after the other. */
  readonly #over: Stream[] = [];
  /** Log posteriors of a step that is silence for certain. */
  readonly #silent: Float32Array;

  constructor(pack: Pack, options: { maxBatch?: number } = {}) {
    this.#pack = pack;
    this.#model = new AcousticModel(pack.session, pack.manifest.acoustic, pack.phones.length, options.maxBatch ?? 32);
    this.#review = pack.review && new ReviewModel(pack.review.session, pack.review.shape, pack.phones.length);
    this.#silent = new Float32Array(pack.phones.length).fill(Math.log(0.01 / (pack.phones.length - 1)));
    this.#silent[pack.phones.length - 1] = Math.log(0.99);
  }

  /** Streams that are open. */
  get size(): number {
    return this.#streams.size;
  }

  /**
   * Opens a stream for a text of at least one word. `onEvent` is called from `step` and `end`.
   * `trace` is for training: with it phones are placed and described, but not scored. `earlier` are the profiles of
   * the speaker's earlier readings, the newest last.
   * Throws an Error for a phone that the pack lacks or a word with nothing to say.
   */
  open(
    words: ExpectedWord[],
    onEvent: (event: ScoreEvent) => void,
    trace?: (phone: PhoneTrace) => void,
    earlier: readonly SpeakerProfile[] = [],
  ): ScoringStream {
    const judges = trace ? null : this.#pack;
    const scorer = new SentenceScorer(words, this.#pack.manifest, judges, onEvent, trace, earlier);
    const record = trace ? null : new ReadingRecord(this.#review?.open() ?? null, this.#pack.phones.length);
    const unheard = new Unheard(scorer, (reason, endMs) => onEvent({ type: "unheard", reason, endMs }));
    return this.#open(scorer, record, new PitchTracker(), unheard);
  }

  /**
   * Opens a stream for speech without a known text. `onEvent` is called from `step` and `end`; `trace` is for training.
   * Throws an Error where the pack has no phone loop.
   */
  listen(onEvent: (event: SpeechEvent) => void, trace?: (heard: HeardPhone) => void): ScoringStream {
    const { phones, loop } = this.#pack;
    if (!loop) throw new Error("this language pack only judges known texts");
    return this.#open(new FreeSpeech({ phones, loop }, onEvent, trace), null, null, null);
  }

  #open(scorer: Scorer, record: ReadingRecord | null, pitch: PitchTracker | null, unheard: Unheard | null): Stream {
    const stream = new Stream(
      this.#model.newState(),
      scorer,
      record,
      pitch,
      unheard,
      this.#pack.manifest.acoustic.delay,
      this.#silent,
      (over) => this.#over.push(over),
      (closed) => this.#streams.delete(closed),
    );
    this.#streams.add(stream);
    return stream;
  }

  /**
   * Runs one batch over the streams that have a step ready, the longest unserved first, and reviews some more of one reading
   * that is over; false when there was nothing to do. Not to be called again before it resolves.
   */
  async step(): Promise<boolean> {
    const stepped = await this.#runBatch();
    return (await this.#reviewSome()) || stepped;
  }

  async #reviewSome(): Promise<boolean> {
    const stream = this.#over[0];
    if (!stream) return false;
    const more = !stream.closed && (await stream.record?.advance());
    if (more) return true;
    this.#over.shift();
    if (!stream.closed) stream.finish();
    return true;
  }

  async #runBatch(): Promise<boolean> {
    const batch: Stream[] = [];
    for (const stream of this.#streams) {
      if (batch.length === this.#model.maxBatch) break;
      if (stream.prepare()) batch.push(stream);
    }
    if (batch.length === 0) return false;
    for (const [row, stream] of batch.entries()) stream.copyStep(this.#model.input(row));
    await this.#model.run(batch.map((stream) => stream.state));
    for (const [row, stream] of batch.entries()) {
      if (stream.closed) continue;
      // Served streams go to the back, so that more than a batch of them take turns.
      this.#streams.delete(stream);
      this.#streams.add(stream);
      stream.take(this.#model.logPosteriors, row * this.#model.classes);
    }
    return true;
  }
}
