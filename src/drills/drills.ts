import { randomUUID } from "node:crypto";
import {
  type Attempt,
  type CallReply,
  type CallRequest,
  type DrillResult,
  errors,
  type FirstLanguage,
  type Language,
  limits,
  type Publisher,
  type PushName,
  type PushPayload,
} from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { feedbackAt } from "./feedback-pace.ts";
import { FrameReader } from "./frame-reader.ts";
import type {
  AttemptRepository,
  AudioTap,
  Coach,
  DrillRepository,
  Pronouncer,
  ScoreEvent,
  Scoring,
  ScoringStream,
  SpeakerProfile,
} from "./ports.ts";

export type DrillsOptions = {
  /** Those that have a pack. */
  languages: readonly Language[];
  drills: DrillRepository;
  attempts: AttemptRepository;
  pronouncer: Pronouncer;
  coach: Coach;
  scoring: Scoring;
  audioTap: AudioTap;
  publisher: Publisher;
  log: Logger;
  metrics: Metrics;
  times?: Partial<DrillTimes>;
};

export type DrillTimes = {
  /** Without any audio for this long, a drill is finished as if the learner had asked for it. */
  idleMs: number;
  /** A drill that is still running after this long is finished. */
  wholeMs: number;
  /** How long the result may take after the last audio. */
  resultMs: number;
};
const defaultTimes: DrillTimes = { idleMs: 30_000, wholeMs: 300_000, resultMs: 45_000 };

/** Who practises: one connection of one user. */
export type Learner = { readonly userId: string; readonly connectionId: string };

const ATTEMPT_SAMPLES = limits.attemptMs * 16;
/** How many of the learner's latest readings help to judge the next one. */
const EARLIER_READINGS = 20;

type Running = {
  readonly attemptId: string;
  readonly learner: Learner;
  readonly drillId: string | null;
  readonly language: string;
  readonly text: string;
  readonly startedAtMs: number;
  readonly firstLanguage: FirstLanguage | undefined;
  readonly frames: FrameReader | null;
  stream: ScoringStream;
  samples: number;
  untap: () => void;
  /** `finishing`: no more audio, the result is to follow. `over`: it came, or never will. */
  state: "running" | "finishing" | "over";
  /** The connection is gone: nobody to tell. */
  lost: boolean;
  timers: NodeJS.Timeout[];
  idle: NodeJS.Timeout;
  outcome: PromiseWithResolvers<Attempt>;
};

/** The life of drills, one at a time on each connection: start, audio, judgements, result, storage. */
export class Drills {
  readonly #options: DrillsOptions;
  readonly #times: DrillTimes;
  /** `null` while a start is under way. */
  readonly #byConnection = new Map<string, Running | null>();
  readonly #count: ReturnType<typeof drillMetrics>;
  /** Judged and on the way into storage, by attempt. */
  readonly #storing = new Map<string, Running>();
  #closed = false;

  constructor(options: DrillsOptions) {
    this.#options = options;
    this.#times = { ...defaultTimes, ...options.times };
    this.#count = drillMetrics(options.metrics, () => this.#byConnection.size);
  }

