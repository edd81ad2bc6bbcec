import type { Connection } from "#client";
import { FRAME_EVENT, type PushName, type PushPayload } from "#protocol";

/** The pack that the server under test uses, for tests that run the pool in their own process. */
export const modelDir = process.env.PARLANCE_MODEL_DIR ?? new URL("../../models/en", import.meta.url).pathname;

export const FRAME_SAMPLES = 320;

/** One `drill.frame` message. */
export function frameOf(number: number, pcm: Int16Array): Uint8Array {
  const bytes = new Uint8Array(4 + pcm.length * 2);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number, true);
  pcm.forEach((sample, i) => {
    view.setInt16(4 + 2 * i, sample, true);
  });
  return bytes;
}

/** Sends audio at once as 20 ms frames, numbered from `first`; returns the next number. Keep it under 10 s. */
export function sendFrames(connection: Connection, pcm: Int16Array, first = 0): number {
  let number = first;
  for (let at = 0; at < pcm.length; at += FRAME_SAMPLES)
    connection.send(FRAME_EVENT, frameOf(number++, pcm.subarray(at, at + FRAME_SAMPLES)));
  return number;
}

/** Resolves to the next push of that name for which `fits` holds. */
export function nextPush<P extends PushName>(
  connection: Connection,
  name: P,
  fits: (payload: PushPayload<P>) => boolean = () => true,
): Promise<PushPayload<P>> {
  return new Promise((resolve) => {
    const stop = connection.on(name, (payload) => {
      if (!fits(payload)) return;
      stop();
      resolve(payload);
    });
  });
}

/** A second of this is 16,000 samples. */
export function silence(seconds: number): Int16Array {
  return new Int16Array(Math.round(16_000 * seconds));
}

export function join(...parts: Int16Array[]): Int16Array {
  const joined = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** What the order of a judgement hangs on. */
export type Judgement = {
  type: "phoneme" | "word" | "unheard" | "result";
  word?: number;
  index?: number;
  final?: boolean;
};

/** What is wrong with the order of judgements of a whole reading: nothing, if rule DRILL-10 holds. */
export function orderFaults(events: readonly Judgement[], words: readonly { phones: number }[]): string[] {
  const faults: string[] = [];
  let expectedWord = 0;
  let expectedIndex = 0;
  events.forEach((event, at) => {
    if (event.type === "result") {
      if (at !== events.length - 1) faults.push("something follows the result");
      return;
    }
    if (event.type === "unheard") return;
    const { word = -1, index = -1, final } = event;
    if (event.type === "word") {
      if (word !== expectedWord) faults.push(`word ${word} is judged when ${expectedWord} was due`);
      if (expectedIndex !== words[word]?.phones) faults.push(`word ${word} is judged after ${expectedIndex} phones`);
      expectedWord += 1;
      expectedIndex = 0;
      return;
    }
    if (final && (word !== expectedWord || index !== expectedIndex)) faults.push(`phone ${word}.${index} out of turn`);
    if (final) expectedIndex += 1;
    else if (word < expectedWord || (word === expectedWord && index < expectedIndex))
      faults.push(`phone ${word}.${index} is provisional after it was final`);
  });
  if (expectedWord !== words.length) faults.push(`${expectedWord} of ${words.length} words were judged`);
  if (events.at(-1)?.type !== "result") faults.push("no result");
  return faults;
}
