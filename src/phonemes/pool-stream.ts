import { limits } from "#protocol";
import type {
  ExpectedWord,
  OpusPacket,
  ScoreEvent,
  ScoringListener,
  ScoringStream,
  SpeakerProfile,
} from "../drills/ports.ts";
import { AppError } from "../lib/app-error.ts";
import type { ScoringThread } from "./scoring-thread.ts";

const SAMPLES_PER_MS = 16;
const MAX_SAMPLES = limits.attemptMs * SAMPLES_PER_MS;
/** Memory grows by this much, 4 s: small for a short sentence, rarely grown for a long one. */
const GROWTH_BYTES = 4_000 * SAMPLES_PER_MS * 2;
/** The shortest Opus packet worth having is 10 ms. */
const MAX_PACKETS = limits.attemptMs / 10;

/** What is to be read, in which language, and how the speaker read before. */
type ReadText = {
  readonly words: ExpectedWord[];
  readonly language: string;
  readonly earlier: readonly SpeakerProfile[];
};

/**
 * One learner's audio, kept until the end so that another thread can judge it anew should its thread die. The listener
 * sees one unbroken course of events: what it had before is not repeated.
 */
export class PoolStream implements ScoringStream {
  readonly id: number;
  readonly #text: ReadText;
  readonly #listener: ScoringListener;
  readonly #onOver: () => void;
  readonly #memory: SharedArrayBuffer | null;
  readonly #pcm: Int16Array | null;
  readonly #packets: OpusPacket[] = [];
  #samples = 0;
  #judgedMs = 0;
  #ended = false;
  #over = false;
  #thread: ScoringThread | undefined;
  /** How many threads this stream was on. */
  #placements = 0;
  /** Final phones and words already told, by their place in the sentence. */
  #toldPhone = -1;
  #toldWord = -1;
  /** Until when the audio's hearing was told of. */
  #toldUnheardMs = 0;

  constructor(
    id: number,
    text: ReadText,
    source: "pcm" | "opus",
    listener: ScoringListener,
    onOver: (stream: PoolStream) => void,
  ) {
    this.id = id;
    this.#text = text;
    this.#listener = listener;
    this.#onOver = () => onOver(this);
    this.#memory = source === "pcm" ? new SharedArrayBuffer(GROWTH_BYTES, { maxByteLength: MAX_SAMPLES * 2 }) : null;
    this.#pcm = this.#memory && new Int16Array(this.#memory);
  }

  get placements(): number {
    return this.#placements;
  }

  get thread(): ScoringThread | undefined {
    return this.#thread;
  }

  /** Puts the stream on a thread, with all its audio so far; `undefined` when its thread is gone. */
  place(thread: ScoringThread | undefined): void {
    this.#thread?.streams.delete(this.id);
    this.#thread = thread;
    if (!thread) return;
    this.#placements += 1;
    thread.streams.add(this.id);
    thread.post({ type: "open", stream: this.id, ...this.#text, pcm: this.#memory });
    if (this.#samples > 0) thread.post({ type: "pcm", stream: this.id, samples: this.#samples });
    if (this.#packets.length > 0) thread.post({ type: "opus", stream: this.id, packets: this.#packets });
    if (this.#ended) thread.post({ type: "end", stream: this.id });
  }

  push(pcm: Int16Array): void {
    if (this.#over || this.#ended || pcm.length === 0 || !this.#memory || !this.#pcm) return;
    const after = this.#samples + pcm.length;
    if (after > MAX_SAMPLES) throw new AppError("AUDIO_OVERFLOW", "The recording is too long for one drill.");
    if (after / SAMPLES_PER_MS - this.#judgedMs > limits.audioAheadMs) throw new AppError("AUDIO_OVERFLOW");
    if (after * 2 > this.#memory.byteLength)
      this.#memory.grow(Math.min(MAX_SAMPLES * 2, Math.ceil((after * 2) / GROWTH_BYTES) * GROWTH_BYTES));
    this.#pcm.set(pcm, this.#samples);
    this.#samples = after;
    this.#thread?.post({ type: "pcm", stream: this.id, samples: after });
  }

  pushOpus(packet: OpusPacket): void {
    if (this.#over || this.#ended) return;
    if (this.#packets.length >= MAX_PACKETS)
      throw new AppError("AUDIO_OVERFLOW", "The recording is too long for one drill.");
    const kept = { ...packet, payload: Uint8Array.from(packet.payload) };
    this.#packets.push(kept);
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

  /** An event from the thread; on a replay those that were told before are held back. */
  receive(event: ScoreEvent): void {
    if (this.#over) return;
    if (event.type === "phoneme") {
      const place = event.word * 1_000 + event.index;
      if (place <= this.#toldPhone) return;
      if (event.final) this.#toldPhone = place;
    } else if (event.type === "word") {
      if (event.word <= this.#toldWord) return;
      this.#toldWord = event.word;
    } else if (event.type === "unheard") {
      if (event.endMs <= this.#toldUnheardMs) return;
      this.#toldUnheardMs = event.endMs;
    } else this.close();
    this.#listener.onEvent(event);
  }

  progress(judgedMs: number): void {
    if (this.#over || judgedMs <= this.#judgedMs) return;
    this.#judgedMs = judgedMs;
    this.#listener.onProgress(judgedMs);
  }

  fail(error: AppError): void {
    if (this.#over) return;
    this.close();
    this.#listener.onFailed(error);
  }
}