  languages(): CallReply<"drill.languages"> {
    return { languages: this.#languages() };
  }

  /** @throws AppError LANGUAGE_UNAVAILABLE */
  async list({ language }: CallRequest<"drill.list">): Promise<CallReply<"drill.list">> {
    const wanted = language === undefined ? this.#languages().map((one) => one.language) : [this.#practised(language)];
    return { drills: await this.#options.drills.list(wanted) };
  }

  /** @throws AppError DRILL_BUSY, AUDIO_FORMAT_UNSUPPORTED, DRILL_NOT_FOUND, LANGUAGE_UNAVAILABLE, what the pronouncer, the pool and the tap throw */
  async start(learner: Learner, request: CallRequest<"drill.start">): Promise<CallReply<"drill.start">> {
    const { connectionId } = learner;
    if (this.#closed) throw new AppError("DRAINING");
    if (this.#byConnection.has(connectionId)) throw new AppError("DRILL_BUSY");
    this.#byConnection.set(connectionId, null);
    try {
      return await this.#start(learner, request);
    } catch (error) {
      if (this.#byConnection.get(connectionId) === null) this.#byConnection.delete(connectionId);
      throw error;
    }
  }

  async #start(learner: Learner, request: CallRequest<"drill.start">): Promise<CallReply<"drill.start">> {
    const { source } = request;
    if (source.kind === "socket" && source.sampleRate !== 16_000)
      throw new AppError("AUDIO_FORMAT_UNSUPPORTED", undefined, { sampleRate: 16_000 });
    const { text, language } = await this.#textOf(request);
    const [words, earlier] = await Promise.all([
      this.#options.pronouncer.words(text, language),
      this.#earlier(learner, language),
    ]);
    const attemptId = randomUUID();
    const running: Running = {
      attemptId,
      learner,
      drillId: request.drillId ?? null,
      language,
      text,
      startedAtMs: Date.now(),
      firstLanguage: request.firstLanguage,
      frames: source.kind === "socket" ? new FrameReader() : null,
      stream: closedStream,
      samples: 0,
      untap: () => {},
      state: "running",
      lost: false,
      timers: [],
      idle: setTimeout(() => this.#end(running), this.#times.idleMs),
      outcome: Promise.withResolvers(),
    };
    running.outcome.promise.catch(() => {});
    try {
      running.stream = this.#options.scoring.open(
        words,
        source.kind === "socket" ? "pcm" : "opus",
        {
          onEvent: feedbackAt(request.feedback, (event) => this.#tell(running, event)),
          onProgress: (judgedMs) => this.#push(running, "drill.progress", { attemptId, judgedMs }),
          onFailed: (error) => this.#fail(running, error),
        },
        { language, earlier },
      );
      if (source.kind === "room") await this.#tap(running, source.roomId);
      // While this waited, the connection or the track may have gone, a thread died, or the server begun to stop.
      if (this.#closed || running.state !== "running" || !this.#byConnection.has(learner.connectionId))
        throw new AppError("UNAVAILABLE");
    } catch (error) {
      this.#release(running);
      throw error;
    }
    const longest = source.kind === "room" ? limits.attemptMs : this.#times.wholeMs;
    running.timers.push(setTimeout(() => this.#end(running), longest));
    this.#byConnection.set(learner.connectionId, running);
    this.#count.started.inc({ source: source.kind });
    const lane = words.map((word) => ({ text: word.text, phones: word.pronunciations[0] ?? [] }));
    return { attemptId, language, text, words: lane };
  }

  /**
   * Takes one `drill.frame` message. Audio past the longest attempt finishes the drill.
   * @throws AppError DRILL_NOT_RUNNING, AUDIO_FRAME_MALFORMED, AUDIO_OVERFLOW (the frame may be sent again)
   */
  frame(connectionId: string, bytes: Uint8Array): void {
    const running = this.#byConnection.get(connectionId);
    if (!running?.frames || running.state !== "running") throw new AppError("DRILL_NOT_RUNNING");
    const frame = running.frames.read(bytes);
    if (!frame) return;
    const pcm = frame.pcm.subarray(0, ATTEMPT_SAMPLES - running.samples);
    running.stream.push(pcm);
    running.frames.accept(frame.number);
    running.samples += pcm.length;
    running.idle.refresh();
    if (running.samples === ATTEMPT_SAMPLES) this.#end(running);
  }

  /** Resolves once the result is stored; for an attempt that ended by itself, with what was stored. */
  async finish(learner: Learner, attemptId: string): Promise<CallReply<"drill.finish">> {
    const live = this.#byConnection.get(learner.connectionId);
    const running = live?.attemptId === attemptId ? live : this.#storing.get(attemptId);
    if (running && running.learner.userId === learner.userId) {
      this.#end(running);
      return { attempt: await running.outcome.promise };
    }
    const stored = await this.#options.attempts.byId(learner.userId, attemptId);
    if (!stored) throw new AppError("DRILL_NOT_RUNNING");
    return { attempt: stored };
  }

  /** @throws AppError DRILL_NOT_RUNNING */
  cancel(learner: Learner, attemptId: string): Record<string, never> {
    const running = this.#byConnection.get(learner.connectionId);
    if (running?.attemptId !== attemptId || running.state !== "running") throw new AppError("DRILL_NOT_RUNNING");
    this.#release(running);
    running.outcome.reject(new AppError("DRILL_NOT_RUNNING", "The drill was cancelled."));
    this.#count.ended.inc({ outcome: "cancelled" });
    return {};
  }

  async history(learner: Learner, request: CallRequest<"drill.history">): Promise<CallReply<"drill.history">> {
    const { beforeMs, limit } = request;
    const range = beforeMs === undefined ? { limit } : { beforeMs, limit };
    return { attempts: await this.#options.attempts.history(learner.userId, range) };
  }

  /** @throws AppError ATTEMPT_NOT_FOUND, also for somebody else's */
  async attempt(learner: Pick<Learner, "userId">, attemptId: string): Promise<CallReply<"drill.attempt">> {
    const attempt = await this.#options.attempts.byId(learner.userId, attemptId);
    if (!attempt) throw new AppError("ATTEMPT_NOT_FOUND");
    return { attempt };
  }

  /** The connection is gone: its drill is judged on what was heard, and stored unless that was silence. */
  disconnected(connectionId: string): void {
    const running = this.#byConnection.get(connectionId);
    if (running === null) this.#byConnection.delete(connectionId);
    if (!running) return;
    running.lost = true;
    this.#end(running);
  }

  /** Whether a drill runs on that connection; a drain waits for it. */
  busy(connectionId: string): boolean {
    return this.#byConnection.has(connectionId);
  }

  /** Ends all drills and resolves when what they gave is stored. New ones are refused with DRAINING. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#byConnection.values()].filter((one) => one !== null);
    for (const one of running) this.#end(one);
    await Promise.allSettled([...running, ...this.#storing.values()].map((one) => one.outcome.promise));
  }

  /** What the learner's latest readings told of them. Without it a reading can be judged as well, only less exactly. */
  async #earlier({ userId }: Learner, language: string): Promise<SpeakerProfile[]> {
    try {
      return await this.#options.attempts.profiles(userId, language, EARLIER_READINGS);
    } catch (error) {
      this.#options.log.warn({ err: error }, "earlier readings could not be read");
      return [];
    }
  }

  async #textOf(request: CallRequest<"drill.start">): Promise<{ text: string; language: string }> {
    const { drillId, text, language } = request;
    if ((drillId === undefined) === (text === undefined))
      throw new AppError("INVALID_REQUEST", "Give either drillId or text.", { path: "drillId" });
    if (drillId === undefined) return { text: text ?? "", language: this.#practised(language ?? "en") };
    const drill = await this.#options.drills.byId(drillId);
    if (!drill) throw new AppError("DRILL_NOT_FOUND");
    const own = this.#practised(drill.language);
    if (language !== undefined && this.#practised(language) !== own)
      throw new AppError("INVALID_REQUEST", "The drill is in another language.", { path: "language" });
    return { text: drill.text, language: own };
  }

  #languages(): Language[] {
    return this.#options.languages.filter(({ language }) => this.#options.scoring.serves(language));
  }

  /** The language among those with a pack that a tag stands for: itself or, region by region dropped (RFC 4647), a wider one. */
  #practised(tag: string): string {
    const known = this.#languages().map(({ language }) => language);
    for (let wanted = tag; wanted !== ""; wanted = wanted.slice(0, Math.max(0, wanted.lastIndexOf("-")))) {
      const found = known.find((one) => one.toLowerCase() === wanted.toLowerCase());
      if (found !== undefined) return found;
    }
    throw new AppError("LANGUAGE_UNAVAILABLE", undefined, { languages: known });
  }

  async #tap(running: Running, roomId: string): Promise<void> {
    const { connectionId } = running.learner;
    running.untap = await this.#options.audioTap.tap(roomId, connectionId, (payload, rtp) => {
      if (running.state !== "running") return;
      try {
        running.stream.pushOpus({ payload, ...rtp });
        running.idle.refresh();
      } catch {
        this.#end(running);
      }
    });
  }

  #tell(running: Running, event: ScoreEvent): void {
    const { attemptId } = running;
    switch (event.type) {
      case "phoneme": {
        const { type: _, ...phone } = this.#options.coach.heardBy(running.firstLanguage, event);
        this.#push(running, "drill.phoneme", { attemptId, ...phone });
        break;
      }
      case "word": {
        const { type: _, ...word } = event;
        this.#push(running, "drill.word", { attemptId, ...word });
        break;
      }
      case "unheard": {
        const { type: _, ...notice } = event;
        this.#push(running, "drill.unheard", { attemptId, ...notice });
        break;
      }
      case "result": {
        const { type: _, profile, ...result } = event;
        this.#complete(running, this.#options.coach.explained(running.firstLanguage, result), profile);
        break;
      }
      default:
        event satisfies never;
    }
  }

  #complete(running: Running, result: DrillResult, profile: SpeakerProfile | undefined): void {
    const { attemptId, drillId, language, text, startedAtMs, learner } = running;
    this.#count.ended.inc({ outcome: result.outcome });
    const attempt: Attempt = { id: attemptId, drillId, language, text, startedAtMs, ...result };
    this.#storing.set(attemptId, running);
    this.#release(running);
    this.#push(running, "drill.result", { attemptId, result });
    const worthless = running.lost && result.outcome === "silence";
    const stored = worthless ? Promise.resolve() : this.#options.attempts.insert(learner.userId, attempt, profile);
    stored
      .then(
        () => running.outcome.resolve(attempt),
        (error: unknown) => {
          this.#options.log.error({ err: error, attemptId }, "attempt could not be stored");
          running.outcome.reject(new AppError("UNAVAILABLE", "The result could not be stored."));
        },
      )
      .finally(() => this.#storing.delete(attemptId));
  }

  /** No more audio: the result is to follow. Does nothing on a drill that is ending already. */
  #end(running: Running): void {
    if (running.state !== "running") return;
    running.state = "finishing";
    running.untap();
    clearTimeout(running.idle);
    running.timers.push(
      setTimeout(() => this.#fail(running, new AppError("SCORING_UNAVAILABLE")), this.#times.resultMs),
    );
    running.stream.end();
  }

  #fail(running: Running, error: AppError): void {
    if (running.state === "over") return;
    this.#release(running);
    this.#count.ended.inc({ outcome: "failed" });
    const { attemptId } = running;
    const { code, message } = error;
    this.#push(running, "drill.failed", { attemptId, error: { code, message, retryable: errors[code].retryable } });
    running.outcome.reject(error);
  }

  /** Lets go of the stream, the tap, the timers and the place on the connection. Idempotent. */
  #release(running: Running): void {
    running.state = "over";
    clearTimeout(running.idle);
    for (const timer of running.timers) clearTimeout(timer);
    running.untap();
    running.stream.close();
    const { connectionId } = running.learner;
    if (this.#byConnection.get(connectionId) === running) this.#byConnection.delete(connectionId);
  }

  #push<P extends PushName>(running: Running, name: P, payload: PushPayload<P>): void {
    if (running.lost) return;
    this.#options.publisher.publish({ connection: running.learner.connectionId }, name, payload);
  }
}

/** Stands in until the real one is open. */
const closedStream: ScoringStream = { push() {}, pushOpus() {}, end() {}, close() {} };

function drillMetrics(metrics: Metrics, running: () => number) {
  metrics.gauge("drills_running", "Drills that run now.", running);
  return {
    started: metrics.counter("drills_started_total", "Drills started.", ["source"]),
    ended: metrics.counter("drills_ended_total", "Drills ended, by outcome.", ["outcome"]),
  };
}
