// Usage: node training/evaluate.ts SPEECH_DIR WORK_DIR PACK_PREFIX FOLDS OUT_JSON
// Scores every sentence of the training half with the pack that never heard its speaker (PACK_PREFIX<fold>), by the
// serving engine on the samples themselves, and writes the metrics: each speaker's sentences in order, with what the
// earlier ones told of the speaker, and under "cold" each sentence as if it were the speaker's first.
import { writeFileSync } from "node:fs";
import { ScoringEngine } from "../workers/phoneme/engine.ts";
import type { ScoreEvent } from "../workers/phoneme/events.ts";
import { loadPack } from "../workers/phoneme/pack.ts";
import type { SpeakerProfile } from "../workers/phoneme/profile.ts";
import { type Indexed, phonesOf, readIndex, readSamples, readSentences, type Sentence } from "./corpus.ts";
import { foldsBySpeaker } from "./folds.ts";
import { measure, type Scored } from "./metrics.ts";

const [speechDir = "", workDir = "", packPrefix = "", folds = "3", outFile = ""] = process.argv.slice(2);
const BATCH = 32;

interface Recorded {
  entry: Indexed;
  sentence: Sentence;
}

const { scored: sentences } = readSentences(speechDir);
const recorded = readIndex(workDir)
  .filter((entry) => entry.scored)
  .map((entry, i): Recorded => ({ entry, sentence: sentences[i] as Sentence }));
const foldOf = foldsBySpeaker(
  recorded.map(({ entry }) => entry),
  Number(folds),
);

/** Scores readers side by side, each one's sentences in order. */
async function score(engine: ScoringEngine, readers: Recorded[][], warm: boolean, fold: number): Promise<Scored[]> {
  const results: Scored[] = [];
  const waiting = [...readers];
  const begin = (reader: Recorded[], earlier: SpeakerProfile[]): void => {
    const [recorded, ...rest] = reader;
    if (!recorded) return;
    const { entry, sentence } = recorded;
    const events: ScoreEvent[] = [];
    const words = phonesOf(sentence).map((phones, w) => ({
      text: sentence.words?.[w]?.text ?? "",
      pronunciations: [phones],
    }));
    const onEvent = (event: ScoreEvent): void => {
      events.push(event);
      if (event.type !== "result") return;
      results.push({ sentence, events, fold });
      begin(rest, warm && event.profile ? [...earlier, event.profile] : earlier);
    };
    const stream = engine.open(words, onEvent, undefined, earlier);
    stream.push(readSamples(workDir, entry));
    stream.end();
  };
  while (waiting.length > 0 || engine.size > 0) {
    while (engine.size < BATCH && waiting.length > 0) begin(waiting.pop() as Recorded[], []);
    while (await engine.step()) if (engine.size < BATCH && waiting.length > 0) break;
  }
  return results;
}

const warm: Scored[] = [];
const cold: Scored[] = [];
for (let fold = 0; fold < Number(folds); fold++) {
  const engine = new ScoringEngine(await loadPack(`${packPrefix}${fold}`), { maxBatch: BATCH });
  const held = recorded.filter(({ entry }) => foldOf.get(entry.spk) === fold);
  const readers = [...Map.groupBy(held, ({ entry }) => entry.spk).values()];
  warm.push(...(await score(engine, readers, true, fold)));
  const alone = held.map((one) => [one]);
  cold.push(...(await score(engine, alone, false, fold)));
}

const metrics = { ...measure(warm), cold: measure(cold) };
writeFileSync(outFile, `${JSON.stringify(metrics, null, 1)}\n`);
console.log(JSON.stringify(metrics, null, 1));
