import wrtc from "@roamhq/wrtc";
import type { RoomSessionOptions } from "#client";

/** Samples a second of what Node peers send. */
export const PEER_RATE = 48_000;
const CHUNK_MS = 10;
const CHUNK = (PEER_RATE * CHUNK_MS) / 1000;

/** Makes this process a WebRTC peer: what browsers have as globals comes from an npm package. Give the result to a `RoomSession`. */
export function webRtcInNode(): Pick<RoomSessionOptions, "handlerName"> {
  if (globalThis.RTCPeerConnection !== wrtc.RTCPeerConnection) {
    Object.assign(globalThis, { RTCPeerConnection: wrtc.RTCPeerConnection, MediaStream: wrtc.MediaStream });
    // The package's destructors crash while Node takes its environment down: leave before they run.
    process.on("exit", (code) => process.exit(code));
  }
  return { handlerName: "Chrome111" };
}

export type Speaker = {
  track: MediaStreamTrack;
  /** Milliseconds of audio sent so far. */
  playedMs(): number;
  /** Idempotent. */
  stop(): void;
};

/**
 * A microphone that says `samples` (48 kHz mono) at real time, and then silence, or the same again. Timers drift: each tick sends
 * what the clock asks for.
 */
export function speak(samples: Int16Array, options: { loop?: boolean } = {}): Speaker {
  const source = new wrtc.nonstandard.RTCAudioSource();
  const track = source.createTrack();
  const startedAt = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - startedAt) / CHUNK_MS);
    // After a long stall the rest is dropped, as a sound card would.
    if (due - sent > 50) sent = due - 50;
    for (; sent < due; sent += 1) {
      const chunk = new Int16Array(CHUNK);
      const at = sent * CHUNK;
      for (let i = 0; i < CHUNK; i += 1) chunk[i] = samples[options.loop ? (at + i) % samples.length : at + i] ?? 0;
      source.onData({
        samples: chunk,
        sampleRate: PEER_RATE,
        bitsPerSample: 16,
        channelCount: 1,
        numberOfFrames: CHUNK,
      });
    }
  }, CHUNK_MS);
  return {
    track,
    playedMs: () => sent * CHUNK_MS,
    stop() {
      clearInterval(timer);
      track.stop();
    },
  };
}

export type Ear = {
  /** Loudness of the last 100 ms, as root mean square of full scale: 0…1. */
  level(): number;
  /** The loudest `level` so far. */
  peak(): number;
  /** When the first sound that is no silence came, by performance.now(); undefined before. */
  heardAt(): number | undefined;
  /** Idempotent. */
  stop(): void;
};

/** Sound below this is the silence (or comfort noise) of a decoder. */
const SILENCE = 0.003;

/** Listens to a received track. */
export function listen(track: MediaStreamTrack): Ear {
  const sink = new wrtc.nonstandard.RTCAudioSink(track);
  const recent: number[] = [];
  let peak = 0;
  let heardAt: number | undefined;
  const level = () => Math.sqrt(recent.reduce((sum, energy) => sum + energy, 0) / Math.max(1, recent.length));
  sink.ondata = ({ samples }: { samples: Int16Array }) => {
    let energy = 0;
    for (const sample of samples) energy += (sample / 32_768) ** 2;
    recent.push(energy / samples.length);
    if (recent.length > 10) recent.shift();
    peak = Math.max(peak, level());
    if (heardAt === undefined && Math.sqrt(energy / samples.length) > SILENCE) heardAt = performance.now();
  };
  return { level, peak: () => peak, heardAt: () => heardAt, stop: () => sink.stop() };
}
