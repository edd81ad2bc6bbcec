import {
  type Attempt,
  type CallInput,
  type DrillResult,
  type ErrorBody,
  FRAME_EVENT,
  type PushPayload,
  type ScoredPhone,
  type ScoredWord,
  type UnheardReason,
} from "#protocol";
import type { Connection } from "./connection.ts";
import { failure, ParlanceError } from "./errors.ts";
import { FrameSender } from "./frame-sender.ts";
import { Recording } from "./recording.ts";

/** What a drill needs of a connection. */
export type DrillLink = Pick<Connection, "call" | "on" | "onState" | "send">;

/** A phone of the sentence: not spoken yet, judged for now, or judged for good. */
export type DrillPhone = {
  readonly phone: string;
  readonly judged?: Readonly<Omit<ScoredPhone, "phone">> & { readonly final: boolean };
};
export type DrillWord = {
  readonly text: string;
  readonly phones: readonly DrillPhone[];
  readonly judged?: Readonly<Omit<ScoredWord, "text" | "phones">>;
};

/** All a page shows of a drill. Never changed in place: another state is another object. */
export type DrillSnapshot = {
  readonly phase: "idle" | "starting" | "listening" | "finishing" | "finished" | "failed";
  readonly attemptId: string | null;
  readonly text: string;
  readonly words: readonly DrillWord[];
  /** The word that is being spoken: the first that is not judged. */
  readonly currentWord: number;
  /** Why little or nothing is heard, until a phone is. */
  readonly unheard: UnheardReason | null;
  readonly result: DrillResult | null;
  readonly error: ParlanceError | null;
  /** What `feed` was given in this reading, also once it is over; it grows without an announcement. */
  readonly recording: Recording | null;
  /** Audio sent (not announced by itself) and audio judged, in ms. */
  readonly sentMs: number;
  readonly judgedMs: number;
};

export type DrillEvent =
  | ({ type: "phoneme" } & PushPayload<"drill.phoneme">)
  | ({ type: "word" } & PushPayload<"drill.word">)
  | ({ type: "unheard" } & PushPayload<"drill.unheard">)
  | ({ type: "result" } & DrillResult);

/** A listed drill, or a text, in English unless said otherwise. */
export type DrillTarget = { drillId: string } | { text: string; language?: string };
/** `roomId`: the microphone published in that room is the source. The others are those of `drill.start`. */
export type DrillOptions = { roomId?: string } & Pick<CallInput<"drill.start">, "feedback" | "firstLanguage">;

const RATE = 16_000;
/** The result waits for all audio to be judged, which a busy server may take its time for. */
const FINISH_TIMEOUT_MS = 60_000;
const idle: DrillSnapshot = {
  phase: "idle",
  attemptId: null,
  text: "",
  words: [],
  currentWord: 0,
  unheard: null,
  result: null,
  error: null,
  recording: null,
  sentMs: 0,
  judgedMs: 0,
};

/**
 * One reading of one sentence: `start`, `feed` with microphone audio of any rate, `finish`. After that, or after a failure,
 * it may start anew. Use `subscribe` and `snapshot` with React's useSyncExternalStore.
 */
export class DrillSession {
  readonly #link: DrillLink;
  readonly #listeners = new Set<() => void>();
  readonly #eventListeners = new Set<(event: DrillEvent) => void>();
  readonly #stops: (() => void)[];
  #snapshot = idle;
  #sender: FrameSender | null = null;
  /** Counts readings, so that the answer to one that was cancelled is told from the present one's. */
  #reading = 0;

