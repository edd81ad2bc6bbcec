// Usage: node training/measure-restarts.ts SPEECH_DIR WORK_DIR POSTERIORS [EVERY]
// Cuts stored held-out posteriors of each EVERYth scored sentence at the corpus's word boundaries and puts them together as
// readers do who say things twice, break off, leave out, put in or exchange words, and prints how often the serving code finds
// that, and what it finds in readings as they are. Cuts are abrupt and posteriors know a little of what was before: it is harder than speech.
import { closeSync, openSync, readSync } from "node:fs";
import type { Insertion } from "../workers/phoneme/events.ts";
import { insertionsOf } from "../workers/phoneme/insertions.ts";
import { withMisplaced } from "../workers/phoneme/misplaced-words.ts";
import { courseOf } from "../workers/phoneme/reading-course.ts";
import type { Posteriors } from "../workers/phoneme/segment-features.ts";
import { TextFollower } from "../workers/phoneme/text-follower.ts";
import { type Indexed, PHONES, phonesOf, readIndex, readSentences, type Sentence } from "./corpus.ts";
import { randomFrom } from "./random.ts";

const [speechDir = "", workDir = "", posteriorFile = "", every = "4"] = process.argv.slice(2);
const CLASSES = PHONES.length;
const file = openSync(posteriorFile, "r");
const random = randomFrom(7);
const below = (n: number): number => Math.floor(random() * n);

/** A reading with the steps [start, end) of each phone and word. */
interface Recorded {
  sentence: Sentence;
  text: string[][];
  logp: Float32Array;
  phones: [start: number, end: number][];
  words: [start: number, end: number][];
}

function recorded(entry: Indexed, sentence: Sentence): Recorded | null {
  const text = phonesOf(sentence);
  const placed = (sentence.align ?? []).filter(([phone]) => phone !== "SIL" && !phone.startsWith("+"));
  if (placed.length !== text.flat().length) return null;
  const logp = new Float32Array(entry.steps * CLASSES);
  readSync(file, new Uint8Array(logp.buffer), 0, logp.byteLength, entry.labelStep * CLASSES * 4);
  const phones = placed.map(([, at, length]): [number, number] => [
    Math.round(50 * at),
    Math.round(50 * (at + length)),
  ]);
  let next = 0;
  const words = text.map((word): [number, number] => {
    next += word.length;
    return [phones[next - word.length]?.[0] ?? 0, phones[next - 1]?.[1] ?? 0];
  });
  return { sentence, text, logp, phones, words };
}

/** Steps [from, to) of a reading. */
const cut = ({ logp }: Recorded, from: number, to = Number.POSITIVE_INFINITY): Float32Array =>
  logp.subarray(from * CLASSES, Math.min(logp.length, to * CLASSES));
/** Up to 300 ms of silence. */
function pause(): Float32Array {
  const logp = new Float32Array(below(16) * CLASSES).fill(Math.log(0.02 / (CLASSES - 1)));
  for (let at = CLASSES - 1; at < logp.length; at += CLASSES) logp[at] = Math.log(0.98);
  return logp;
}
const joined = (parts: Float32Array[]): Float32Array => Float32Array.from(parts.flatMap((part) => [...part]));

interface Found {
  insertions: Insertion[];
  omitted: boolean[];
}

function read(text: string[][], logp: Float32Array): Found {
  const ids = text.map((word) => [word.map((phone) => PHONES.indexOf(phone))]);
  const follower = new TextFollower(ids, CLASSES - 1, { said() {}, leftOut() {}, paused() {} });
  const steps = logp.length / CLASSES;
  for (let step = 0; step < steps; step++) follower.advance(logp, step * CLASSES);
  const at = (step: number, phone: number): number => logp[step * CLASSES + phone] as number;
  const posteriors: Posteriors = { classes: CLASSES, oldest: 0, steps, at };
  const course = withMisplaced(courseOf(follower.finish(), ids, posteriors), ids, posteriors);
  const words = text.map((_, w) => ({ text: String(w), pronunciations: [] }));
  return {
    insertions: insertionsOf(course, words, posteriors),
    omitted: text.map((_, w) => !course.counts.get(w)?.whole),
  };
}

const plants = new Map<string, { readings: number; found: number; words: number; wronglyOmitted: number }>();

/** Reads what was put together. `missing` are the words that may be left out. */
function plant(
  name: string,
  { text }: Recorded,
  parts: Float32Array[],
  found: (f: Found) => boolean,
  missing: number[] = [],
): void {
  const result = read(text, joined(parts));
  const count = plants.get(name) ?? { readings: 0, found: 0, words: 0, wronglyOmitted: 0 };
  plants.set(name, count);
  count.readings++;
  if (found(result)) count.found++;
  count.words += text.length;
  count.wronglyOmitted += result.omitted.filter((omitted, w) => omitted && !missing.includes(w)).length;
}

