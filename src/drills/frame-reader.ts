import { FRAME_HEADER_BYTES, limits } from "#protocol";
import { AppError } from "../lib/app-error.ts";

/** Silence that stands for lost frames, at the most. */
const MAX_GAP_SAMPLES = 16_000;

/** Reads `drill.frame` messages of one attempt into unbroken PCM. */
export class FrameReader {
  #next = 0;

  /**
   * What a frame adds to the audio: PCM at 16 kHz mono, with silence in front for frames that were lost (counted as long
   * as this one, 1 s in all at the most); `null` for a frame number that was seen before. Nothing is remembered until
   * `accept` is called, so that a frame that could not be taken may be sent again.
   * @throws AppError AUDIO_FRAME_MALFORMED
   */
  read(bytes: Uint8Array): { pcm: Int16Array; number: number } | null {
    if (bytes.byteLength < FRAME_HEADER_BYTES) throw malformed("its header is cut");
    const payload = bytes.byteLength - FRAME_HEADER_BYTES;
    if (payload === 0) throw malformed("it holds no samples");
    if (payload % 2 !== 0) throw malformed("its samples are not 16 bits each");
    const samples = payload / 2;
    if (samples > limits.frameSamples) throw malformed("it is too long");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const number = view.getUint32(0, true);
    if (number < this.#next) return null;
    const gap = Math.min((number - this.#next) * samples, MAX_GAP_SAMPLES);
    const pcm = new Int16Array(gap + samples);
    for (let i = 0; i < samples; i++) pcm[gap + i] = view.getInt16(FRAME_HEADER_BYTES + 2 * i, true);
    return { pcm, number };
  }

  accept(number: number): void {
    this.#next = number + 1;
  }
}

function malformed(why: string): AppError {
  return new AppError("AUDIO_FRAME_MALFORMED", `The audio frame is malformed: ${why}.`);
}
