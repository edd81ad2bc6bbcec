import { randomUUID } from "node:crypto";
import { type CallReply, type CallRequest, errors, limits, type Publisher, type PushPayload } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Learner } from "./drills.ts";
import { FrameReader } from "./frame-reader.ts";
import type { AudioTap, ScoringStream, SpeechEvent, SpeechHearing } from "./ports.ts";

export type SpeechOptions = {
  hearing: SpeechHearing;
  audioTap: AudioTap;
  publisher: Publisher;
  metrics: Metrics;
  times?: Partial<SpeechTimes>;
};

export type SpeechTimes = {
  /** Without any frame for this long, frames are not coming any more. */
  socketIdleMs: number;
  /** Without any packet from the room for this long; a muted microphone sends none, and its owner may just listen. */
  roomIdleMs: number;
  wholeMs: number;
  /** How long the end may take after the last audio. */
  endMs: number;
};
const defaultTimes: SpeechTimes = {
  socketIdleMs: 30_000,
  roomIdleMs: 600_000,
  wholeMs: limits.speechMs,
  endMs: 30_000,
};

type EndReason = PushPayload<"speech.ended">["reason"];

type Listening = {
  readonly speechId: string;
  readonly speaker: Learner;
  /** Whose members see the phones; null for the speaker alone. */
  readonly sharedIn: string | null;
  readonly frames: FrameReader | null;
  stream: ScoringStream | undefined;
  heardMs: number;
  untap: () => void;
  /** Why no more audio is taken; what was taken is still being heard. */
  ending: EndReason | undefined;
  over: boolean;
  idle: NodeJS.Timeout;
  whole: NodeJS.Timeout;
  ended: PromiseWithResolvers<number>;
};

/** Listens to people's own free speech, one at a time on each connection, and tells them the phones, or the room they share it in. */
export class Speech {
  readonly #options: SpeechOptions;
  readonly #times: SpeechTimes;
  /** `null` while a start is under way. */
  readonly #byConnection = new Map<string, Listening | null>();
  readonly #count: ReturnType<typeof speechMetrics>;
  #closed = false;

  constructor(options: SpeechOptions) {
    this.#options = options;
    this.#times = { ...defaultTimes, ...options.times };
    this.#count = speechMetrics(options.metrics, () => this.#byConnection.size);
  }

