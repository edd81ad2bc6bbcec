// Usage: node training/realign.ts SPEECH_DIR WORK_DIR POSTERIORS LABELS_OUT
// Places every sentence's phones by the serving aligner over stored log posteriors (the whole sentence known) and
// writes new labels.
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Aligner, type PathPhone } from "../workers/phoneme/aligner.ts";
import { type Indexed, PHONES, phonesOf, readIndex, readSentences, type Sentence } from "./corpus.ts";

const [speechDir = "", workDir = "", posteriorFile = "", outFile = ""] = process.argv.slice(2);
const SILENCE = PHONES.length - 1;

/** A sentence's phones word by word; of native sentences the first aligner's choice of pronunciation is kept. */
function textOf(sentence: Sentence): string[][] {
  if (sentence.words) return phonesOf(sentence);
  const words: string[][] = [];
  for (const [phone, , , , word] of sentence.align ?? []) {
    if (word < 0 || phone === "SIL" || phone.startsWith("+")) continue;
    words[word] ??= [];
    words[word].push(phone);
  }
  return words.filter((phones) => phones);
}

const { scored, native } = readSentences(speechDir);
const sentences = [...scored, ...native];
const index = readIndex(workDir);
const before = new Uint8Array(readFileSync(join(workDir, "labels.u8")));
const labels = Uint8Array.from(before);
const weights = new Uint8Array(readFileSync(join(workDir, "weights.u8")));
const newWeights = Uint8Array.from(weights);
const file = openSync(posteriorFile, "r");
let kept = 0;
let moved = 0;
let changed = 0;
for (const [i, entry] of index.entries()) {
  const sentence = sentences[i] as Sentence;
  const { utt, steps, labelStep } = entry as Indexed;
  if (utt !== sentence.utt) throw new Error(`index and corpus differ at ${utt}`);
  const text = textOf(sentence);
  const logp = new Float32Array(steps * PHONES.length);
  readSync(file, new Uint8Array(logp.buffer), 0, logp.byteLength, labelStep * PHONES.length * 4);
  const aligner = new Aligner(
    text.map((phones) => [phones.map((phone) => PHONES.indexOf(phone))]),
    SILENCE,
  );
  for (let step = 0; step < steps; step++) aligner.advance(logp, step * PHONES.length);
  const { path, inside, start } = aligner.end(0);
  const last: PathPhone | null = inside ? { ...inside, start, end: steps, prev: path } : path;
  const placed: PathPhone[] = [];
  for (let phone = last; phone; phone = phone.prev) if (phone.index >= 0) placed.push(phone);
  if (placed.length !== text.flat().length) {
    kept++;
    continue;
  }
  moved++;
  const scores = sentence.words?.flatMap((word) => word.phones_accuracy);
  const fresh = new Uint8Array(steps).fill(SILENCE);
  const freshWeights = new Uint8Array(steps).fill(100);
  for (const [k, phone] of placed.reverse().entries()) {
    fresh.fill(PHONES.indexOf(text[phone.word]?.[phone.index] as string), phone.start, phone.end);
    if (!scores) continue;
    const score = scores[k] as number;
    freshWeights.fill(score >= 1.6 ? 100 : score >= 1 ? 30 : 0, phone.start, phone.end);
  }
  for (let step = 0; step < steps; step++) {
    // Between words the search takes other speech as a gap: what is no silence there teaches nothing.
    const isGap = fresh[step] === SILENCE;
    if (isGap && (logp[step * PHONES.length + SILENCE] as number) < Math.log(0.2)) freshWeights[step] = 0;
    if (fresh[step] !== before[labelStep + step]) changed++;
  }
  labels.set(fresh, labelStep);
  newWeights.set(freshWeights, labelStep);
}
closeSync(file);
writeFileSync(outFile, labels);
writeFileSync(outFile.replace("labels", "weights"), newWeights);
console.log(
  `${moved} sentences placed anew, ${kept} kept; ${((100 * changed) / labels.length).toFixed(1)}% of steps changed`,
);
