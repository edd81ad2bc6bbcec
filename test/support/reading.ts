import { dictionary } from "cmu-pronouncing-dictionary";
import { type ExpectedWord, type ScoreEvent, ScoringEngine } from "../../workers/phoneme/engine.ts";
import type { Pack } from "../../workers/phoneme/pack.ts";
import type { SpeakerProfile } from "../../workers/phoneme/profile.ts";

export type Result = Extract<ScoreEvent, { type: "result" }>;
export type PhonemeEvent = Extract<ScoreEvent, { type: "phoneme" }>;

/** A text's words with all the dictionary's pronunciations, without stress. */
export const expectedWords = (text: string): ExpectedWord[] =>
  text.split(" ").map((word) => ({
    text: word,
    pronunciations: [word, `${word}(2)`, `${word}(3)`]
      .flatMap((entry) => dictionary[entry] ?? [])
      .map((phones) => phones.replace(/\d/g, "").split(" ")),
  }));

/** Everything the engine says of `pcm` read as `text`, pushed in chunks of `chunk(i)` samples and stepped after each. */
export async function score(
  pack: Pack,
  pcm: Int16Array,
  text: string,
  chunk: (i: number) => number = () => pcm.length,
  earlier: readonly SpeakerProfile[] = [],
): Promise<ScoreEvent[]> {
  const engine = new ScoringEngine(pack);
  const events: ScoreEvent[] = [];
  const stream = engine.open(expectedWords(text), (event) => events.push(event), undefined, earlier);
  for (let at = 0, i = 0; at < pcm.length; i++) {
    const length = chunk(i);
    stream.push(pcm.subarray(at, at + length));
    at += length;
    while (await engine.step()) {}
  }
  stream.end();
  while (await engine.step()) {}
  return events;
}

export function resultOf(events: ScoreEvent[]): Result {
  const result = events.at(-1);
  if (result?.type !== "result") throw new Error("the last event is no result");
  return result;
}

export const finalsOf = (events: ScoreEvent[]): PhonemeEvent[] =>
  events.filter((event): event is PhonemeEvent => event.type === "phoneme" && event.final);
