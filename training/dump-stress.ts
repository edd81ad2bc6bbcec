// Usage: node training/dump-stress.ts SPEECH_DIR WORK_DIR PACK_DIR POSTERIORS NATIVE_POSTERIORS OUT_JSON
// Writes, for every word of several syllables whose stress is known, what each of its syllables was like: of native readers,
// who stress words rightly, and of the scored sentences with the experts' word for it.
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Lexicon } from "../src/phonemes/lexicon.ts";
import type { PhoneTrace } from "../workers/phoneme/live-judge.ts";
import type { PackManifest } from "../workers/phoneme/pack.ts";
import { PitchTracker } from "../workers/phoneme/pitch.ts";
import { SentenceScorer } from "../workers/phoneme/sentence.ts";
import { syllablesOf } from "../workers/phoneme/stress.ts";
import { vowelsOf } from "../workers/phoneme/vowels.ts";
import { PHONES, phonesOf, readIndex, readSamples, readSentences, type Sentence } from "./corpus.ts";

const [speechDir = "", workDir = "", packDir = "", posteriorFile = "", nativeFile = "", outFile = ""] =
  process.argv.slice(2);
const manifest = JSON.parse(readFileSync(join(packDir, "manifest.json"), "utf8")) as PackManifest;
const lexicon = new Lexicon({ modelDir: packDir });
const vowels = vowelsOf(PHONES);
const isVowel = (phone: string): boolean => vowels.all.includes(PHONES.indexOf(phone.replace(/\d/, "")));

type Expected = { text: string; pronunciations: string[][]; stress: number[] };

/** The corpus's own pronunciations; words of one syllable carry no stress there. */
const scoredText = (sentence: Sentence): Expected[] =>
  phonesOf(sentence).map((phones, w) => {
    const vowels = (sentence.words?.[w]?.phones ?? []).filter(isVowel);
    return { text: "", pronunciations: [phones], stress: [vowels.findIndex((vowel) => vowel.endsWith("1"))] };
  });

async function nativeText(sentence: Sentence): Promise<Expected[] | null> {
  try {
    return (await lexicon.words(sentence.text)).map((word) => ({ ...word, stress: word.stress ?? [] }));
  } catch {
    return null; // Too long for a drill, or a word that nobody can read.
  }
}

const { scored, native } = readSentences(speechDir);
const sentences = [...scored, ...native];
const files = { scored: openSync(posteriorFile, "r"), native: openSync(nativeFile, "r") };
const words: unknown[] = [];
for (const [i, entry] of readIndex(workDir).entries()) {
  const sentence = sentences[i] as Sentence;
  if (entry.utt !== sentence.utt) throw new Error(`index and corpus differ at ${entry.utt}`);
  const text = entry.scored ? scoredText(sentence) : await nativeText(sentence);
  if (!text || entry.steps === 0) continue;
  const logp = new Float32Array(entry.steps * PHONES.length);
  const file = entry.scored ? files.scored : files.native;
  readSync(file, new Uint8Array(logp.buffer), 0, logp.byteLength, entry.labelStep * PHONES.length * 4);
  const taken: PhoneTrace[] = [];
  let said: string[][] = [];
  const scorer = new SentenceScorer(
    text,
    manifest,
    null,
    (event) => {
      if (event.type === "result") said = event.words.map((word) => word.phones.map(({ phone }) => phone));
    },
    (trace) => taken.push(trace),
  );
  for (let step = 0; step < entry.steps; step++) scorer.push(logp, step * PHONES.length);
  scorer.finish(entry.samples / 16);
  const tracker = new PitchTracker();
  tracker.push(readSamples(workDir, entry));
  const phones = taken.map(({ word, index, start, end, features }) => {
    return { word, start, end, phone: PHONES.indexOf(said[word]?.[index] as string), features };
  });
  for (const syllables of syllablesOf(phones, tracker.track(), manifest.durations, vowels)) {
    const own = said[syllables.word]?.join(" ");
    const chosen = text[syllables.word]?.pronunciations.findIndex((phones) => phones.join(" ") === own) ?? -1;
    const expected = text[syllables.word]?.stress[chosen] ?? -1;
    if (expected < 0 || syllables.vowels.length !== own?.split(" ").filter(isVowel).length) continue;
    const rated = sentence.words?.[syllables.word]?.stress;
    const names = syllables.vowels.map((vowel) => PHONES[vowel]);
    words.push({ spk: entry.spk, scored: entry.scored, rated, expected, vowels: names, measures: syllables.measures });
  }
}
closeSync(files.scored);
closeSync(files.native);
writeFileSync(outFile, JSON.stringify({ words }));
console.log(`${words.length} words`);
