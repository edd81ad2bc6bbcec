import { Worker } from "node:worker_threads";
import { Emitter } from "../lib/emitter.ts";
import type { FromThread, ThreadData, ToThread } from "./thread-messages.ts";

export type ThreadTimes = {
  /** From start to a loaded model; a thread that takes longer is given up. */
  initMs: number;
  /** Between heartbeats. */
  heartbeatMs: number;
  /** A thread that left this many heartbeats in a row unanswered is taken for hung and ended. */
  missedBeats: number;
};

/** How long a thread that was asked to end may take. */
const EXIT_LIMIT_MS = 5_000;

const entry = new URL("../../workers/phoneme.ts", import.meta.url);

/** One worker thread under supervision. It ends exactly once, with `exit`; nothing comes from it afterwards. */
export class ScoringThread extends Emitter<{
  ready: [broken: string[]];
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

  post(message: ToThread): void {
    if (this.#state !== "ended") this.#worker.postMessage(message);
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
      this.emit("ready", message.broken);
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
    this.emit("exit", reason);
    this.removeAllListeners();
    // The thread ends itself between two runs of the model: to be terminated inside of one would abort the whole process.
    this.#worker.postMessage({ type: "exit" } satisfies ToThread);
    const timer = setTimeout(() => void this.#worker.terminate(), EXIT_LIMIT_MS);
    void this.#exited.then(() => clearTimeout(timer));
  }
}
