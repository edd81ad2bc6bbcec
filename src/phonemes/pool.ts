import type {
  ExpectedWord,
  ScoreEvent,
  Scoring,
  ScoringListener,
  ScoringOptions,
  ScoringStream,
  SpeechEvent,
  SpeechHearing,
  SpeechListener,
} from "../drills/ports.ts";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { packFolders } from "./pack-folders.ts";
import { PoolSpeech } from "./pool-speech.ts";
import { PoolStream } from "./pool-stream.ts";
import { ScoringThread, type ThreadTimes } from "./scoring-thread.ts";
import type { FromThread } from "./thread-messages.ts";

export type ScoringPoolOptions = {
  threads: number;
  /** Streams on one thread at the most. */
  streamsPerThread: number;
  /** Folder of the language packs, or of one. */
  modelDir: string;
  log: Logger;
  metrics: Metrics;
  times?: Partial<PoolTimes>;
};

type PoolTimes = ThreadTimes & {
  /** A heartbeat slower than this is worth a warning: judgements come late. */
  lagWarningMs: number;
  /** How long a stream whose thread died waits for another one. */
  homelessMs: number;
  /** Pause before a thread that died is started again; doubled with each death in a row, up to 30 s. */
  respawnMs: number;
};
const defaultTimes: PoolTimes = {
  initMs: 30_000,
  heartbeatMs: 2_000,
  missedBeats: 5,
  lagWarningMs: 500,
  homelessMs: 30_000,
  respawnMs: 100,
};
const LONGEST_RESPAWN_MS = 30_000;
/** A stream that was on this many threads when they died is suspected of killing them. */
const MAX_PLACEMENTS = 3;

/** One speaker's audio on its way through the threads. */
interface Pooled extends ScoringStream {
  readonly id: number;
  /** How many threads it was on. */
  readonly placements: number;
  /** Puts it on a thread; `undefined` when its thread is gone. */
  place(thread: ScoringThread | undefined): void;
  receive(event: ScoreEvent | SpeechEvent): void;
  progress(judgedMs: number): void;
  fail(error: AppError): void;
}

/**
 * The supervised pool of scoring threads. A stream stays on one thread, the emptiest at its start; when that thread dies
 * its streams are judged anew on another from the kept audio, and their listeners notice a pause at the most.
 */
