import { setTimeout as sleep } from "node:timers/promises";

/** Hz. */
export const RATE = 16_000;
const FRAME_MS = 20;
const FRAME_SAMPLES = (RATE * FRAME_MS) / 1_000;
/** At full speed, audio runs this far ahead of what was heard: under the server's limit, and enough to keep it busy. */
const MAX_AHEAD_MS = 5_000;

/** What a file is played into. */
export type Listener = {
  listening(): boolean;
  /** Audio sent and not yet heard, in ms. */
  aheadMs(): number;
  subscribe(changed: () => void): () => void;
  feed(samples: Float32Array): void;
};

/** Plays 16 kHz audio as a microphone would, in 20 ms frames at their pace, or as fast as the server hears. */
export async function play(audio: Float32Array, atFullSpeed: boolean, listener: Listener): Promise<void> {
  const beganAtMs = performance.now();
  for (let at = 0; at < audio.length && listener.listening(); at += FRAME_SAMPLES) {
    if (atFullSpeed) await room(listener);
    else {
      // A microphone has a frame only once its last sample was spoken.
      const waitMs = beganAtMs + ((at + FRAME_SAMPLES) * 1_000) / RATE - performance.now();
      if (waitMs > 0) await sleep(waitMs);
    }
    listener.feed(audio.subarray(at, at + FRAME_SAMPLES));
  }
}

/** Resolves when the server has heard enough for more audio. */
async function room(listener: Listener): Promise<void> {
  const full = () => listener.listening() && listener.aheadMs() >= MAX_AHEAD_MS;
  if (!full()) return;
  await new Promise<void>((resolve) => {
    const stop = listener.subscribe(() => {
      if (full()) return;
      stop();
      resolve();
    });
  });
}
