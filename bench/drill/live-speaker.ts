import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "#client";
import { FRAME_EVENT } from "#protocol";

/** How long after the phone's end in the audio its first or final judgement arrived, or the result after `drill.finish` was asked for. */
export type Sample = { kind: "first" | "final" | "result"; latencyMs: number };

const FRAME_MS = 20;
const FRAME_SAMPLES = 320;
/** Silence between two sentences. */
const GAP_FRAMES = 15;

/** One learner who reads sentence after sentence, frame by frame at the pace of a microphone, as long as the process lives. */
export class LiveSpeaker {
  readonly #connection: Connection;
  readonly #voices: { text: string; pcm: Int16Array }[];
  #turn: number;
  #attemptId = "";
  #beganAtMs = 0;
  #finishedAtMs = 0;
  #judged = new Set<string>();
  #lagMs = 0;

  constructor(
    connection: Connection,
    voices: { text: string; pcm: Int16Array }[],
    index: number,
    onSample: (sample: Sample) => void,
  ) {
    this.#connection = connection;
    this.#voices = voices;
    this.#turn = index;
    connection.on("drill.phoneme", ({ attemptId, word, index: at, endMs, final }) => {
      if (attemptId !== this.#attemptId) return;
      const key = `${word}.${at}`;
      const first = !this.#judged.has(key);
      this.#judged.add(key);
      const latencyMs = performance.now() - this.#beganAtMs - endMs;
      if (first) onSample({ kind: "first", latencyMs });
      if (final) onSample({ kind: "final", latencyMs });
    });
    connection.on("drill.result", ({ attemptId }) => {
      if (attemptId === this.#attemptId)
        onSample({ kind: "result", latencyMs: performance.now() - this.#finishedAtMs });
    });
    void this.#live();
  }

  /** How late frames were sent at the most since the last question: what the bench itself adds. */
  takeLag(): number {
    const lag = this.#lagMs;
    this.#lagMs = 0;
    return lag;
  }

  async #live(): Promise<void> {
    // Not all in step.
    await pause(Math.random() * 1_000);
    for (;;) {
      try {
        await this.#read();
      } catch (error) {
        console.error(String(error));
        await pause(500);
      }
    }
  }

  async #read(): Promise<void> {
    const voice = this.#voices[this.#turn++ % this.#voices.length];
    if (!voice) return;
    const { attemptId } = await this.#connection.call("drill.start", { text: voice.text });
    this.#judged = new Set();
    this.#beganAtMs = performance.now();
    this.#attemptId = attemptId;
    const frames = Math.ceil(voice.pcm.length / FRAME_SAMPLES) + GAP_FRAMES;
    for (let number = 0; number < frames; number++) {
      const due = this.#beganAtMs + (number + 1) * FRAME_MS;
      const wait = due - performance.now();
      if (wait > 0) await pause(wait);
      this.#lagMs = Math.max(this.#lagMs, performance.now() - due);
      this.#connection.send(FRAME_EVENT, frameOf(number, voice.pcm));
    }
    this.#finishedAtMs = performance.now();
    await this.#connection.call("drill.finish", { attemptId }, { timeoutMs: 60_000 });
  }
}

function frameOf(number: number, pcm: Int16Array): Uint8Array {
  const samples = new Int16Array(FRAME_SAMPLES);
  samples.set(pcm.subarray(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES));
  const bytes = new Uint8Array(4 + samples.byteLength);
  new DataView(bytes.buffer).setUint32(0, number, true);
  bytes.set(new Uint8Array(samples.buffer), 4);
  return bytes;
}
