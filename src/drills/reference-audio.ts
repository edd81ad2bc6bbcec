import { availableParallelism } from "node:os";
import type { EndpointRequest } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { ReferenceVoice, Utterance, WavFile } from "./ports.ts";

/** Utterances that are made at once: scoring has precedence over half of the processors. */
const AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 2));
/** Requests that may wait for their turn; a sentence takes about 20 ms. */
const MAX_WAITING = 32;
/** Bytes of audio that are kept for the next who asks: some 300 sentences. */
const CACHE_BYTES = 33_554_432;

/** Says words and sentences by the voice of this server, each once for all who ask: one at a time, bounded, and remembered. */
export class ReferenceAudio {
  readonly #voice: ReferenceVoice | undefined;
  /** By what was asked, the longest unasked first. */
  readonly #made = new Map<string, WavFile>();
  readonly #making = new Map<string, Promise<WavFile>>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #bytes = 0;

  /** `voice` is undefined where this server has none. */
  constructor(voice: ReferenceVoice | undefined) {
    this.#voice = voice;
  }

  get languages(): readonly string[] {
    return this.#voice?.languages ?? [];
  }

  /**
   * Resolves to a WAV file, 16-bit mono.
   * @throws AppError REFERENCE_VOICE_UNAVAILABLE, INVALID_REQUEST unless there is either text or phones, TEXT_EMPTY where
   * there is nothing to say, UNAVAILABLE when too many wait, and what the voice throws
   */
  async speak(request: EndpointRequest<"referenceAudio">): Promise<WavFile> {
    const { language } = request;
    // Hundredths are finer than anybody hears, and let more requests be the same.
    const speed = Math.round(request.speed * 100) / 100;
    const what = utterance(request);
    const voice = this.#voice;
    if (!voice?.languages.includes(language)) throw new AppError("REFERENCE_VOICE_UNAVAILABLE");
    const key = JSON.stringify([what, language, speed]);
    const made = this.#made.get(key);
    if (made) {
      this.#made.delete(key);
      this.#made.set(key, made);
      return made;
    }
    let making = this.#making.get(key);
    if (!making) {
      making = this.#inTurn(() => voice.speak(what, { language, speed }));
      this.#making.set(key, making);
      const forget = () => this.#making.delete(key);
      making.then((wav) => this.#keep(key, wav)).then(forget, forget);
    }
    return making;
  }

  async #inTurn(work: () => Promise<WavFile>): Promise<WavFile> {
    if (this.#busy >= AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING)
        throw new AppError("UNAVAILABLE", "Too many ask for reference audio just now.");
      // Whoever is done passes its place on, so that nobody who comes later takes it.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#busy += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy -= 1;
    }
  }

  #keep(key: string, wav: WavFile): void {
    this.#made.set(key, wav);
    this.#bytes += wav.byteLength;
    for (const [oldest, audio] of this.#made) {
      if (this.#bytes <= CACHE_BYTES) break;
      this.#made.delete(oldest);
      this.#bytes -= audio.byteLength;
    }
  }
}

function utterance({ text, phones }: EndpointRequest<"referenceAudio">): Utterance {
  if ((text === undefined) === (phones === undefined))
    throw new AppError("INVALID_REQUEST", "Give either text or phones.", { path: "text" });
  if (phones !== undefined) return { phones: phones.split(" ") };
  const said = (text ?? "").replace(/[\s\p{C}]+/gu, " ").trim();
  if (!/[\p{L}\p{N}]/u.test(said)) throw new AppError("TEXT_EMPTY");
  return { text: said };
}