  constructor(link: DrillLink) {
    this.#link = link;
    this.#stops = [
      link.on("drill.phoneme", (push) => this.#phoneme(push)),
      link.on("drill.word", (push) => this.#word(push)),
      link.on("drill.result", ({ attemptId, result }) => this.#result(attemptId, result)),
      link.on("drill.unheard", (push) => this.#unheard(push)),
      link.on("drill.progress", ({ attemptId, judgedMs }) => this.#isMine(attemptId) && this.#update({ judgedMs })),
      link.on("drill.failed", ({ attemptId, error }) => this.#isMine(attemptId) && this.#fail(error)),
      link.onState(({ kind }) => kind !== "connected" && this.#lost()),
    ];
  }

  /** Bound, so that it can be handed on as it is. */
  readonly snapshot = (): DrillSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Every judgement as it comes; returns how to stop. */
  onEvent(listener: (event: DrillEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /**
   * Starts judging what `feed` is given, or a room's microphone.
   * @throws ParlanceError of drill.start, which is then the snapshot's `error` too; DRILL_BUSY while a reading goes on, which
   * is not disturbed; DRILL_NOT_RUNNING when it was cancelled meanwhile
   */
  async start(target: DrillTarget, options: DrillOptions = {}): Promise<void> {
    const { phase } = this.#snapshot;
    if (phase === "starting" || phase === "listening" || phase === "finishing")
      throw failure("DRILL_BUSY", "This session is reading already.");
    const reading = ++this.#reading;
    const recording = new Recording();
    this.#sender = new FrameSender(this.#link, FRAME_EVENT, recording);
    this.#snapshot = { ...idle, phase: "starting", recording };
    this.#update({});
    const { roomId, ...wishes } = options;
    const source: CallInput<"drill.start">["source"] =
      roomId === undefined ? { kind: "socket", sampleRate: RATE } : { kind: "room", roomId };
    try {
      const { attemptId, text, words } = await this.#link.call("drill.start", { ...target, ...wishes, source });
      if (reading !== this.#reading) {
        await this.#link.call("drill.cancel", { attemptId }).catch(() => {});
        throw failure("DRILL_NOT_RUNNING", "The reading was cancelled.");
      }
      const lane = words.map((word) => ({ text: word.text, phones: word.phones.map((phone) => ({ phone })) }));
      this.#update({ phase: "listening", attemptId, text, words: lane });
    } catch (error) {
      if (reading === this.#reading) this.#fail(error);
      throw error;
    }
  }

  /** Takes mono audio of any length: 16-bit, or floats of -1 to 1. Ignored unless listening. */
  feed(samples: Float32Array | Int16Array, sampleRate: number = RATE): void {
    if (this.#snapshot.phase !== "listening") return;
    this.#sender?.feed(samples, sampleRate);
    this.#sent();
  }

  /** No more audio. Resolves to the attempt as it is kept. @throws ParlanceError */
  async finish(): Promise<Attempt> {
    const { phase, attemptId } = this.#snapshot;
    if (attemptId === null || phase === "idle" || phase === "failed")
      throw this.#snapshot.error ?? failure("DRILL_NOT_RUNNING", "No drill is running.");
    if (phase === "listening") {
      this.#sender?.flush();
      this.#sent();
      this.#update({ phase: "finishing" });
    }
    try {
      const { attempt } = await this.#link.call("drill.finish", { attemptId }, { timeoutMs: FINISH_TIMEOUT_MS });
      if (this.#isMine(attemptId) && this.#snapshot.phase !== "finished") this.#settle(attempt);
      return attempt;
    } catch (error) {
      if (this.#isMine(attemptId)) this.#fail(error);
      throw error;
    }
  }

  /** Drops the reading; nothing is kept of it. */
  async cancel(): Promise<void> {
    const { attemptId, phase } = this.#snapshot;
    this.#reading += 1;
    this.#snapshot = idle;
    this.#update({});
    if (attemptId !== null && (phase === "listening" || phase === "finishing"))
      await this.#link.call("drill.cancel", { attemptId }).catch(() => {});
  }

  /** Cancels what runs and listens no more. Idempotent. */
  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
    void this.cancel();
    this.#listeners.clear();
    this.#eventListeners.clear();
  }

  /** Nobody is told: this alone would draw a page anew 50 times a second. */
  #sent(): void {
    this.#snapshot = { ...this.#snapshot, sentMs: this.#sender?.sentMs ?? 0 };
  }

  #isMine(attemptId: string): boolean {
    return attemptId === this.#snapshot.attemptId;
  }

  #phoneme(push: PushPayload<"drill.phoneme">): void {
    if (!this.#isMine(push.attemptId)) return;
    const { attemptId: _, word: at, index, phone, ...judged } = push;
    this.#changeWord(at, (word) => {
      const phones = [...word.phones];
      phones[index] = { phone, judged };
      return { ...word, phones };
    });
    this.#tell({ type: "phoneme", ...push });
  }

  #word(push: PushPayload<"drill.word">): void {
    if (!this.#isMine(push.attemptId)) return;
    const { attemptId: _, word: at, text, ...judged } = push;
    // A word said in another of its pronunciations may have fewer phones than the one that was laid out.
    this.#changeWord(at, ({ phones }) => ({ text, phones: phones.filter((phone) => phone.judged), judged }));
    this.#tell({ type: "word", ...push });
  }

  #unheard(push: PushPayload<"drill.unheard">): void {
    if (!this.#isMine(push.attemptId)) return;
    this.#update({ unheard: push.reason });
    this.#tell({ type: "unheard", ...push });
  }

  #changeWord(at: number, change: (word: DrillWord) => DrillWord): void {
    const words = this.#snapshot.words.map((word, index) => (index === at ? change(word) : word));
    const unjudged = words.findIndex(({ judged }) => !judged);
    this.#update({ words, unheard: null, currentWord: unjudged < 0 ? words.length : unjudged });
  }

  #result(attemptId: string, result: DrillResult): void {
    if (!this.#isMine(attemptId)) return;
    this.#settle(result);
    this.#tell({ type: "result", ...result });
  }

  #settle(result: DrillResult): void {
    const words = result.words.map(drillWordOf);
    const { audioMs } = result;
    this.#update({ phase: "finished", unheard: null, result, words, currentWord: words.length, judgedMs: audioMs });
  }

  #lost(): void {
    const { phase } = this.#snapshot;
    if (phase !== "listening" && phase !== "finishing") return;
    this.#fail(failure("UNAVAILABLE", "The connection was lost; what was heard so far is judged and kept."));
  }

  #fail(cause: unknown): void {
    const error =
      cause instanceof ParlanceError
        ? cause
        : isErrorBody(cause)
          ? new ParlanceError(cause)
          : failure("INTERNAL", String(cause));
    this.#update({ phase: "failed", error });
  }

  #tell(event: DrillEvent): void {
    for (const listener of [...this.#eventListeners]) listener(event);
  }

  #update(patch: Partial<DrillSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...patch };
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A word of a result as a snapshot shows it. */
export function drillWordOf({ text, phones, ...judged }: ScoredWord): DrillWord {
  return { text, judged, phones: phones.map(({ phone, ...rest }) => ({ phone, judged: { ...rest, final: true } })) };
}

function isErrorBody(value: unknown): value is ErrorBody {
  return typeof value === "object" && value !== null && "code" in value && "retryable" in value;
}
