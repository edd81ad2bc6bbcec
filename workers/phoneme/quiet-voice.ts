import { MELS } from "./log-mel.ts";

/** The quietest voice among the training recordings: its loudest frame's mean log-mel. */
const QUIETEST = -5;
/** What stands out of the quietest frame by this much (17 dB) is taken for a voice and not for the room. */
const VOICE_OVER_ROOM = 4;
/** Nothing is lifted by more than this (26 dB). */
const MOST = 6;
/** A voice below this is not lifted up to any that is known. */
export const FAINTEST = QUIETEST - MOST;

/**
 * Lifts a voice that is quieter than any in training up to the quietest there, from the moment it stands out of its room.
 * The model follows the level of a speaker by itself, but only within what it has met.
 */
export class QuietVoice {
  #room = Number.POSITIVE_INFINITY;
  #loudest = Number.NEGATIVE_INFINITY;

  /** Takes the frames of one step, in order, and raises them in place. */
  lift(frames: Float32Array): void {
    for (let at = 0; at < frames.length; at += MELS) {
      let sum = 0;
      for (let band = 0; band < MELS; band++) sum += frames[at + band] as number;
      this.#room = Math.min(this.#room, sum / MELS);
      this.#loudest = Math.max(this.#loudest, sum / MELS);
    }
    if (this.#loudest >= QUIETEST || this.#loudest - this.#room < VOICE_OVER_ROOM) return;
    const by = Math.min(MOST, QUIETEST - this.#loudest);
    for (let i = 0; i < frames.length; i++) frames[i] = (frames[i] as number) + by;
  }
}
