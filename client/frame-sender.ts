import { FRAME_HEADER_BYTES, type FrameEvent } from "#protocol";
import type { Connection } from "./connection.ts";
import type { Recording } from "./recording.ts";
import { Resampler } from "./resampler.ts";

const RATE = 16_000;
/** 20 ms. */
const FRAME_SAMPLES = 320;

/** Sends audio of any rate as numbered frames of 16 kHz mono PCM, from number 0. */
export class FrameSender {
  readonly #link: Pick<Connection, "send">;
  readonly #event: FrameEvent;
  readonly #recording: Recording | undefined;
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #filled = 0;
  #number = 0;
  #samples = 0;
  #resampler: { rate: number; instance: Resampler } | undefined;

  /** What is sent is kept in `recording` too. */
  constructor(link: Pick<Connection, "send">, event: FrameEvent, recording?: Recording) {
    this.#recording = recording;
    this.#link = link;
    this.#event = event;
  }

  /** Audio sent, in ms. */
  get sentMs(): number {
    return this.#samples / (RATE / 1_000);
  }

  /** Takes mono audio of any length: 16-bit, or floats of -1 to 1; what is beyond is clipped, and no number is silence. */
  feed(samples: Float32Array | Int16Array, sampleRate: number = RATE): void {
    if (sampleRate === RATE) {
      this.#append(samples);
      return;
    }
    if (this.#resampler?.rate !== sampleRate)
      this.#resampler = { rate: sampleRate, instance: new Resampler(sampleRate, RATE) };
    const scale = samples instanceof Int16Array ? 1 / 32_768 : 1;
    // One sample beyond all measure would ring through as many as the filter is long.
    const floats = Float32Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample * scale || 0)));
    this.#append(this.#resampler.instance.push(floats));
  }

  /** Sends what is left of the audio. */
  flush(): void {
    if (this.#resampler) this.#append(this.#resampler.instance.flush());
    this.#resampler = undefined;
    if (this.#filled > 0) this.#send(this.#frame.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #append(samples: Float32Array | Int16Array): void {
    const scale = samples instanceof Int16Array ? 1 : 32_768;
    for (const sample of samples) {
      this.#frame[this.#filled++] = Math.max(-32_768, Math.min(32_767, Math.round(sample * scale || 0)));
      if (this.#filled < FRAME_SAMPLES) continue;
      this.#send(this.#frame);
      this.#filled = 0;
    }
  }

  #send(samples: Int16Array): void {
    const bytes = new Uint8Array(FRAME_HEADER_BYTES + samples.length * 2);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#number++, true);
    samples.forEach((sample, i) => {
      view.setInt16(FRAME_HEADER_BYTES + 2 * i, sample, true);
    });
    this.#link.send(this.#event, bytes);
    this.#recording?.append(samples);
    this.#samples += samples.length;
  }
}
