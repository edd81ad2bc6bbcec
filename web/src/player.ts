import type { Recording } from "#client";

/** Hz of a recording. */
const RATE = 16_000;
/** Around a part of a recording, so that the ear finds it. */
const AROUND_MS = 50;
/** So that a cut sound does not click. */
const FADE_S = 0.008;

/** From when to when, on a recording's clock. */
export type Span = { readonly startMs: number; readonly endMs: number };

export type Playing = {
  /** What was asked for, by the caller's own name for it. */
  readonly what: string;
  readonly phase: "loading" | "playing";
} | null;

/** Plays one sound at a time; another one stops the one before. The snapshot says what sounds now. */
export class Player {
  readonly #listeners = new Set<() => void>();
  #context: AudioContext | undefined;
  #source: AudioBufferSourceNode | undefined;
  #playing: Playing = null;
  /** Another number for each request, so that what comes late is dropped. */
  #round = 0;

  readonly snapshot = (): Playing => this.#playing;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Plays a part of a recording. */
  playPart(what: string, recording: Recording, { startMs, endMs }: Span): void {
    this.stop();
    const samples = recording.slice(startMs - AROUND_MS, endMs + AROUND_MS);
    if (samples.length === 0) return;
    const context = this.#open();
    const buffer = context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(
      Float32Array.from(samples, (sample) => sample / 32_768),
      0,
    );
    this.#start(what, context, buffer);
  }

  /** Plays a file that is fetched first. Rejects with what `fetchFile` or the decoder threw; resolves when it starts, or was stopped. */
  async playFile(what: string, fetchFile: () => Promise<ArrayBuffer>): Promise<void> {
    this.stop();
    const round = this.#round;
    // At once, while the browser still sees the click that allows sound.
    const context = this.#open();
    this.#set({ what, phase: "loading" });
    try {
      const buffer = await context.decodeAudioData(await fetchFile());
      if (round === this.#round) this.#start(what, context, buffer);
    } catch (error) {
      if (round !== this.#round) return;
      this.#set(null);
      throw error;
    }
  }

  /** Idempotent. */
  stop(): void {
    this.#round++;
    this.#source?.stop();
    this.#source = undefined;
    if (this.#playing) this.#set(null);
  }

  /** Idempotent. */
  close(): void {
    this.stop();
    this.#listeners.clear();
    void this.#context?.close();
    this.#context = undefined;
  }

  #open(): AudioContext {
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") void this.#context.resume();
    return this.#context;
  }

  #start(what: string, context: AudioContext, buffer: AudioBuffer): void {
    const source = context.createBufferSource();
    const gain = context.createGain();
    source.buffer = buffer;
    source.connect(gain).connect(context.destination);
    const [start, end] = [context.currentTime, context.currentTime + buffer.duration];
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(1, start + FADE_S);
    gain.gain.setValueAtTime(1, Math.max(start + FADE_S, end - FADE_S));
    gain.gain.linearRampToValueAtTime(0, end);
    source.onended = () => {
      if (this.#source !== source) return;
      this.#source = undefined;
      this.#set(null);
    };
    source.start();
    this.#source = source;
    this.#set({ what, phase: "playing" });
  }

  #set(playing: Playing): void {
    this.#playing = playing;
    for (const listener of [...this.#listeners]) listener();
  }
}
