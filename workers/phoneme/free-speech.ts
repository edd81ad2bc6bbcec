import type { SpeechEvent } from "./events.ts";
import { stepMs } from "./live-judge.ts";
import { PhoneConfidence } from "./phone-evidence.ts";
import { type HeardPhone, type PhoneLoop, PhoneRecogniser } from "./phone-recogniser.ts";

/** A silence of this many steps (300 ms) is a pause: words seldom have one inside. */
const PAUSE_STEPS = 15;
/** A step in which silence is likelier than this is silent. */
const SILENT = Math.log(0.5);

/**
 * What is heard in speech without a known text: each phone once, in order, soon after it was said, and a pause once
 * silence has lasted for a while. Its memory does not grow with the audio.
 */
export class FreeSpeech {
  /** No part of it is a reading. */
  readonly span = null;
  readonly #phones: string[];
  readonly #recogniser: PhoneRecogniser;
  readonly #confidence: PhoneConfidence;
  readonly #emit: (event: SpeechEvent) => void;
  readonly #trace: ((heard: HeardPhone) => void) | undefined;
  #step = 0;
  #silentSince = 0;
  /** The last phone's end, until a pause after it was told. */
  #open: number | null = null;

  /** `trace` is for training: it gets the phones as the recogniser gives them. */
  constructor(
    pack: { phones: string[]; loop: PhoneLoop },
    emit: (event: SpeechEvent) => void,
    trace?: (heard: HeardPhone) => void,
  ) {
    this.#phones = pack.phones;
    this.#recogniser = new PhoneRecogniser(pack.phones.length, pack.loop);
    this.#confidence = new PhoneConfidence(pack.loop.confidence);
    this.#emit = emit;
    this.#trace = trace;
  }

  /** Takes the log posteriors of the next step. */
  push(logp: Float32Array, offset: number): void {
    this.#tell(this.#recogniser.push(logp, offset));
    this.#step++;
    if ((logp[offset + this.#phones.length - 1] as number) < SILENT) this.#silentSince = this.#step;
    if (this.#open === null || this.#step - Math.max(this.#silentSince, this.#open) < PAUSE_STEPS) return;
    this.#emit({ type: "pause", startMs: stepMs(this.#open) });
    this.#open = null;
  }

  /** The audio is over: tells what is left. */
  settle(): void {
    this.#tell(this.#recogniser.finish());
  }

  /** `audioMs` is the length of the audio. */
  finish(audioMs: number): void {
    this.#emit({ type: "over", audioMs });
  }

  #tell(heard: HeardPhone[]): void {
    for (const phone of heard) {
      const name = this.#phones[phone.phone] as string;
      if (phone.phone === this.#phones.length - 1) continue;
      this.#trace?.(phone);
      const confidence = Math.round(this.#confidence.of(phone) * 1_000) / 1_000;
      this.#open = phone.end;
      this.#emit({ type: "heard", phone: name, confidence, startMs: stepMs(phone.start), endMs: stepMs(phone.end) });
    }
  }
}
