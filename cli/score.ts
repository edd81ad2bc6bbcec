import { open, readdir, readFile, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, isAbsolute, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createLogger } from "../src/lib/logger.ts";
import { createMetrics } from "../src/lib/metrics.ts";
import { readLanguages } from "../src/phonemes/languages.ts";
import { Lexicon } from "../src/phonemes/lexicon.ts";
import { ScoringPool } from "../src/phonemes/pool.ts";
import type { Command } from "./command.ts";
import { knownPhone } from "./phone-names.ts";
import { readAudio, toPcm } from "./wav.ts";

type Expected = Awaited<ReturnType<Lexicon["words"]>>;
type Result = Extract<Parameters<Parameters<ScoringPool["open"]>[2]["onEvent"]>[0], { type: "result" }>;
type Band = Result["words"][number]["phones"][number]["band"];
type Utterance = { id: string; words: string[]; path: string | undefined; phones: string[][] | undefined };

const RATE = 16_000;
/** Speakers that one thread judges side by side, which is what makes it fast. */
const STREAMS_PER_THREAD = 24;
/** Audio of one utterance that may wait to be judged; under the pool's limit. */
const MAX_AHEAD_MS = 8_000;
const CHUNK_SAMPLES = RATE;

const usage = "score DIR --split NAME --out FILE.jsonl [--model DIR] [--threads N]";

/** Scores a folder in speechocean762's layout with the server's own threads, faster than real time. */
export const score: Command = async (args) => {
  const options = readOptions(args);
  if (!options) {
    console.error(usage);
    return 2;
  }
  const { threads } = options;
  const log = createLogger("silent");
  const english = (await readLanguages(options.modelDir, log)).get("en");
  if (!english) {
    console.error(`There is no English language pack in ${options.modelDir}.`);
    return 1;
  }
  const modelDir = english.dir;
  const width = threads * STREAMS_PER_THREAD;
  const pool = new ScoringPool({
    threads,
    // The first thread to be ready takes all, and one that dies leaves its utterances to the others: none is refused.
    streamsPerThread: width,
    modelDir,
    log,
    metrics: createMetrics(),
  });
  try {
    const utterances = await readSplit(options.dir, options.split);
    await pool.ready();
    const lexicon = new Lexicon({ modelDir });
    const failed = await scoreAll(utterances, options.out, width, (utterance) => scoreOne(utterance, pool, lexicon));
    if (failed > 0) console.error(`${failed} of ${utterances.length} utterances could not be scored`);
    return failed > 0 ? 1 : 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await pool.close();
  }
};

function readOptions(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        split: { type: "string" },
        out: { type: "string" },
        model: { type: "string", default: process.env.PARLANCE_MODEL_DIR || "models" },
        threads: { type: "string", default: String(availableParallelism()) },
      },
    });
    const [dir, ...rest] = positionals;
    const { split, out, model } = values;
    const threads = Number(values.threads);
    if (!dir || rest.length > 0 || !split || !out || !(Number.isInteger(threads) && threads > 0)) return undefined;
    return { dir, split, out, modelDir: model, threads };
  } catch {
    return undefined;
  }
}

/** Utterances in the order of the split's `text`. @throws Error when that is not there */
async function readSplit(dir: string, split: string): Promise<Utterance[]> {
  const text = await readTable(join(dir, split, "text"));
  if (!text) throw new Error(`${join(dir, split, "text")}: no such file`);
  const paths = (await readTable(join(dir, split, "wav.scp"))) ?? (await findWavs(join(dir, "WAVE")));
  const phones = await readTable(join(dir, "resource", "text-phone"));
  return [...text].map(([id, line]) => {
    const words = line.split(/\s+/).filter(Boolean);
    const path = paths.get(id);
    const given = words.map((_, i) => phones?.get(`${id}.${i}`)?.split(/\s+/).filter(Boolean) ?? []);
    return {
      id,
      words,
      path: path === undefined || isAbsolute(path) ? path : join(dir, path),
      phones: given.some((one) => one.length > 0) ? given : undefined,
    };
  });
}

/** Lines of `key value…`, by key; undefined where the file is missing. */
async function readTable(path: string): Promise<Map<string, string> | undefined> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const rows = content.split("\n").flatMap((line): [string, string][] => {
    const [, key, value] = /^(\S+)\s+(.*?)\s*$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, value ?? ""]];
  });
  return new Map(rows);
}

async function findWavs(dir: string): Promise<Map<string, string>> {
  const files = await readdir(dir, { recursive: true }).catch(() => []);
  const wavs = files.filter((file) => /\.wav$/i.test(file));
  return new Map(wavs.map((file) => [basename(file).replace(/\.wav$/i, ""), resolve(dir, file)]));
}

/**
 * Runs `work` over all, `width` at a time, and writes the lines in order; returns how many failed.
 * @throws Error when `out` can't be written
 */
