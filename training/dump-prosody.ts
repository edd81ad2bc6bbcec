// Usage: node training/dump-prosody.ts SPEECH_DIR WORK_DIR PACK_PREFIX FOLDS OUT_JSON
// Reads every sentence of the training half with the pack that never heard its speaker (PACK_PREFIX<fold>), by the serving
// engine, and writes the numbers that its prosody is judged by, with the experts' scores.
import { writeFileSync } from "node:fs";
import { ScoringEngine } from "../workers/phoneme/engine.ts";
import { loadPack } from "../workers/phoneme/pack.ts";
import { phonesOf, readIndex, readSamples, readSentences, type Sentence } from "./corpus.ts";
import { foldsBySpeaker } from "./folds.ts";

const [speechDir = "", workDir = "", packPrefix = "", folds = "3", outFile = ""] = process.argv.slice(2);
const BATCH = 32;

const index = readIndex(workDir).filter((entry) => entry.scored);
const { scored: sentences } = readSentences(speechDir);
const foldOf = foldsBySpeaker(index, Number(folds));
const rows: unknown[] = [];

for (let fold = 0; fold < Number(folds); fold++) {
  // The judge is asked right before its sentence's result is told.
  let asked: Float32Array | null = null;
  const prosody = {
    judge: (measures: Float32Array) => {
      asked = measures;
      return { prosody: 0, fluency: 0 };
    },
  };
  const engine = new ScoringEngine({ ...(await loadPack(`${packPrefix}${fold}`)), prosody }, { maxBatch: BATCH });
  const waiting = index
    .map((entry, i) => ({ entry, sentence: sentences[i] as Sentence }))
    .filter(({ entry }) => foldOf.get(entry.spk) === fold);
  while (waiting.length > 0 || engine.size > 0) {
    while (engine.size < BATCH && waiting.length > 0) {
      const { entry, sentence } = waiting.pop() as (typeof waiting)[number];
      const words = phonesOf(sentence).map((phones) => ({ text: "", pronunciations: [phones] }));
      const stream = engine.open(words, (event) => {
        if (event.type !== "result" || !asked) return;
        const { spk, utt, prosodic, fluency } = sentence;
        rows.push({ utt, spk, measures: [...asked], prosody: prosodic, fluency });
        asked = null;
      });
      stream.push(readSamples(workDir, entry));
      stream.end();
    }
    while (await engine.step()) if (engine.size < BATCH && waiting.length > 0) break;
  }
}
writeFileSync(outFile, JSON.stringify({ rows }));
console.log(`${rows.length} readings`);
