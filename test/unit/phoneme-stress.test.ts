import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { Lexicon } from "../../src/phonemes/lexicon.ts";
import { type ExpectedWord, ScoringEngine } from "../../workers/phoneme/engine.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { Stress } from "../../workers/phoneme/stress.ts";
import type { Result } from "../support/reading.ts";
import { synthesise, type Voice } from "../support/voice.ts";

const packDir = join(import.meta.dirname, "../../models/en");
const lexicon = new Lexicon({ modelDir: packDir });
const voices: Voice[] = ["slt", "rms", "kal16", "espeak"];
const texts = [
  "our professor explained the experiment again",
  "the banana was beautiful and the hotel important",
  "I remember the machine in the garden",
];
let pack: Pack;
before(async () => {
  pack = await loadPack(packDir);
});

/** The result of `said` (words, or phonemes of espeak's in brackets) against a text's words. */
async function read(said: string, words: ExpectedWord[], voice: Voice): Promise<Result["words"]> {
  const engine = new ScoringEngine(pack);
  const found: Result["words"] = [];
  const stream = engine.open(words, (event) => {
    if (event.type === "result") found.push(...event.words);
  });
  stream.push(await synthesise(said, { voice }));
  stream.end();
  while (await engine.step()) {}
  return found;
}

/** All the words with a known stress of the texts, as all voices read them. `expect` changes what the text expects. */
async function readAll(expect: (word: ExpectedWord) => ExpectedWord): Promise<Result["words"]> {
  const found: Result["words"] = [];
  for (const text of texts) {
    const words = (await lexicon.words(text)).map(expect);
    for (const voice of voices)
      found.push(...(await read(text, words, voice)).filter((_, i) => (words[i]?.stress?.[0] ?? -1) >= 0));
  }
  return found;
}

test("[SCORE-47] the serving code finds the stressed syllable as it was trained", async () => {
  const stress = new Stress(JSON.parse(await readFile(join(packDir, "stress.json"), "utf8")), pack.phones);
  const { cases } = JSON.parse(await readFile(join(packDir, "stress-check.json"), "utf8")) as {
    cases: { vowels: string[]; measures: number[][]; atEnd: boolean; likely: number[] }[];
  };
  assert.ok(cases.length >= 5);
  for (const { vowels, measures, atEnd, likely } of cases) {
    const own = vowels.map((vowel) => pack.phones.indexOf(vowel));
    const judged = stress.judge({ word: 0, vowels: own, measures, atEnd });
    for (const [i, value] of judged.entries()) assert.ok(Math.abs(value - (likely[i] as number)) < 1e-6);
  }
});

test("[SCORE-47] a broken stress.json is refused, and a pack without one tells no stress", async () => {
  const dir = await mkdtemp(join(tmpdir(), "parlance-stress-"));
  try {
    await cp(packDir, dir, { recursive: true });
    await writeFile(join(dir, "stress.json"), '{"weights":[1]}');
    await assert.rejects(loadPack(dir), /stress/);
    await rm(join(dir, "stress.json"));
    assert.equal((await loadPack(dir)).stress, null);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("[SCORE-48] of words that are stressed rightly many are told so, and none is told to be wrong", async () => {
  const words = await readAll((word) => word);
  const told = words.flatMap(({ stress }) => stress ?? []);
  assert.ok(told.length >= 0.4 * words.length, `${told.length} of ${words.length}`);
  for (const { expected, heard, score } of told) {
    assert.equal(heard, expected);
    assert.ok(score >= 60 && score <= 100);
  }
});

test("[SCORE-48] where the text wants the stress elsewhere, it is told only where that is clear, and as heard", async () => {
  const words = await readAll((word) => {
    const [own = -1, ...rest] = word.stress ?? [];
    return own < 0 ? word : { ...word, stress: [own === 0 ? 1 : 0, ...rest] };
  });
  const wrong = words.flatMap(({ stress }) => (stress && stress.heard !== stress.expected ? stress : []));
  const right = words.flatMap(({ stress }) => (stress && stress.heard === stress.expected ? stress : []));
  assert.ok(wrong.length >= 4 && wrong.length > 2 * right.length, `${wrong.length} wrong, ${right.length} right`);
  for (const { score } of wrong) assert.ok(score < 10);
});

test("[SCORE-48] words that are said with the stress on another syllable are seldom told to be right", async () => {
  const readings = [
    ["the [[h'oUtEl]] was [['ImpO@t@nt]] to [['ekspleIn]]", "the hotel was important to explain"],
    ["I [[r'i:mEmb@]] the [[m'aSi:n]] in the [[gA@d'En]] [['agEn]]", "I remember the machine in the garden again"],
    ["we [[b'IlIv]] the [[p'oUlIs]] will [['araIv]]", "we believe the police will arrive"],
  ];
  let shifted = 0;
  let usual = 0;
  for (const [said = "", text = ""] of readings) {
    const words = await lexicon.words(text);
    const right = (found: Result["words"]): number =>
      found.filter(({ stress }) => stress && stress.heard === stress.expected).length;
    shifted += right(await read(said, words, "espeak"));
    usual += right(await read(text, words, "espeak"));
  }
  assert.ok(usual >= 7 && shifted <= 2, `${usual} as they should be, ${shifted} on another syllable`);
});
