import { type CallInput, type PushPayload, SPEECH_FRAME_EVENT } from "#protocol";
import type { Connection } from "./connection.ts";
import { failure, ParlanceError } from "./errors.ts";
import { FrameSender } from "./frame-sender.ts";
import { type SpokenGroups, SpokenLog, type SpokenPhone } from "./spoken-groups.ts";

/** What free speech needs of a connection. */
export type SpeechLink = Pick<Connection, "call" | "on" | "onState" | "send">;

/** All a page shows of one's free speech. Never changed in place: another state is another object. */
export type SpeechSnapshot = {
  readonly phase: "idle" | "starting" | "listening" | "stopping" | "ended" | "failed";
  readonly groups: SpokenGroups;
  readonly heardMs: number;
  readonly error: ParlanceError | null;
};

export type SpeechEvent =
  | ({ type: "phoneme" } & SpokenPhone)
  | { type: "pause"; startMs: number }
  | { type: "ended"; reason: PushPayload<"speech.ended">["reason"]; audioMs: number };

/** The last phones wait for all audio to be heard. */
const STOP_TIMEOUT_MS = 60_000;
const idle: SpeechSnapshot = { phase: "idle", groups: [], heardMs: 0, error: null };

/**
 * One's own free speech as phones: `start`, then `feed` with microphone audio of any rate unless a room is the source, and
 * `stop`. After that, or after a failure, it may start anew. Use `subscribe` and `snapshot` with React's useSyncExternalStore.
 */
export class SpeechSession {
  readonly #link: SpeechLink;
  readonly #listeners = new Set<() => void>();
  readonly #eventListeners = new Set<(event: SpeechEvent) => void>();
  readonly #stops: (() => void)[];
  #snapshot = idle;
  #speechId: string | null = null;
  #sender: FrameSender | null = null;
  #log = new SpokenLog();
  /** Counts starts, so that the answer to one that was closed is told from the present one's. */
  #round = 0;

  constructor(link: SpeechLink) {
    this.#link = link;
    this.#stops = [
      link.on("speech.phoneme", (push) => push.speechId === this.#speechId && this.#phoneme(push)),
      link.on("speech.pause", (push) => push.speechId === this.#speechId && this.#pause(push.startMs)),
      link.on("speech.progress", ({ speechId, heardMs }) => speechId === this.#speechId && this.#update({ heardMs })),
      link.on("speech.ended", (push) => push.speechId === this.#speechId && this.#ended(push)),
      link.onState(({ kind }) => kind !== "connected" && this.#lost()),
    ];
  }

  /** Bound, so that it can be handed on as it is. */
  readonly snapshot = (): SpeechSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Every phone and pause as it comes; returns how to stop. */
  onEvent(listener: (event: SpeechEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /** Audio sent by `feed`, in ms. */
  get sentMs(): number {
    return this.#sender?.sentMs ?? 0;
  }

  /**
   * Starts listening. With `roomId` the microphone published in that room is the source, else what `feed` is given; with
   * `share` everybody in the room gets the phones too.
   * @throws ParlanceError of speech.start, which is then the snapshot's `error` too; SPEECH_BUSY while this one listens
   */
  async start(options: { roomId?: string; share?: boolean } = {}): Promise<void> {
    const { phase } = this.#snapshot;
    if (phase === "starting" || phase === "listening" || phase === "stopping")
      throw failure("SPEECH_BUSY", "This session is listening already.");
    const round = ++this.#round;
    this.#snapshot = idle;
    this.#log = new SpokenLog();
    this.#sender = new FrameSender(this.#link, SPEECH_FRAME_EVENT);
    this.#update({ phase: "starting" });
    const { roomId, share = false } = options;
    const source: CallInput<"speech.start">["source"] =
      roomId === undefined ? { kind: "socket", sampleRate: 16_000 } : { kind: "room", roomId };
    try {
      const { speechId } = await this.#link.call("speech.start", { source, share });
      if (round !== this.#round) {
        await this.#link.call("speech.stop", { speechId }).catch(() => {});
        throw failure("SPEECH_NOT_RUNNING", "The session was closed.");
      }
      this.#speechId = speechId;
      this.#update({ phase: "listening" });
    } catch (error) {
      if (round === this.#round) this.#fail(error);
      throw error;
    }
  }

  /** Takes mono audio of any length: 16-bit, or floats of -1 to 1. Ignored unless listening. */
  feed(samples: Float32Array | Int16Array, sampleRate?: number): void {
    if (this.#snapshot.phase === "listening") this.#sender?.feed(samples, sampleRate);
  }

  /** No more audio; resolves once the last phone was told. @throws ParlanceError */
  async stop(): Promise<void> {
    if (this.#snapshot.phase !== "listening" || this.#speechId === null) return;
    this.#sender?.flush();
    this.#update({ phase: "stopping" });
    try {
      await this.#link.call("speech.stop", { speechId: this.#speechId }, { timeoutMs: STOP_TIMEOUT_MS });
    } catch (error) {
      // What ended it meanwhile has told why.
      if (this.#speechId !== null) this.#fail(error);
      throw error;
    }
  }

  /** Stops what runs and listens no more. Idempotent. */
  close(): void {
    this.#round += 1;
    if (this.#snapshot.phase === "listening") void this.stop().catch(() => {});
    for (const stop of this.#stops.splice(0)) stop();
    this.#listeners.clear();
    this.#eventListeners.clear();
  }

  #phoneme(push: PushPayload<"speech.phoneme">): void {
    const spoken = this.#log.add(push);
    this.#update({ groups: this.#log.groups });
    this.#tell({ type: "phoneme", ...spoken });
  }

  #pause(startMs: number): void {
    this.#log.pause();
    this.#tell({ type: "pause", startMs });
  }

  #ended({ reason, audioMs, error }: PushPayload<"speech.ended">): void {
    this.#speechId = null;
    if (error) this.#fail(new ParlanceError(error));
    else this.#update({ phase: "ended", heardMs: audioMs });
    this.#tell({ type: "ended", reason, audioMs });
  }

  #lost(): void {
    const { phase } = this.#snapshot;
    if (phase === "listening" || phase === "stopping") this.#fail(failure("UNAVAILABLE", "The connection was lost."));
  }

  #fail(cause: unknown): void {
    this.#speechId = null;
    const error = cause instanceof ParlanceError ? cause : failure("INTERNAL", String(cause));
    this.#update({ phase: "failed", error });
  }

  #tell(event: SpeechEvent): void {
    for (const listener of [...this.#eventListeners]) listener(event);
  }

  #update(patch: Partial<SpeechSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...patch };
    for (const listener of [...this.#listeners]) listener();
  }
}
