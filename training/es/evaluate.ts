// Usage: node training/es/evaluate.ts PACK_DIR OUT_JSON DIR=VOICE,VOICE…
// How a pack judges synthetic voices that it never heard: phones that were said, phones that were planted in the text, whole other texts.
import { writeFileSync } from "node:fs";
import { type ExpectedWord, type ScoreEvent, ScoringEngine } from "../../workers/phoneme/engine.ts";
import { loadPack } from "../../workers/phoneme/pack.ts";
import { type Reading, readings } from "./readings.ts";

const [packDir = "", out = "", ...sources] = process.argv.slice(2);
const pack = await loadPack(packDir);
const engine = new ScoringEngine(pack);

async function resultOf(words: ExpectedWord[], pcm: Int16Array) {
  let result: Extract<ScoreEvent, { type: "result" }> | undefined;
  const stream = engine.open(words, (event) => {
    if (event.type === "result") result = event;
  });
  stream.push(pcm);
  stream.end();
  while (await engine.step());
  return result as Extract<ScoreEvent, { type: "result" }>;
}

const sorted = (values: number[]): number[] => values.toSorted((a, b) => a - b);
const quantile = (values: number[], share: number): number => sorted(values)[Math.floor(values.length * share)] ?? 0;
const below = (values: number[], limit: number): number =>
  Math.round((1000 * values.filter((v) => v < limit).length) / values.length) / 1000;
function count(into: Record<string, number>, key: string): void {
  into[key] = (into[key] ?? 0) + 1;
}

/** Scores of what voices said and of what was planted, and the outcomes with the right text and with another one. */
async function measure(source: string) {
  const found = { said: [] as number[], planted: [] as number[], words: [] as number[], right: {}, other: {} };
  let before: Reading | undefined;
  for await (const reading of readings(source, 7)) {
    const { planted } = reading;
    const result = await resultOf(reading.words, reading.pcm);
    if (planted.size === 0) {
      count(found.right, result.outcome);
      found.words.push(...result.words.map((word) => word.score));
    }
    for (const [w, word] of result.words.entries())
      for (const [i, { score }] of word.phones.entries()) {
        if (planted.has(`${w}.${i}`)) found.planted.push(score);
        // The neighbours of what was not said are not counted.
        else if (!planted.has(`${w}.${i - 1}`) && !planted.has(`${w}.${i + 1}`)) found.said.push(score);
      }
    if (before) count(found.other, (await resultOf(before.words, reading.pcm)).outcome);
    before = reading;
  }
  return found;
}

const all = [];
for (const source of sources) all.push(await measure(source));
// The last voices are the strangest, so they set the limits: nearly as often as people's right sounds theirs must not be red.
const strangest = all.at(-1) as (typeof all)[number];
const thresholds = {
  poor: quantile(strangest.said, 0.03),
  good: quantile(strangest.said, 0.1),
  mispronounced: quantile(strangest.words, 0.03),
};
const voices = all.map(({ said, planted, right, other }, i) => ({
  voices: sources[i]?.split("=")[1],
  phones: said.length,
  plantedPhones: planted.length,
  falseRed: below(said, thresholds.poor),
  plantedRed: below(planted, thresholds.poor),
  plantedNotGreen: below(planted, thresholds.good),
  plantedRedAt3Percent: below(planted, quantile(said, 0.03)),
  rightText: right,
  otherText: other,
}));
writeFileSync(out, JSON.stringify({ thresholds, voices }, null, 1));
console.log(JSON.stringify({ thresholds, voices }, null, 1));
