// Usage: node training/dump-head.ts SPEECH_DIR WORK_DIR POSTERIORS OUT_PREFIX SEED [REVIEW_POSTERIORS]
// Runs the serving scorer over stored held-out posteriors and writes what the head is trained on: OUT_PREFIX.f32 (a
// row of features per phone that was taken) and OUT_PREFIX.json. Besides the true text each sentence may be read
// against a text with a word too many, with phones exchanged, or against another sentence altogether: there the
// phones that were not said are known to be wrong. OUT_PREFIX.whole.f32 describes the same phones once the whole sentence
// is known, also by the posteriors of the model that hears whole readings where there is one.
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { STEP_MELS } from "../workers/phoneme/acoustic.ts";
import type { PhoneTrace } from "../workers/phoneme/live-judge.ts";
import type { PackManifest } from "../workers/phoneme/pack.ts";
import { placeAnew } from "../workers/phoneme/placement.ts";
import {
  levelOf,
  readingFeatureCount,
  readingFeatures,
  type WholeReading,
} from "../workers/phoneme/reading-features.ts";
import { paceOf } from "../workers/phoneme/reading-result.ts";
import { featureCount, type Posteriors } from "../workers/phoneme/segment-features.ts";
import { SentenceScorer } from "../workers/phoneme/sentence.ts";
import { type Indexed, PHONES, phonesOf, readIndex, readSentences, type Sentence } from "./corpus.ts";
import { randomFrom } from "./random.ts";

const [speechDir = "", workDir = "", posteriorFile = "", outPrefix = "", seed = "1", reviewFile] =
  process.argv.slice(2);
const SILENCE = PHONES.length - 1;

/** [expected, said]: exchanges that learners make. The audio holds `said`, so a text that expects `expected` is wrong there. */
const EXCHANGES =
  "TH S,TH T,TH F,DH D,DH Z,V W,V F,W V,R L,L R,L N,N L,IH IY,IY IH,AE EH,EH AE,EY EH,EH EY,UH UW,UW UH,N NG,NG N,Z S,S Z,SH S,S SH,ZH SH,JH CH,B P,P B,D T,T D,G K,K G,AH AA,AA AH,AO OW,OW AO,AO AA,ER AH,AH ER,AW AA,AY AE,HH F,Y JH,M N"
    .split(",")
    .map((pair) => pair.split(" ") as [string, string]);

type Kind = "true" | "inserted" | "exchanged" | "other";
interface Text {
  kind: Kind;
  words: string[][];
  /** Per word the phones' scores from 0 to 2, or -1 where unknown. */
  scores: number[][];
  /** Per word 0 to 10, or -1. */
  wordScores: number[];
}

const thresholds = { good: 60, poor: 30, mispronounced: 50 };
const manifest = {
  phones: PHONES,
  durations: JSON.parse(readFileSync(join(workDir, "durations.json"), "utf8")),
  thresholds,
  resultThresholds: thresholds,
} as unknown as PackManifest;

const { scored } = readSentences(speechDir);
const random = randomFrom(Number(seed));
const pick = <T>(items: T[]): T => items[Math.floor(random() * items.length)] as T;

const trueText = (sentence: Sentence): Text => ({
  kind: "true",
  words: phonesOf(sentence),
  scores: (sentence.words ?? []).map((word) => word.phones_accuracy),
  wordScores: (sentence.words ?? []).map((word) => word.accuracy),
});

function inserted(sentence: Sentence): Text {
  const text = trueText(sentence);
  const extra = pick(phonesOf(pick(scored)));
  const at = Math.floor(random() * (text.words.length + 1));
  return {
    kind: "inserted",
    words: text.words.toSpliced(at, 0, extra),
    scores: text.scores.toSpliced(
      at,
      0,
      extra.map(() => 0),
    ),
    wordScores: text.wordScores.map(() => -1).toSpliced(at, 0, 0),
  };
}

function exchanged(sentence: Sentence): Text {
  const text = trueText(sentence);
  const words = text.words.map((word) => [...word]);
  const scores = text.scores.map((word) => [...word]);
  for (const [w, word] of words.entries()) {
    for (const [p, said] of word.entries()) {
      if ((scores[w]?.[p] ?? 0) < 1.8 || random() > 0.12) continue;
      const options = EXCHANGES.filter(([, s]) => s === said);
      if (options.length === 0) continue;
      word[p] = pick(options)[0];
      (scores[w] as number[])[p] = 0.3;
    }
  }
  return { kind: "exchanged", words, scores, wordScores: text.wordScores.map(() => -1) };
}

function other(): Text {
  const words = phonesOf(pick(scored));
  return { kind: "other", words, scores: words.map((word) => word.map(() => 0)), wordScores: words.map(() => 0) };
}

const width = featureCount(PHONES.length);
const out = openSync(`${outPrefix}.f32`, "w");
const posteriors = openSync(posteriorFile, "r");
const reviewPosteriors = reviewFile ? openSync(reviewFile, "r") : null;
const wholeOut = openSync(`${outPrefix}.whole.f32`, "w");
const melFile = openSync(join(workDir, "mel.f32"), "r");
let unplaced = 0;
const sequences: unknown[] = [];
let rows = 0;
const lost: Record<string, [number, number]> = {};
const delays: number[] = [];

