/**
 * Trains the letter-to-sound fallback of a language pack from the pronouncing dictionary: letters are aligned with
 * phones by expectation-maximisation, then one decision tree is grown for each letter.
 *
 *   node training/lts.ts [models/en]
 *
 * A tenth of the words is held out for the figures in lts.json; the trees that are written have seen all words.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Dictionary } from "../src/phonemes/dictionary.ts";
import {
  FEATURES,
  featuresOf,
  LEAF,
  type LettersModel,
  NODE_BYTES,
  soundOut,
} from "../src/phonemes/letter-to-sound.ts";

const EM_ROUNDS = 6;
/** A split must save this many bits over all its words; less grows the file and not the accuracy (9 bits: 68 KB and .608 of words; 5: 131 KB, .630; 3: 202 KB, .634). */
const MIN_GAIN_BITS = 3;
const MIN_LEAF = 2;

type Word = { letters: string; phones: string[] };
type Aligned = { letters: string; units: number[] };
type Instance = { features: Uint8Array; unit: number };

const outDir = process.argv[2] ?? "models/en";
const words: Word[] = [];
for (const [word, phones] of (await Dictionary.load()).entries()) {
  // What is spelled out (mtv) or abbreviated (lbs) teaches nothing about reading.
  const readable = /^[a-z]{2,}$/.test(word) && /[aeiouy]/.test(word) && phones.length <= word.length * 1.6;
  if (readable) words.push({ letters: word, phones });
}
words.sort((a, b) => (a.letters < b.letters ? -1 : 1));

const units = [""];
const unitIndex = new Map<string, number>([["", 0]]);
const aligned = align(words);
const isHeldOut = (i: number) => i % 10 === 3;
const held = words.filter((_, i) => isHeldOut(i));
const judged = evaluate(grow(aligned.filter((_, i) => !isHeldOut(i))), held);
const model = grow(aligned.filter((one) => one.units.length > 0));
const metrics = { heldOutWords: held.length, ...judged };
await writeFile(join(outDir, "lts.bin"), model.nodes);
await writeFile(
  join(outDir, "lts.json"),
  `${JSON.stringify({ source: "cmu-pronouncing-dictionary", metrics, units: model.units, roots: model.roots })}\n`,
);
console.log(JSON.stringify({ words: words.length, bytes: model.nodes.length, ...metrics }));

/** What letter `at` may stand for when `rest` phones begin at `from`: nothing, one phone or two. */
function spans(phones: string[], from: number): string[] {
  const choices = [""];
  if (from < phones.length) choices.push(phones[from] ?? "");
  if (from + 1 < phones.length) choices.push(`${phones[from]} ${phones[from + 1]}`);
  return choices;
}

/** The likeliest unit of each letter; words that can't be aligned get none. */
function align(all: Word[]): Aligned[] {
  let chance = new Map<string, number>();
  const of = (letter: string, unit: string) =>
    chance.get(`${letter}|${unit}`) ?? (chance.size === 0 ? (unit.includes(" ") ? 0.01 : unit === "" ? 0.1 : 1) : 1e-7);
  for (let round = 0; round < EM_ROUNDS; round++) {
    const counts = new Map<string, number>();
    const totals = new Map<string, number>();
    for (const word of all) collect(word, of, counts, totals);
    const next = new Map<string, number>();
    for (const [key, count] of counts) if (count > 0.5) next.set(key, count / (totals.get(key[0] ?? "") ?? 1));
    chance = next;
  }
  return all.map((word) => ({ letters: word.letters, units: best(word, of).map(numberOf) }));
}

function numberOf(unit: string): number {
  let number = unitIndex.get(unit);
  if (number === undefined) {
    number = units.push(unit) - 1;
    unitIndex.set(unit, number);
  }
  return number;
}

type Chance = (letter: string, unit: string) => number;

/** Forward-backward over one word: adds the expected uses of each letter and unit. */
function collect({ letters, phones }: Word, of: Chance, counts: Map<string, number>, totals: Map<string, number>) {
  const width = phones.length + 1;
  const forward = new Float64Array((letters.length + 1) * width);
  const backward = new Float64Array((letters.length + 1) * width);
  forward[0] = 1;
  backward[letters.length * width + phones.length] = 1;
  for (let i = 0; i < letters.length; i++)
    for (let j = 0; j < width; j++)
      spans(phones, j).forEach((unit, length) => {
        const to = (i + 1) * width + j + length;
        forward[to] = forward[to]! + forward[i * width + j]! * of(letters[i]!, unit);
      });
  for (let i = letters.length - 1; i >= 0; i--)
    for (let j = 0; j < width; j++)
      spans(phones, j).forEach((unit, length) => {
        const at = i * width + j;
        backward[at] = backward[at]! + backward[(i + 1) * width + j + length]! * of(letters[i]!, unit);
      });
  const whole = backward[0]!;
  if (whole === 0) return;
  for (let i = 0; i < letters.length; i++)
    for (let j = 0; j < width; j++)
      spans(phones, j).forEach((unit, length) => {
        const letter = letters[i]!;
        const use = (forward[i * width + j]! * of(letter, unit) * backward[(i + 1) * width + j + length]!) / whole;
        if (use < 1e-4) return;
        const key = `${letter}|${unit}`;
        counts.set(key, (counts.get(key) ?? 0) + use);
        totals.set(letter, (totals.get(letter) ?? 0) + use);
      });
}

