// Usage: node training/dump-prosody.ts SPEECH_DIR WORK_DIR PACK_PREFIX FOLDS OUT_JSON
// Reads every sentence of the training half with the pack that never heard its speaker (PACK_PREFIX<fold>), by the serving
// engine, and writes the numbers that its prosody and its words' stress are judged by, with the experts' scores.
import { writeFileSync } from "node:fs";
import { type ExpectedWord, ScoringEngine } from "../workers/phoneme/engine.ts";
import { loadPack } from "../workers/phoneme/pack.ts";
import type { Syllables } from "../workers/phoneme/syllables.ts";
import { phonesOf, readIndex, readSamples, readSentences, type Sentence } from "./corpus.ts";
import { foldsBySpeaker } from "./folds.ts";

const [speechDir = "", workDir = "", packPrefix = "", folds = "3", outFile = ""] = process.argv.slice(2);
const BATCH = 32;

const index = readIndex(workDir).filter((entry) => entry.scored);
const { scored: sentences } = readSentences(speechDir);
const foldOf = foldsBySpeaker(index, Number(folds));
const rows: unknown[] = [];
const words: unknown[] = [];

/** The corpus's own pronunciations, with the syllable that carries the main stress. */
function textOf(sentence: Sentence): ExpectedWord[] {
  return phonesOf(sentence).map((phones, w) => {
    const vowels = (sentence.words?.[w]?.phones ?? []).filter((phone) => /^[AEIOU]/.test(phone));
    const stress = vowels.length > 1 ? vowels.findIndex((vowel) => vowel.endsWith("1")) : -1;
    return { text: "", pronunciations: [phones], stress: [stress] };
  });
}

for (let fold = 0; fold < Number(folds); fold++) {
  // The judge is asked right before its sentence's result is told.
  let asked: Float32Array | null = null;
  let heard: (Syllables & { expected: number })[] = [];
  const prosody = {
    judge: (measures: Float32Array) => {
      asked = measures;
      return { prosody: 0, fluency: 0 };
    },
  };
  const stress = {
    heard: (syllables: Syllables, expected: number) => {
      heard.push({ ...syllables, expected });
      return undefined;
    },
  };
  const pack = { ...(await loadPack(`${packPrefix}${fold}`)), prosody, stress };
  const engine = new ScoringEngine(pack, { maxBatch: BATCH });
  const waiting = index
    .map((entry, i) => ({ entry, sentence: sentences[i] as Sentence }))
    .filter(({ entry }) => foldOf.get(entry.spk) === fold);
  while (waiting.length > 0 || engine.size > 0) {
    while (engine.size < BATCH && waiting.length > 0) {
      const { entry, sentence } = waiting.pop() as (typeof waiting)[number];
      const stream = engine.open(textOf(sentence), (event) => {
        if (event.type !== "result" || !asked) return;
        const { spk, utt, prosodic, fluency } = sentence;
        rows.push({ utt, spk, measures: [...asked], prosody: prosodic, fluency });
        for (const { word, vowels, ...rest } of heard) {
          const rated = sentence.words?.[word]?.stress;
          words.push({ spk, rated, vowels: vowels.map((vowel) => pack.phones[vowel]), ...rest });
        }
        asked = null;
        heard = [];
      });
      stream.push(readSamples(workDir, entry));
      stream.end();
    }
    while (await engine.step()) if (engine.size < BATCH && waiting.length > 0) break;
  }
}
writeFileSync(outFile, JSON.stringify({ rows, words }));
console.log(`${rows.length} readings, ${words.length} words with a stress`);
