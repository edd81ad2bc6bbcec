// Usage: node training/evaluate.ts SPEECH_DIR WORK_DIR PACK_PREFIX FOLDS OUT_JSON
// Scores every sentence of the training half with the pack that never heard its speaker (PACK_PREFIX<fold>), by the
// serving engine on the samples themselves, and writes one line per sentence and the metrics.
import { writeFileSync } from "node:fs";
import { ScoringEngine } from "../workers/phoneme/engine.ts";
import type { ScoreEvent } from "../workers/phoneme/events.ts";
import { loadPack } from "../workers/phoneme/pack.ts";
import { phonesOf, readIndex, readSamples, readSentences, type Sentence } from "./corpus.ts";
import { foldsBySpeaker } from "./folds.ts";
import { measure, type Scored } from "./metrics.ts";

const [speechDir = "", workDir = "", packPrefix = "", folds = "3", outFile = ""] = process.argv.slice(2);
const BATCH = 32;

const index = readIndex(workDir).filter((entry) => entry.scored);
const { scored: sentences } = readSentences(speechDir);
const foldOf = foldsBySpeaker(index, Number(folds));
const results: Scored[] = [];

for (let fold = 0; fold < Number(folds); fold++) {
  const engine = new ScoringEngine(await loadPack(`${packPrefix}${fold}`), { maxBatch: BATCH });
  const waiting = index
    .map((entry, i) => ({ entry, sentence: sentences[i] as Sentence }))
    .filter(({ entry }) => foldOf.get(entry.spk) === fold);
  while (waiting.length > 0 || engine.size > 0) {
    while (engine.size < BATCH && waiting.length > 0) {
      const { entry, sentence } = waiting.pop() as (typeof waiting)[number];
      const events: ScoreEvent[] = [];
      const words = phonesOf(sentence).map((phones, w) => ({
        text: sentence.words?.[w]?.text ?? "",
        pronunciations: [phones],
      }));
      const stream = engine.open(words, (event) => {
        events.push(event);
        if (event.type === "result") results.push({ sentence, events, fold });
      });
      stream.push(readSamples(workDir, entry));
      stream.end();
    }
    while (await engine.step()) if (engine.size < BATCH && waiting.length > 0) break;
  }
}

const metrics = measure(results);
writeFileSync(outFile, `${JSON.stringify(metrics, null, 1)}\n`);
console.log(JSON.stringify(metrics, null, 1));
