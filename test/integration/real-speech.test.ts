import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { Lexicon } from "../../src/phonemes/lexicon.ts";
import { type ExpectedWord, ScoringEngine } from "../../workers/phoneme/engine.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import type { Result } from "../support/reading.ts";

// The recordings that the model was made from (the model has heard them all: this finds what is broken, it measures nothing).
const modelDir = join(import.meta.dirname, "../../models/en");
const speechDir = process.env.PARLANCE_SPEECH_DIR || join(import.meta.dirname, "../../../shared/speech");
const sets = ["so762-train", "libri-clean-5", "lj", "kathleen"];
const missing = [...sets.map((set) => `${set}.tar`), "so762-train.jsonl.gz", "native.jsonl.gz"].find(
  (file) => !existsSync(join(speechDir, file)),
);
const skip = missing && "no recordings here: PARLANCE_SPEECH_DIR names the folder that has them";

/** Learners from hardly understood to perfect, among them children of 6 to 12. */
const learners =
  "096090023 096430010 096250009 096040018 014350133 096460013 096060001 069120072 000530163 014390134 020220048 024300345 034230154 065040007".split(
    " ",
  );
const natives = 12;

type Sentence = {
  utt: string;
  text: string;
  file: string;
  total: number;
  words: { phones: string[]; phones_accuracy: number[] }[];
};
type Reading = { sentence: Sentence; pcm: Int16Array };

const run = promisify(execFile);

async function sentences(file: string): Promise<Sentence[]> {
  const lines = gunzipSync(await readFile(join(speechDir, file)))
    .toString()
    .split("\n");
  return lines.flatMap((line) => (line ? [JSON.parse(line)] : []));
}

/** The sentences' recordings as 16 kHz samples. */
async function decode(chosen: Sentence[], folder: string): Promise<Reading[]> {
  for (const [set, own] of Object.entries(Object.groupBy(chosen, ({ file }) => dirname(file))))
    await run("tar", ["xf", join(speechDir, `${set}.tar`), "-C", folder, ...(own ?? []).map(({ file }) => file)]);
  const inputs = chosen.flatMap(({ file }) => ["-i", join(folder, file)]);
  const raw = ({ file }: Sentence) => join(folder, `${file}.s16`);
  const outputs = chosen.flatMap((sentence, i) =>
    ["-map", `${i}:a`, "-ar", "16000", "-ac", "1", "-f", "s16le"].concat(raw(sentence)),
  );
  await run("ffmpeg", ["-v", "error", ...inputs, ...outputs]);
  return Promise.all(
    chosen.map(async (sentence) => {
      const bytes = await readFile(raw(sentence));
      return { sentence, pcm: new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) };
    }),
  );
}

/** All readings side by side, each against its own words. */
async function judge(pack: Pack, readings: { pcm: Int16Array; words: ExpectedWord[] }[]): Promise<Result[]> {
  const engine = new ScoringEngine(pack);
  const results: Result[] = [];
  for (const [i, { pcm, words }] of readings.entries()) {
    const stream = engine.open(words, (event) => {
      if (event.type === "result") results[i] = event;
    });
    stream.push(pcm);
    stream.end();
  }
  while (await engine.step()) {}
  return results;
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const phonesOf = (result: Result) => result.words.flatMap((word) => word.phones);

function correlation(a: number[], b: number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  const product = mean(a.map((x, i) => (x - ma) * ((b[i] ?? 0) - mb)));
  return product / Math.sqrt(mean(a.map((x) => (x - ma) ** 2)) * mean(b.map((x) => (x - mb) ** 2)));
}

describe("recordings of real speakers", { skip }, () => {
  const lexicon = new Lexicon({ modelDir });
  let pack: Pack;
  let folder: string;
  let learned: Reading[];
  let native: Reading[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-speech-"));
    const scored = new Map((await sentences("so762-train.jsonl.gz")).map((sentence) => [sentence.utt, sentence]));
    const spoken = (await sentences("native.jsonl.gz")).filter(({ text }) => text.split(" ").length < 25);
    const some = Array.from({ length: natives }, (_, i) => spoken[Math.floor(((i + 0.5) / natives) * spoken.length)]);
    pack = await loadPack(modelDir);
    learned = await decode(
      learners.flatMap((utt) => scored.get(utt) ?? []),
      folder,
    );
    native = await decode(
      some.flatMap((sentence) => sentence ?? []),
      folder,
    );
    assert.equal(learned.length, learners.length);
  });
  after(() => folder && rm(folder, { recursive: true, force: true }));

  /** `readings` against the dictionary's phones of their texts, or of the texts `shift` places further on. */
  const read = async (readings: Reading[], shift: number): Promise<Result[]> =>
    judge(
      pack,
      await Promise.all(
        readings.map(async ({ pcm }, i) => {
          const text = readings[(i + shift) % readings.length]?.sentence.text ?? "";
          return { pcm, words: await lexicon.words(text) };
        }),
      ),
    );

  test("[SCORE-16] learners' phones and sentences are scored as experts score them", async () => {
    const given = learned.map(({ pcm, sentence }) => ({
      pcm,
      words: sentence.words.map(({ phones }) => ({
        text: "",
        pronunciations: [phones.map((phone) => phone.replace(/\d/, ""))],
      })),
    }));
    const results = await judge(pack, given);
    const human = learned.flatMap(({ sentence }) => sentence.words.flatMap((word) => word.phones_accuracy));
    const machine = results.flatMap(phonesOf).map(({ score }) => score);
    assert.equal(machine.length, human.length);
    const phones = correlation(human, machine);
    assert.ok(phones > 0.55, `phones ${phones}`);
    const totals = correlation(
      learned.map(({ sentence }) => sentence.total),
      results.map(({ total }) => total),
    );
    assert.ok(totals > 0.7, `totals ${totals}`);
  });

  test("[SCORE-10, DRILL-17] a learner's right text is far above another one, which is a mismatch", async () => {
    const right = await read(learned, 0);
    const wrong = [...(await read(learned, 3)), ...(await read(learned, 5))];
    const outcomes = (results: Result[]) => results.filter(({ outcome }) => outcome === "mismatch").length;
    assert.ok(outcomes(right) <= 2, `${outcomes(right)} of ${right.length} right readings`);
    assert.ok(outcomes(wrong) >= wrong.length - 4, `${outcomes(wrong)} of ${wrong.length} wrong readings`);
    const total = (results: Result[]) => mean(results.map((result) => result.total));
    assert.ok(total(right) > 3 * total(wrong), `${total(right)} and ${total(wrong)}`);
  });

  test("[SCORE-10] native readers are green, and of another text next to nothing is", async () => {
    const right = await read(native, 0);
    const wrong = await read(native, 5);
    const share = (results: Result[], band: string) =>
      mean(results.flatMap(phonesOf).map((phone) => (phone.band === band ? 1 : 0)));
    assert.ok(right.every(({ outcome }) => outcome === "scored"));
    assert.ok(share(right, "good") > 0.95, `${share(right, "good")} good`);
    assert.ok(share(right, "poor") < 0.02, `${share(right, "poor")} poor`);
    assert.ok(wrong.filter(({ outcome }) => outcome === "mismatch").length >= wrong.length - 1);
    assert.ok(share(wrong, "good") < 0.2, `${share(wrong, "good")} good of another text`);
  });
});
