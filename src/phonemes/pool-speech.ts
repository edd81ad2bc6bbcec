import { limits } from "#protocol";
import type { OpusPacket, ScoringStream, SpeechEvent, SpeechListener } from "../drills/ports.ts";
import { AppError } from "../lib/app-error.ts";
import type { ScoringThread } from "./scoring-thread.ts";

const SAMPLES_PER_MS = 16;
/** Audio that was heard already is kept for this long: so much a new thread needs to get used to a voice. */
const KEPT_MS = 3_000;
/** Room for what may wait, for what is kept, and for what is heard but not reported yet: 512 kB. */
const RING_SAMPLES = 16_000 * SAMPLES_PER_MS;
/** The model's step: a new thread goes on upon the same grid. */
const STEP_MS = 20;
/** Packets that may be kept, of 10 ms each at the least. */
const MAX_PACKETS = (limits.audioAheadMs + KEPT_MS) / 10;
/** RTP clock of Opus (RFC 7587). */
const CLOCK_PER_MS = 48;
/** A pause of a track is silence of 1 s at the most, as the threads fill it. */
const MAX_PAUSE_MS = 1_000;

/**
 * One speaker's free speech, of any length: only the last seconds of audio are kept, from which another thread goes on
 * should its thread die. The listener hears each phone once.
 */
export class PoolSpeech implements ScoringStream {
  readonly id: number;
  readonly #listener: SpeechListener;
  readonly #onOver: () => void;
  /** A ring. */
  readonly #memory: SharedArrayBuffer | null;
  readonly #pcm: Int16Array | null;
  readonly #packets: { packet: OpusPacket; atMs: number }[] = [];
  #samples = 0;
  #lastTimestamp: number | undefined;
  /** Where in the audio the newest packet is: never later than the threads have it. */
  #packetMs = 0;
  #heardMs = 0;
  #toldMs = 0;
  /** A phone was told since the last pause. */
  #speaking = false;
  #ended = false;
  #over = false;
  #thread: ScoringThread | undefined;
  #placements = 0;

  constructor(id: number, source: "pcm" | "opus", listener: SpeechListener, onOver: (stream: PoolSpeech) => void) {
    this.id = id;
    this.#listener = listener;
    this.#onOver = () => onOver(this);
    this.#memory = source === "pcm" ? new SharedArrayBuffer(RING_SAMPLES * 2) : null;
    this.#pcm = this.#memory && new Int16Array(this.#memory);
  }

  get placements(): number {
    return this.#placements;
  }

  /** Puts the stream on a thread, with the last seconds of its audio; `undefined` when its thread is gone. */
  place(thread: ScoringThread | undefined): void {
    this.#thread?.streams.delete(this.id);
    this.#thread = thread;
    if (!thread) return;
    this.#placements += 1;
    thread.streams.add(this.id);
    const keptFromMs = Math.floor(Math.max(0, this.#heardMs - KEPT_MS) / STEP_MS) * STEP_MS;
    const fromMs = this.#memory ? keptFromMs : Math.round(this.#packets[0]?.atMs ?? this.#packetMs);
    thread.post({ type: "listen", stream: this.id, pcm: this.#memory, fromMs });
    if (this.#samples > 0) thread.post({ type: "pcm", stream: this.id, samples: this.#samples });
    if (this.#packets.length > 0)
      thread.post({ type: "opus", stream: this.id, packets: this.#packets.map(({ packet }) => packet) });
    if (this.#ended) thread.post({ type: "end", stream: this.id });
  }

  push(pcm: Int16Array): void {
    if (this.#over || this.#ended || pcm.length === 0 || !this.#pcm) return;
    const after = this.#samples + pcm.length;
    if (after / SAMPLES_PER_MS - this.#heardMs > limits.audioAheadMs) throw new AppError("AUDIO_OVERFLOW");
    const at = this.#samples % RING_SAMPLES;
    const first = pcm.subarray(0, RING_SAMPLES - at);
    this.#pcm.set(first, at);
    this.#pcm.set(pcm.subarray(first.length), 0);
    this.#samples = after;
    this.#thread?.post({ type: "pcm", stream: this.id, samples: after });
  }

  pushOpus(packet: OpusPacket): void {
    if (this.#over || this.#ended) return;
    if (this.#packetMs - this.#heardMs > limits.audioAheadMs) throw new AppError("AUDIO_OVERFLOW");
    const sinceMs = ((packet.timestamp - (this.#lastTimestamp ?? packet.timestamp)) | 0) / CLOCK_PER_MS;
    if (sinceMs >= 0) this.#lastTimestamp = packet.timestamp;
    this.#packetMs = Math.max(this.#heardMs, this.#packetMs + Math.min(Math.max(0, sinceMs), MAX_PAUSE_MS));
    const kept = { ...packet, payload: Uint8Array.from(packet.payload) };
    this.#packets.push({ packet: kept, atMs: this.#packetMs });
    if (this.#packets.length > MAX_PACKETS) this.#packets.shift();
    this.#thread?.post({ type: "opus", stream: this.id, packets: [kept] });
  }

  end(): void {
    if (this.#over || this.#ended) return;
    this.#ended = true;
    this.#thread?.post({ type: "end", stream: this.id });
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#thread?.post({ type: "close", stream: this.id });
    this.place(undefined);
    this.#onOver();
  }

  /** An event from the thread; what a new thread hears once more is held back. */
  receive(event: SpeechEvent): void {
    if (this.#over) return;
    if (event.type === "heard") {
      if ((event.startMs + event.endMs) / 2 <= this.#toldMs) return;
      const startMs = Math.max(event.startMs, this.#toldMs);
      this.#toldMs = event.endMs;
      this.#speaking = true;
      this.#listener.onEvent({ ...event, startMs });
    } else if (event.type === "pause") {
      if (!this.#speaking) return;
      this.#speaking = false;
      this.#listener.onEvent(event);
    } else {
      this.close();
      this.#listener.onEvent(event);
    }
  }

  progress(heardMs: number): void {
    if (this.#over || heardMs <= this.#heardMs) return;
    this.#heardMs = heardMs;
    const kept = this.#packets.findIndex(({ atMs }) => atMs >= heardMs - KEPT_MS);
    this.#packets.splice(0, kept < 0 ? this.#packets.length : kept);
    this.#listener.onProgress(heardMs);
  }

  fail(error: AppError): void {
    if (this.#over) return;
    this.close();
    this.#listener.onFailed(error);
  }
}