function dump(entry: Indexed, sentence: Sentence, text: Text, logp: Float32Array, whole: WholeReading): void {
  const phones: (PhoneTrace & { hasNext: boolean })[] = [];
  let openPhone: (PhoneTrace & { hasNext: boolean }) | undefined;
  const scorer = new SentenceScorer(
    text.words.map((word) => ({ text: "", pronunciations: [word] })),
    manifest,
    null,
    (event) => {
      // A final that comes before the next phone was taken is one that had to do without it.
      if (event.type === "phoneme" && event.final && openPhone === phones.at(-1)) openPhone = undefined;
    },
    (trace) => {
      if (openPhone) openPhone.hasNext = true;
      openPhone = { ...trace, hasNext: false };
      phones.push(openPhone);
    },
  );
  for (let step = 0; step < entry.steps; step++) scorer.push(logp, step * PHONES.length);
  scorer.finish(entry.samples / 16);
  lost[text.kind] ??= [0, 0];
  const count = lost[text.kind] as [number, number];
  count[0] += phones.length;
  count[1] += text.words.flat().length;
  if (phones.length === 0) return;
  if (text.kind === "true") for (const phone of phones) delays.push(phone.at - phone.end);
  for (const phone of phones) writeSync(out, new Uint8Array(phone.features.buffer));
  for (const row of describe(whole, phones, text)) writeSync(wholeOut, new Uint8Array(row.buffer));
  const id = (word: number, index: number): number => {
    const phone = text.words[word]?.[index];
    return phone === undefined ? SILENCE : PHONES.indexOf(phone);
  };
  const pace = paceOf(phones);
  sequences.push({
    utt: entry.utt,
    spk: entry.spk,
    age: sentence.age,
    kind: text.kind,
    row: rows,
    word: phones.map((p) => p.word),
    phone: phones.map((p) => id(p.word, p.index)),
    prev: phones.map((p) => id(p.word, p.index - 1)),
    next: phones.map((p) => id(p.word, p.index + 1)),
    hasNext: phones.map((p) => (p.hasNext ? 1 : 0)),
    score: phones.map((p) => text.scores[p.word]?.[p.index] ?? -1),
    wordScore: text.wordScores,
    sentence: text.kind === "true" ? [sentence.accuracy, sentence.fluency, sentence.total] : [-1, -1, -1],
    pace: [pace.phonesPerSecond / 10, pace.pauseShare, Math.log1p(pace.longestPauseSteps)],
  });
  rows += phones.length;
}

const posteriorsOf = (logp: Float32Array): Posteriors => {
  const classes = PHONES.length;
  const at = (step: number, phone: number): number => logp[step * classes + phone] as number;
  return { classes, oldest: 0, steps: logp.length / classes, at };
};

/** The same phones placed anew and described by the whole sentence. */
function describe(whole: WholeReading, phones: PhoneTrace[], text: Text): Float32Array[] {
  const told = phones.map(({ word, index, start, end }) => {
    return { word, phone: PHONES.indexOf(text.words[word]?.[index] as string), start, end };
  });
  const placed = placeAnew(told, whole.posteriors);
  if (!placed) unplaced++;
  const anew = told.map((phone, i) => ({ ...phone, ...placed?.[i] }));
  return readingFeatures(anew, whole, manifest.durations);
}

/** How loud each step is: its mean log-mel. */
function levelsOf(entry: Indexed): Float32Array {
  const mels = new Float32Array(entry.steps * STEP_MELS);
  readSync(melFile, new Uint8Array(mels.buffer), 0, mels.byteLength, entry.melFrame * (STEP_MELS / 2) * 4);
  return Float32Array.from({ length: entry.steps }, (_, step) =>
    levelOf(mels.subarray(step * STEP_MELS, (step + 1) * STEP_MELS)),
  );
}

function read(file: number, entry: Indexed): Float32Array {
  const logp = new Float32Array(entry.steps * PHONES.length);
  readSync(file, new Uint8Array(logp.buffer), 0, logp.byteLength, entry.labelStep * PHONES.length * 4);
  return logp;
}

for (const [i, entry] of readIndex(workDir).entries()) {
  if (!entry.scored) break;
  const sentence = scored[i] as Sentence;
  const logp = read(posteriors, entry);
  const review = reviewPosteriors === null ? null : posteriorsOf(read(reviewPosteriors, entry));
  const whole = { posteriors: posteriorsOf(logp), review, levels: levelsOf(entry) };
  dump(entry, sentence, trueText(sentence), logp, whole);
  if (random() < 0.3) dump(entry, sentence, inserted(sentence), logp, whole);
  if (random() < 0.5) dump(entry, sentence, exchanged(sentence), logp, whole);
  if (random() < 0.2) dump(entry, sentence, other(), logp, whole);
}
for (const file of [out, posteriors, reviewPosteriors, wholeOut, melFile]) if (file !== null) closeSync(file);
writeFileSync(
  `${outPrefix}.json`,
  JSON.stringify({ width, wholeWidth: readingFeatureCount(PHONES.length, reviewFile ? 2 : 1), sequences }),
);
delays.sort((a, b) => a - b);
const at = (share: number): number => (delays[Math.floor(share * (delays.length - 1))] ?? 0) * 20;
console.log(`${unplaced} sentences not placed anew`);
console.log("phones taken of phones expected:", JSON.stringify(lost));
console.log(`from a phone's end to its being taken: median ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`);