/** Whether something was said again, or broken off, that has word `w` in it. */
const retaken =
  (w: number) =>
  ({ insertions }: Found): boolean =>
    insertions.some(({ text }) => text?.split(" ").some((word) => word.replace("-", "") === String(w)));

function plantAll(reading: Recorded, other: Recorded | undefined): void {
  const { text, phones, words } = reading;
  const startOf = (w: number): number => words[w]?.[0] ?? 0;
  const endOf = (w: number): number => words[w]?.[1] ?? 0;
  const again = below(text.length);
  const length = (text[again] as string[]).length > 2 ? "a word of three phones or more" : "a shorter word";
  plant(
    `said twice: ${length}`,
    reading,
    [cut(reading, 0, endOf(again)), pause(), cut(reading, startOf(again))],
    retaken(again),
  );
  if (text.length > 2) {
    const last = 1 + below(text.length - 1);
    plant(
      "begun anew from the start",
      reading,
      [cut(reading, 0, endOf(last)), pause(), cut(reading, startOf(0))],
      retaken(0),
    );
  }
  const long = [...text.keys()].filter((w) => (text[w] as string[]).length >= 3);
  const w = long[below(long.length)];
  if (w === undefined) return;
  const first = text.slice(0, w).flat().length;
  const half = Math.max(2, (text[w] as string[]).length >> 1);
  const broken = cut(reading, 0, phones[first + half - 1]?.[1] ?? 0);
  plant("broken off and said again", reading, [broken, pause(), cut(reading, startOf(w))], retaken(w));
  if (w > 0)
    plant(
      "broken off, and again from the word before",
      reading,
      [broken, pause(), cut(reading, startOf(w - 1))],
      (found) => retaken(w)(found) || retaken(w - 1)(found),
    );
  plant("left out", reading, [cut(reading, 0, startOf(w)), cut(reading, endOf(w))], (f) => f.omitted[w] === true, [w]);
  const put =
    other?.text.findIndex((word) => word.length >= 3 && !text.some((own) => own.join() === word.join())) ?? -1;
  if (other && put >= 0)
    plant(
      "another word put in",
      reading,
      [cut(reading, 0, startOf(w)), cut(other, ...(other.words[put] as [number, number])), cut(reading, startOf(w))],
      ({ insertions }) => insertions.some(({ beforeWord }) => Math.abs(beforeWord - w) <= 1),
    );
  if (w + 1 < text.length && (text[w + 1] as string[]).length > 1)
    plant(
      "exchanged with the next word",
      reading,
      [
        cut(reading, 0, startOf(w)),
        cut(reading, startOf(w + 1), endOf(w + 1)),
        cut(reading, startOf(w), endOf(w)),
        cut(reading, endOf(w + 1)),
      ],
      ({ insertions }) => insertions.some(({ kind }) => kind === "misplaced"),
      [w, w + 1],
    );
}

const { scored } = readSentences(speechDir);
const all = readIndex(workDir)
  .filter((entry) => entry.scored)
  .map((entry, i) => ({ entry, sentence: scored[i] as Sentence }));
const asTheyAre = { words: 0, omitted: 0, repetition: 0, restart: 0, misplaced: 0, other: 0 };
const good = { ...asTheyAre };
let before: Recorded | undefined;
for (const [i, { entry, sentence }] of all.entries()) {
  if (i % Number(every) !== 0) continue;
  const reading = recorded(entry, sentence);
  if (!reading) continue;
  const found = read(reading.text, reading.logp);
  const isGood = (sentence.accuracy ?? 0) >= 7 && (sentence.fluency ?? 0) >= 7;
  for (const counts of isGood ? [asTheyAre, good] : [asTheyAre]) {
    counts.words += reading.text.length;
    counts.omitted += found.omitted.filter((omitted) => omitted).length;
    for (const { kind } of found.insertions) counts[kind]++;
  }
  plantAll(reading, before?.sentence.spk === sentence.spk ? before : undefined);
  before = reading;
}
closeSync(file);
const percent = (count: number, of: number): number => Math.round((1000 * count) / of) / 10;
const perWord = ({ words, ...counts }: typeof asTheyAre) => ({
  words,
  ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, percent(count, words)])),
});
console.log("in readings as they are, in percent of the words:", JSON.stringify(perWord(asTheyAre)));
console.log("in those that experts give 7 or more:", JSON.stringify(perWord(good)));
for (const [name, { readings, found, words, wronglyOmitted }] of plants)
  console.log(
    `${name}: found in ${percent(found, readings)}% of ${readings}; ${percent(wronglyOmitted, words)}% of the other words left out`,
  );
