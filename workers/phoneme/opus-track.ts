import { OpusDecoder } from "opus-decoder";
import type { OpusPacket } from "../../src/drills/ports.ts";

/** Packets that may wait for a missing one, 80 ms at the usual 20 ms each; then it is taken for lost. */
const MAX_WAITING = 4;
/** RTP clock of Opus (RFC 7587, section 4.1) over our 16 kHz. */
const CLOCK_PER_SAMPLE = 3;
/** Up to here the decoder's own concealment fills a loss; it has faded out by then. */
const MAX_CONCEALED_SAMPLES = 1_920;
/** A pause of the track (DTX, mute) becomes silence of its own length, up to 1 s. */
const MAX_SILENCE_SAMPLES = 16_000;
/** No Opus packet is longer (RFC 6716: 3 frames of 1,275 bytes at 20 ms); the decoder's input buffer is not bigger. */
const MAX_PACKET_BYTES = 3_825;

/**
 * One RTP track of Opus to 16 kHz mono PCM: puts packets in order, conceals losses, and fills pauses by the timestamps.
 * Depends on the packets alone and on no clock, so that a replay gives the same audio.
 */
export class OpusTrack {
  /** Nothing may be pushed before. */
  readonly ready: Promise<void>;
  readonly #emit: (pcm: Int16Array) => void;
  readonly #decoder = new OpusDecoder({ sampleRate: 16_000, channels: 1 });
  readonly #waiting = new Map<number, OpusPacket>();
  /** Sequence number that is due, without the wrap at 2^16. */
  #due: number | undefined;
  /** Timestamp that follows the audio so far. */
  #clock: number | undefined;

  constructor(emit: (pcm: Int16Array) => void) {
    this.#emit = emit;
    this.ready = this.#decoder.ready;
  }

  push(packet: OpusPacket): void {
    if (packet.payload.length === 0 || packet.payload.length > MAX_PACKET_BYTES) return;
    this.#due ??= packet.sequenceNumber;
    // The nearest number that has these 16 bits.
    const ahead = ((packet.sequenceNumber - this.#due) << 16) >> 16;
    if (ahead < 0) return;
    this.#waiting.set(this.#due + ahead, packet);
    while (this.#waiting.has(this.#due) || this.#waiting.size > MAX_WAITING) this.#takeNext();
  }

  /** Gives out what still waits for missing packets. */
  flush(): void {
    while (this.#waiting.size > 0) this.#takeNext();
  }

  close(): void {
    this.#waiting.clear();
    void this.ready.then(() => this.#decoder.free());
  }

  #takeNext(): void {
    const number = Math.min(...this.#waiting.keys());
    const packet = this.#waiting.get(number);
    if (!packet) return;
    this.#waiting.delete(number);
    const lost = number !== this.#due;
    this.#due = number + 1;
    if (this.#clock !== undefined) {
      const gap = Math.round(((packet.timestamp - this.#clock) | 0) / CLOCK_PER_SAMPLE);
      if (gap > 0) this.#fill(gap, lost);
    }
    const { channelData, samplesDecoded } = this.#decoder.decodeFrame(packet.payload);
    const samples = channelData[0]?.subarray(0, samplesDecoded);
    if (samples?.length) this.#emit(toInt16(samples));
    this.#clock = (packet.timestamp + samplesDecoded * CLOCK_PER_SAMPLE) >>> 0;
  }

  #fill(samples: number, lost: boolean): void {
    if (lost && samples <= MAX_CONCEALED_SAMPLES) {
      // An empty packet is libopus's word for a lost one; it answers with the longest concealment it can.
      const concealed = this.#decoder.decodeFrame(new Uint8Array(0)).channelData[0];
      if (concealed && concealed.length >= samples) {
        this.#emit(toInt16(concealed.subarray(0, samples)));
        return;
      }
    }
    this.#emit(new Int16Array(Math.min(samples, MAX_SILENCE_SAMPLES)));
  }
}

function toInt16(samples: Float32Array): Int16Array {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    const value = (samples[i] ?? 0) * 32_767;
    pcm[i] = Math.max(-32_768, Math.min(32_767, Math.round(value)));
  }
  return pcm;
}
