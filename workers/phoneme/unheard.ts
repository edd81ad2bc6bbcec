import type { UnheardReason } from "./events.ts";
import { FAINTEST } from "./quiet-voice.ts";

/** Steps (4 s) that are looked at, and that pass between two notices at the least. */
const WINDOW = 200;
const STEP_MS = 20;
/** Steps (1 s) between two looks. */
const EVERY = 50;
/** Samples at full scale, of all in the window, from which on it is clipping: no recording of the corpora has a single one. */
const CLIPPED_SHARE = 0.01;
/** From this value on a sample is at full scale. */
const FULL_SCALE = 32_700;
/** Steps of speech (160 ms) below which nothing was said: as for the outcome `silence`. */
const LEAST_SPEECH = 8;
/**
 * What is as loud as this all the time (mean log-mel; so loud in their quietest tenth are 1% of the corpora's readings) and
 * keeps within 10 dB (0.3% of them) drowns a voice.
 */
const LOUD = -5;
const STEADY = 2.3;

function sum(values: Uint8Array | Uint16Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** What is known of the reading after its newest judged step: whether that was speech, and how far the text is. */
interface Heard {
  readonly speaking: boolean;
  /** Phones of the text that were said so far. */
  readonly said: number;
  /** Whether all of the text is judged. */
  readonly complete: boolean;
}

/** Tells why little or nothing is heard of a reading: from the sound's level, and from whether its text advances. */
export class Unheard {
  readonly #heard: Heard;
  readonly #tell: (reason: UnheardReason, endMs: number) => void;
  readonly #levels = new Float32Array(WINDOW);
  readonly #clipped = new Uint16Array(WINDOW);
  readonly #speech = new Uint8Array(WINDOW);
  #newClipped = 0;
  #steps = 0;
  #judged = 0;
  #said = 0;
  #saidAt = 0;
  #toldAt = 0;

  constructor(heard: Heard, tell: (reason: UnheardReason, endMs: number) => void) {
    this.#heard = heard;
    this.#tell = tell;
  }

  /** Takes the samples that make the next step, in parts. */
  samples(pcm: Int16Array, from: number, to: number): void {
    for (let i = from; i < to; i++) if (Math.abs(pcm[i] as number) >= FULL_SCALE) this.#newClipped++;
  }

  /** Takes the next step's frames as they are in the recording. */
  frames(step: Float32Array): void {
    const at = this.#steps % WINDOW;
    let sum = 0;
    for (let i = 0; i < step.length; i++) sum += step[i] as number;
    this.#levels[at] = sum / step.length;
    this.#clipped[at] = this.#newClipped;
    this.#newClipped = 0;
    this.#steps++;
  }

  /** After each judged step. */
  judged(): void {
    const { speaking, said, complete } = this.#heard;
    this.#speech[this.#judged % WINDOW] = speaking ? 1 : 0;
    this.#judged++;
    if (said > this.#said) this.#saidAt = this.#judged;
    this.#said = said;
    if (complete || this.#judged % EVERY !== 0 || this.#judged < this.#toldAt + WINDOW) return;
    const reason = this.#look();
    if (!reason) return;
    this.#toldAt = this.#judged;
    this.#tell(reason, this.#judged * STEP_MS);
  }

  #look(): UnheardReason | null {
    if (sum(this.#clipped) >= CLIPPED_SHARE * WINDOW * 320) return "clipping";
    const sorted = this.#levels.toSorted();
    const low = sorted[WINDOW / 10] as number;
    const high = sorted[WINDOW - WINDOW / 20] as number;
    if (low > LOUD && high - low < STEADY) return "noise";
    if (this.#judged < this.#saidAt + WINDOW) return null;
    if (high < FAINTEST) return high - low < STEADY ? "silence" : "tooQuiet";
    return sum(this.#speech) < LEAST_SPEECH ? "silence" : null;
  }
}