async function scoreAll(
  utterances: Utterance[],
  out: string,
  width: number,
  work: (utterance: Utterance) => Promise<object>,
): Promise<number> {
  const partial = `${out}.partial`;
  const file = await open(partial, "w");
  const startedAtMs = performance.now();
  let failed = 0;
  const line = async (utterance: Utterance): Promise<string> => {
    try {
      return JSON.stringify(await work(utterance));
    } catch (error) {
      failed += 1;
      const message = error instanceof Error ? error.message : String(error);
      console.error(`${utterance.id}: ${message}`);
      return JSON.stringify({ ...unscored(utterance), error: message });
    }
  };
  const running: Promise<string>[] = [];
  let next = 0;
  for (let done = 0; done < utterances.length; done++) {
    while (next < utterances.length && running.length < width) {
      const utterance = utterances[next++];
      if (utterance) running.push(line(utterance));
    }
    await file.appendFile(`${await running.shift()}\n`);
    if ((done + 1) % 100 === 0 || done + 1 === utterances.length) {
      const seconds = (performance.now() - startedAtMs) / 1_000;
      console.error(`${done + 1} of ${utterances.length} utterances in ${seconds.toFixed(1)} s`);
    }
  }
  await file.close();
  await rename(partial, out);
  return failed;
}

/** The line of an utterance that nothing was heard of: an entry for each word, and for each phone that the folder names, all 0. */
function unscored({ id, words, phones }: Utterance): object {
  const silent = (phones ?? []).flatMap((names, word) =>
    names.map((name) => ({ word, phone: knownPhone(name) ?? name, score: 0, band: "poor" })),
  );
  const none = { accuracy: 0, fluency: 0, completeness: 0, prosodic: 0, total: 0 };
  return { utt: id, phones: silent, words: words.map((text) => ({ text, accuracy: 0 })), ...none };
}

async function scoreOne(utterance: Utterance, pool: ScoringPool, lexicon: Lexicon): Promise<object> {
  if (!utterance.path) throw new Error("no such recording");
  const pcm = toPcm(await readAudio(utterance.path, RATE));
  if (!utterance.phones) {
    const words = await lexicon.words(utterance.words.join(" "));
    const result = await judge(pool, words, pcm);
    const phones = result.words.flatMap((word, i) =>
      word.phones.map(({ phone, score, band }) => ({ word: i, phone, score, band })),
    );
    return asLine(utterance.id, result, phones, result.words);
  }
  // Phones the model does not know can't be aligned; they get their word's score, so that each still has its entry.
  const given = utterance.phones.map((phones) => phones.map((name) => ({ name, known: knownPhone(name) })));
  const places: number[] = [];
  const expected: Expected = [];
  given.forEach((phones, i) => {
    const pronunciation = phones.flatMap(({ known }) => known ?? []);
    if (pronunciation.length === 0) return;
    places.push(i);
    expected.push({ text: utterance.words[i] ?? "", pronunciations: [pronunciation] });
  });
  if (expected.length === 0) throw new Error("none of its phones is known");
  const result = await judge(pool, expected, pcm);
  const judged = new Map(places.map((place, i) => [place, result.words[i]]));
  const phones = given.flatMap((list, i) => {
    const word = judged.get(i);
    const scores = word?.phones.values();
    return list.map(({ name, known }) => {
      const own = known ? scores?.next().value : undefined;
      const score = own?.score ?? word?.score ?? result.accuracy;
      const band: Band = own?.band ?? "fair";
      return { word: i, phone: known ?? name, score, band };
    });
  });
  const words = utterance.words.map((text, i) => ({ text, score: judged.get(i)?.score ?? result.accuracy }));
  return asLine(utterance.id, result, phones, words);
}

function asLine(utt: string, result: Result, phones: object[], words: { text: string; score: number }[]): object {
  const { accuracy, fluency, completeness, prosody, total } = result;
  const scored = words.map(({ text, score }) => ({ text, accuracy: score }));
  // The corpus says prosodic for prosody; a reading of which nothing was heard has none.
  return { utt, phones, words: scored, accuracy, fluency, completeness, prosodic: prosody ?? 0, total };
}

/** One utterance through the pool, as fast as it takes audio. */
function judge(pool: ScoringPool, words: Expected, pcm: Int16Array): Promise<Result> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    const stream = pool.open(words, "pcm", {
      onEvent: (event) => event.type === "result" && resolve(event),
      onProgress: (judgedMs) => feed(judgedMs),
      onFailed: reject,
    });
    const feed = (judgedMs: number) => {
      while (sent < pcm.length && (sent + CHUNK_SAMPLES) / (RATE / 1_000) - judgedMs <= MAX_AHEAD_MS) {
        try {
          stream.push(pcm.subarray(sent, sent + CHUNK_SAMPLES));
        } catch (error) {
          stream.close();
          reject(error);
          return;
        }
        sent += CHUNK_SAMPLES;
      }
      if (sent >= pcm.length) stream.end();
    };
    feed(0);
  });
}
