import { Worker } from "node:worker_threads";
import { Emitter } from "../lib/emitter.ts";
import type { FromThread, ThreadData, ThreadInbox, ToThread } from "./thread-messages.ts";

export type ThreadTimes = {
  /** From start to a loaded model; a thread that takes longer is given up. */
  initMs: number;
  /** Between heartbeats. */
  heartbeatMs: number;
  /** A thread that left this many heartbeats in a row unanswered is taken for hung and ended. */
  missedBeats: number;
};

/** How long news of audio is collected: a third of the cost of a message for each frame, and the model runs once for all that came. */
const COLLECT_MS = 10;
/** How long a thread that was asked to end may take. */
const EXIT_LIMIT_MS = 5_000;

const entry = new URL("../../workers/phoneme.ts", import.meta.url);

/** One worker thread under supervision. It ends exactly once, with `exit`; nothing comes from it afterwards. */
export class ScoringThread extends Emitter<{
  ready: [languages: string[], broken: string[]];
  message: [Exclude<FromThread, { type: "ready" | "pong" }>];
  /** How long a heartbeat took there and back: how late audio is looked at. */
  lag: [ms: number];
  exit: [reason: string];
}> {
  /** Ids of the streams placed here; kept by the pool. */
  readonly streams = new Set<number>();
  readonly #worker: Worker;
  readonly #times: ThreadTimes;
  readonly #initTimer: NodeJS.Timeout;
  #heartbeat: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #state: "starting" | "ready" | "ended" = "starting";
  readonly #exited: Promise<void>;
  /** News of audio that is still to be posted. */
  #samples = new Map<number, number>();
  #collecting: NodeJS.Timeout | undefined;

  constructor(data: ThreadData, times: ThreadTimes) {
    super();
    this.#times = times;
    this.#worker = new Worker(entry, { workerData: data, name: "scoring" });
    this.#worker.on("message", (message: FromThread) => this.#receive(message));
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#end(`exit code ${code}`);
        resolve();
      });
    });
    this.#initTimer = setTimeout(() => this.#end("not ready in time"), times.initMs);
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  /** Messages arrive in order; those of audio up to 10 ms later, together. */
  post(message: ToThread): void {
    if (this.#state === "ended") return;
    if (message.type === "pcm") {
      this.#samples.set(message.stream, message.samples);
      this.#collecting ??= setTimeout(() => this.#flush(), COLLECT_MS);
      return;
    }
    this.#flush();
    this.#send(message);
  }

  #flush(): void {
    clearTimeout(this.#collecting);
    this.#collecting = undefined;
    if (this.#samples.size === 0) return;
    this.#send({ type: "pcm", samples: this.#samples });
    this.#samples = new Map();
  }

  #send(message: ThreadInbox): void {
    this.#worker.postMessage(message);
  }

  /** Ends the thread, and resolves once it is gone. Idempotent. */
  close(): Promise<void> {
    this.#end("closed");
    return this.#exited;
  }

  #receive(message: FromThread): void {
    if (this.#state === "ended") return;
    this.#unanswered = 0;
    if (message.type === "ready") {
      clearTimeout(this.#initTimer);
      this.#state = "ready";
      this.#heartbeat = setInterval(() => this.#beat(), this.#times.heartbeatMs);
      this.emit("ready", message.languages, message.broken);
    } else if (message.type === "pong") this.emit("lag", performance.now() - message.sentAtMs);
    else this.emit("message", message);
  }

  #beat(): void {
    // Counted in beats, not in time: when this loop itself was blocked, the answers may be waiting behind this very timer.
    if (this.#unanswered >= this.#times.missedBeats) this.#end("no heartbeat");
    this.#unanswered += 1;
    this.post({ type: "ping", sentAtMs: performance.now() });
  }

  #end(reason: string): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    clearTimeout(this.#initTimer);
    clearInterval(this.#heartbeat);
    clearTimeout(this.#collecting);
    this.emit("exit", reason);
    this.removeAllListeners();
    // The thread ends itself between two runs of the model: to be terminated inside of one would abort the whole process.
    this.#send({ type: "exit" });
    const timer = setTimeout(() => void this.#worker.terminate(), EXIT_LIMIT_MS);
    void this.#exited.then(() => clearTimeout(timer));
  }
}