function best({ letters, phones }: Word, of: Chance): string[] {
  const width = phones.length + 1;
  const score = new Float64Array((letters.length + 1) * width).fill(-Infinity);
  const from = new Array<string>((letters.length + 1) * width);
  score[0] = 0;
  for (let i = 0; i < letters.length; i++)
    for (let j = 0; j < width; j++) {
      const here = score[i * width + j]!;
      if (here === -Infinity) continue;
      spans(phones, j).forEach((unit, length) => {
        const to = (i + 1) * width + j + length;
        const value = here + Math.log(of(letters[i]!, unit));
        if (value > score[to]!) {
          score[to] = value;
          from[to] = unit;
        }
      });
    }
  const found: string[] = [];
  for (let i = letters.length, j = phones.length; i > 0; i--) {
    const unit = from[i * width + j];
    if (unit === undefined) return [];
    found.unshift(unit);
    j -= unit === "" ? 0 : unit.split(" ").length;
  }
  return found;
}

function grow(data: Aligned[]): LettersModel {
  const byLetter: Instance[][] = Array.from({ length: 26 }, () => []);
  for (const { letters, units: chosen } of data)
    for (let at = 0; at < chosen.length; at++)
      byLetter[letters.charCodeAt(at) - 97]?.push({ features: featuresOf(letters, at, chosen), unit: chosen[at]! });
  const bytes: number[] = [];
  const roots = byLetter.map((instances) => {
    const root = bytes.length / NODE_BYTES;
    split(instances, bytes);
    return root;
  });
  return { units, roots, nodes: Uint8Array.from(bytes) };
}

/** Appends the tree of these instances. */
function split(instances: Instance[], bytes: number[]): void {
  const found = instances.length >= 2 * MIN_LEAF ? bestQuestion(instances) : null;
  const at = bytes.length;
  if (!found) {
    bytes.push(LEAF, commonest(instances), 0, 0);
    return;
  }
  bytes.push(found.feature, found.value, 0, 0);
  const isYes = ({ features }: Instance) => features[found.feature] === found.value;
  split(instances.filter(isYes), bytes);
  const distance = (bytes.length - at) / NODE_BYTES;
  if (distance > 0xffff) throw new Error("a tree is too big for its format");
  bytes[at + 2] = distance & 0xff;
  bytes[at + 3] = distance >> 8;
  split(
    instances.filter((one) => !isYes(one)),
    bytes,
  );
}

function commonest(instances: Instance[]): number {
  const counts = new Map<number, number>();
  for (const { unit } of instances) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  let top = 0;
  let topCount = 0;
  for (const [unit, count] of counts) if (count > topCount) [top, topCount] = [unit, count];
  return top;
}

function bestQuestion(instances: Instance[]): { feature: number; value: number } | null {
  const classes = units.length;
  const all = new Float64Array(classes);
  for (const { unit } of instances) all[unit] = all[unit]! + 1;
  const before = bits(all, instances.length);
  let top: { feature: number; value: number } | null = null;
  let topGain = MIN_GAIN_BITS;
  const values = Math.max(27, classes + 1);
  const table = new Float64Array(values * classes);
  const sizes = new Float64Array(values);
  const rest = new Float64Array(classes);
  for (let feature = 0; feature < FEATURES; feature++) {
    table.fill(0);
    sizes.fill(0);
    for (const { features, unit } of instances) {
      const value = features[feature]!;
      table[value * classes + unit] = table[value * classes + unit]! + 1;
      sizes[value] = sizes[value]! + 1;
    }
    for (let value = 0; value < values; value++) {
      const size = sizes[value]!;
      if (size < MIN_LEAF || instances.length - size < MIN_LEAF) continue;
      const yes = table.subarray(value * classes, (value + 1) * classes);
      for (let c = 0; c < classes; c++) rest[c] = all[c]! - yes[c]!;
      const gain = before - bits(yes, size) - bits(rest, instances.length - size);
      if (gain > topGain) [top, topGain] = [{ feature, value }, gain];
    }
  }
  return top;
}

/** Entropy of a distribution times its size. */
function bits(counts: Float64Array, size: number): number {
  let sum = 0;
  for (const count of counts) if (count > 0) sum -= count * Math.log2(count / size);
  return sum;
}

function evaluate(trees: LettersModel, test: Word[]): { wordAccuracy: number; phoneErrorRate: number } {
  let right = 0;
  let errors = 0;
  let phones = 0;
  for (const word of test) {
    const said = soundOut(trees, word.letters);
    const distance = edits(said, word.phones);
    if (distance === 0) right += 1;
    errors += distance;
    phones += word.phones.length;
  }
  const round = (value: number) => Math.round(value * 1_000) / 1_000;
  return { wordAccuracy: round(right / test.length), phoneErrorRate: round(errors / phones) };
}

function edits(a: string[], b: string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  a.forEach((x, i) => {
    const next = [i + 1];
    b.forEach((y, j) => {
      next.push(Math.min(row[j]! + (x === y ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    });
    row = next;
  });
  return row[b.length]!;
}