export class ScoringPool implements Scoring, SpeechHearing {
  readonly #options: ScoringPoolOptions;
  readonly #times: PoolTimes;
  readonly #packDirs: string[];
  /** Languages whose packs could be loaded, once a thread has tried. */
  #served: ReadonlySet<string> | undefined;
  readonly #threads = new Set<ScoringThread>();
  readonly #streams = new Map<number, Pooled>();
  /** Streams without a thread, with the timer that gives them up. */
  readonly #homeless = new Map<Pooled, NodeJS.Timeout>();
  readonly #respawns = new Set<NodeJS.Timeout>();
  readonly #starting: Promise<void>;
  readonly #count: ReturnType<typeof poolMetrics>;
  #settleStart: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #nextId = 1;
  #deathsInARow = 0;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(options: ScoringPoolOptions) {
    this.#options = options;
    this.#times = { ...defaultTimes, ...options.times };
    this.#packDirs = packFolders(options.modelDir);
    this.#count = poolMetrics(options.metrics, this);
    this.#starting = new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
    });
    this.#starting.catch(() => {});
    for (let i = 0; i < options.threads; i++) this.#spawn();
  }

  /** Resolves once a thread has its model; rejects when the first attempt to load it failed. */
  ready(): Promise<void> {
    return this.#starting;
  }

  /** Whether any thread can take streams now. */
  get healthy(): boolean {
    return this.readyThreads > 0;
  }

  get readyThreads(): number {
    let ready = 0;
    for (const thread of this.#threads) if (thread.ready) ready += 1;
    return ready;
  }

  serves(language: string): boolean {
    return this.#served?.has(language) ?? true;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  open(
    words: ExpectedWord[],
    source: "pcm" | "opus",
    listener: ScoringListener,
    { language = "en", earlier = [] }: ScoringOptions = {},
  ): ScoringStream {
    return this.#open((id, onOver) => new PoolStream(id, { words, language, earlier }, source, listener, onOver));
  }

  listen(source: "pcm" | "opus", listener: SpeechListener): ScoringStream {
    return this.#open((id, onOver) => new PoolSpeech(id, source, listener, onOver));
  }

  #open(make: (id: number, onOver: (over: Pooled) => void) => Pooled): ScoringStream {
    const thread = this.#emptiest();
    if (!thread) {
      this.#count.refused.inc();
      throw new AppError("SCORING_UNAVAILABLE");
    }
    const stream = make(this.#nextId++, (over) => {
      this.#streams.delete(over.id);
      clearTimeout(this.#homeless.get(over));
      this.#homeless.delete(over);
    });
    this.#streams.set(stream.id, stream);
    stream.place(thread);
    return stream;
  }

  /** Ends every thread and resolves once they are gone; running streams fail with SCORING_UNAVAILABLE. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#respawns) clearTimeout(timer);
    for (const stream of [...this.#streams.values()]) stream.fail(new AppError("SCORING_UNAVAILABLE"));
    this.#settleStart?.reject(new Error("the pool was closed"));
    await Promise.all([...this.#threads].map((thread) => thread.close()));
  }

  #emptiest(): ScoringThread | undefined {
    let best: ScoringThread | undefined;
    for (const thread of this.#threads) {
      if (!thread.ready || thread.streams.size >= this.#options.streamsPerThread) continue;
      if (!best || thread.streams.size < best.streams.size) best = thread;
    }
    return best;
  }

  #spawn(): void {
    const thread = new ScoringThread({ packDirs: this.#packDirs }, this.#times);
    this.#threads.add(thread);
    thread.on("ready", (languages, broken) => {
      this.#served = new Set(languages);
      for (const reason of broken) this.#options.log.error({ reason }, "language pack can't be served");
      this.#deathsInARow = 0;
      this.#settleStart?.resolve();
      for (const stream of [...this.#homeless.keys()]) this.#rehome(stream);
    });
    thread.on("message", (message) => this.#receive(message));
    thread.on("lag", (ms) => {
      this.#count.lag.observe(ms / 1_000);
      if (ms > this.#times.lagWarningMs)
        this.#options.log.warn({ lagMs: Math.round(ms), streams: thread.streams.size }, "scoring thread lags");
    });
    thread.on("exit", (reason) => this.#bury(thread, reason));
  }

  #receive(message: Exclude<FromThread, { type: "ready" | "pong" }>): void {
    switch (message.type) {
      case "events":
        for (const { stream, event } of message.events) this.#streams.get(stream)?.receive(event);
        return;
      case "progress":
        for (const { stream, judgedMs } of message.judged) this.#streams.get(stream)?.progress(judgedMs);
        return;
      case "failed":
        this.#options.log.error({ stream: message.stream, reason: message.reason }, "scoring stream failed");
        this.#streams.get(message.stream)?.fail(new AppError("SCORING_UNAVAILABLE"));
        return;
      default:
        message satisfies never;
    }
  }

  #bury(thread: ScoringThread, reason: string): void {
    this.#threads.delete(thread);
    if (this.#closed) return;
    this.#deathsInARow += 1;
    this.#count.deaths.inc();
    this.#options.log.error({ reason, streams: thread.streams.size }, "scoring thread died");
    this.#settleStart?.reject(new Error(`speech scoring could not start: ${reason}`));
    const pause = Math.min(LONGEST_RESPAWN_MS, this.#times.respawnMs * 2 ** (this.#deathsInARow - 1));
    const timer = setTimeout(() => {
      this.#respawns.delete(timer);
      this.#spawn();
    }, pause);
    this.#respawns.add(timer);
    for (const id of [...thread.streams]) {
      const stream = this.#streams.get(id);
      if (!stream) continue;
      stream.place(undefined);
      if (stream.placements >= MAX_PLACEMENTS) stream.fail(new AppError("SCORING_UNAVAILABLE"));
      else this.#rehome(stream);
    }
  }

  #rehome(stream: Pooled): void {
    const thread = this.#emptiest();
    if (thread) {
      clearTimeout(this.#homeless.get(stream));
      this.#homeless.delete(stream);
      this.#count.replays.inc();
      stream.place(thread);
    } else if (!this.#homeless.has(stream)) {
      const giveUp = () => stream.fail(new AppError("SCORING_UNAVAILABLE"));
      this.#homeless.set(stream, setTimeout(giveUp, this.#times.homelessMs));
    }
  }
}

function poolMetrics(metrics: Metrics, pool: ScoringPool) {
  metrics.gauge("scoring_streams", "Speakers being judged now.", () => pool.openStreams);
  metrics.gauge("scoring_threads_ready", "Scoring threads that work now.", () => pool.readyThreads);
  return {
    refused: metrics.counter("scoring_refused_total", "Drills refused because no scoring thread had room."),
    deaths: metrics.counter("scoring_thread_deaths_total", "Scoring threads that died and were replaced."),
    replays: metrics.counter("scoring_replays_total", "Streams that were judged anew on another thread."),
    lag: metrics.histogram("scoring_lag_seconds", "Heartbeat time of scoring threads."),
  };
}