  /** @throws AppError SPEECH_BUSY, AUDIO_FORMAT_UNSUPPORTED, INVALID_REQUEST, what the hearing and the tap throw */
  async start(speaker: Learner, request: CallRequest<"speech.start">): Promise<CallReply<"speech.start">> {
    const { connectionId } = speaker;
    const { source, share } = request;
    if (this.#closed) throw new AppError("DRAINING");
    if (this.#byConnection.has(connectionId)) throw new AppError("SPEECH_BUSY");
    if (source.kind === "socket" && source.sampleRate !== 16_000)
      throw new AppError("AUDIO_FORMAT_UNSUPPORTED", undefined, { sampleRate: 16_000 });
    if (share && source.kind === "socket")
      throw new AppError("INVALID_REQUEST", "Only a room's microphone can be shared.", { path: "share" });
    this.#byConnection.set(connectionId, null);
    const idleMs = source.kind === "room" ? this.#times.roomIdleMs : this.#times.socketIdleMs;
    const listening: Listening = {
      speechId: randomUUID(),
      speaker,
      sharedIn: share && source.kind === "room" ? source.roomId : null,
      frames: source.kind === "socket" ? new FrameReader() : null,
      stream: undefined,
      heardMs: 0,
      untap: () => {},
      ending: undefined,
      over: false,
      idle: setTimeout(() => this.#end(listening, "idle"), idleMs),
      whole: setTimeout(() => this.#end(listening, "limit"), this.#times.wholeMs),
      ended: Promise.withResolvers(),
    };
    listening.ended.promise.catch(() => {});
    try {
      listening.stream = this.#options.hearing.listen(source.kind === "socket" ? "pcm" : "opus", {
        onEvent: (event) => this.#tell(listening, event),
        onProgress: (heardMs) => this.#progress(listening, heardMs),
        onFailed: (error) => this.#over(listening, "failed", error),
      });
      if (source.kind === "room") await this.#tap(listening, source.roomId);
      // While this waited, the connection may have gone, a thread died, or the server begun to stop.
      if (this.#closed || listening.over || !this.#byConnection.has(connectionId)) throw new AppError("UNAVAILABLE");
    } catch (error) {
      this.#release(listening);
      this.#byConnection.delete(connectionId);
      throw error;
    }
    this.#byConnection.set(connectionId, listening);
    this.#count.started.inc({ source: source.kind });
    return { speechId: listening.speechId };
  }

  /**
   * Takes one `speech.frame` message.
   * @throws AppError SPEECH_NOT_RUNNING, AUDIO_FRAME_MALFORMED, AUDIO_OVERFLOW (the frame may be sent again)
   */
  frame(connectionId: string, bytes: Uint8Array): void {
    const listening = this.#byConnection.get(connectionId);
    if (!listening?.frames || listening.ending) throw new AppError("SPEECH_NOT_RUNNING");
    const frame = listening.frames.read(bytes);
    if (!frame) return;
    listening.stream?.push(frame.pcm);
    listening.frames.accept(frame.number);
    listening.idle.refresh();
  }

  /** Resolves once everything that was said has been told. @throws AppError SPEECH_NOT_RUNNING, SCORING_UNAVAILABLE */
  async stop(connectionId: string, speechId: string): Promise<CallReply<"speech.stop">> {
    const listening = this.#byConnection.get(connectionId);
    if (listening?.speechId !== speechId) throw new AppError("SPEECH_NOT_RUNNING");
    this.#end(listening, "stopped");
    return { audioMs: await listening.ended.promise };
  }

  /** The connection is gone, and nobody listens any more. */
  disconnected(connectionId: string): void {
    const listening = this.#byConnection.get(connectionId);
    if (listening) this.#over(listening, "lost");
    else this.#byConnection.delete(connectionId);
  }

  /** Stops listening to everybody. New starts are refused with DRAINING. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const listening of [...this.#byConnection.values()]) if (listening) this.#over(listening, "lost");
  }

  async #tap(listening: Listening, roomId: string): Promise<void> {
    const onPacket = (payload: Uint8Array, rtp: { sequenceNumber: number; timestamp: number }) => {
      if (listening.ending || listening.over) return;
      listening.idle.refresh();
      try {
        listening.stream?.pushOpus({ payload, ...rtp });
      } catch {
        // The threads are behind: this piece of speech is not heard, and what follows is.
        this.#count.dropped.inc();
      }
    };
    const { connectionId } = listening.speaker;
    listening.untap = await this.#options.audioTap.tap(roomId, connectionId, onPacket, () =>
      this.#end(listening, "lost"),
    );
  }

  #tell(listening: Listening, event: SpeechEvent): void {
    switch (event.type) {
      case "heard": {
        const { type: _, ...phone } = event;
        this.#push(listening, "speech.phoneme", phone);
        break;
      }
      case "pause":
        this.#push(listening, "speech.pause", { startMs: event.startMs });
        break;
      case "over":
        listening.heardMs = event.audioMs;
        this.#over(listening, listening.ending ?? "stopped");
        break;
      default:
        event satisfies never;
    }
  }

  #progress(listening: Listening, heardMs: number): void {
    listening.heardMs = heardMs;
    const { speechId, speaker } = listening;
    this.#options.publisher.publish({ connection: speaker.connectionId }, "speech.progress", { speechId, heardMs });
  }

  /** No more audio: the last phones are to follow. Does nothing on one that is ending already. */
  #end(listening: Listening, reason: EndReason): void {
    if (listening.ending || listening.over) return;
    listening.ending = reason;
    listening.untap();
    clearTimeout(listening.idle);
    clearTimeout(listening.whole);
    listening.whole = setTimeout(
      () => this.#over(listening, "failed", new AppError("SCORING_UNAVAILABLE")),
      this.#times.endMs,
    );
    listening.stream?.end();
  }

  #over(listening: Listening, reason: EndReason, error?: AppError): void {
    if (listening.over) return;
    this.#release(listening);
    const { connectionId } = listening.speaker;
    // A start that is still under way tells by its reply.
    if (this.#byConnection.get(connectionId) !== listening) return;
    this.#byConnection.delete(connectionId);
    this.#count.ended.inc({ reason });
    const { heardMs } = listening;
    const why = error && {
      error: { code: error.code, message: error.message, retryable: errors[error.code].retryable },
    };
    this.#push(listening, "speech.ended", { reason, audioMs: heardMs, ...why });
    if (error) listening.ended.reject(error);
    else listening.ended.resolve(heardMs);
  }

  /** Lets go of the stream, the tap and the timers. */
  #release(listening: Listening): void {
    listening.over = true;
    clearTimeout(listening.idle);
    clearTimeout(listening.whole);
    listening.untap();
    listening.stream?.close();
  }

  #push<P extends "speech.phoneme" | "speech.pause" | "speech.ended">(
    { speechId, speaker, sharedIn }: Listening,
    name: P,
    payload: Omit<PushPayload<P>, "speechId" | "userId" | "roomId">,
  ): void {
    const to = sharedIn === null ? { connection: speaker.connectionId } : { room: sharedIn };
    const whose = { speechId, userId: speaker.userId, roomId: sharedIn };
    this.#options.publisher.publish(to, name, { ...whose, ...payload } as PushPayload<P>);
  }
}

function speechMetrics(metrics: Metrics, running: () => number) {
  metrics.gauge("speech_running", "People whose free speech is listened to now.", running);
  return {
    started: metrics.counter("speech_started_total", "Free speech listened to, by source.", ["source"]),
    ended: metrics.counter("speech_ended_total", "Free speech that ended, by reason.", ["reason"]),
    dropped: metrics.counter("speech_packets_dropped_total", "Packets of rooms dropped because scoring was behind."),
  };
}
