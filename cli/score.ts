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
type ScoringListener = Parameters<ScoringPool["open"]>[2];
type Result = Extract<Parameters<ScoringListener["onEvent"]>[0], { type: "result" }>;
type Band = Result["words"][number]["phones"][number]["band"];
type Utterance = {
  id: string;
  words: string[];
  path: string | undefined;
  phones: string[][] | undefined;
  /** Where the folder tells. */
  speaker: string | undefined;
};
type Profile = NonNullable<Result["profile"]>;

const RATE = 16_000;
/** Speakers that one thread judges side by side, which is what makes it fast. */
const STREAMS_PER_THREAD = 24;
/** Audio of one utterance that may wait to be judged; under the pool's limit. */
const MAX_AHEAD_MS = 8_000;
const CHUNK_SAMPLES = RATE;
/** Earlier utterances of a speaker that count, as many as on the server. */
const EARLIER = 20;

const usage = "score DIR --split NAME --out FILE.jsonl [--model DIR] [--threads N] [--no-context]";

/**
 * Scores a folder in speechocean762's layout with the server's own threads, faster than real time. As on the server, what
 * a speaker's utterances told helps to judge those that follow in the file; not so with --no-context.
 */
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
    const told = new Map<string, Profile[]>();
    const work = async (utterance: Utterance): Promise<object> => {
      const earlier = (utterance.speaker !== undefined && told.get(utterance.speaker)) || [];
      const { line, profile } = await scoreOne(utterance, { pool, lexicon, earlier });
      if (options.context && profile && utterance.speaker !== undefined)
        told.set(utterance.speaker, [...earlier, profile].slice(-EARLIER));
      return line;
    };
    const failed = await scoreAll(utterances, options.out, width, work);
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
        "no-context": { type: "boolean", default: false },
      },
    });
    const [dir, ...rest] = positionals;
    const { split, out, model } = values;
    const threads = Number(values.threads);
    if (!dir || rest.length > 0 || !split || !out || !(Number.isInteger(threads) && threads > 0)) return undefined;
    return { dir, split, out, modelDir: model, threads, context: !values["no-context"] };
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
  const speakers = await readTable(join(dir, split, "utt2spk"));
  return [...text].map(([id, line]) => {
    const words = line.split(/\s+/).filter(Boolean);
    const path = paths.get(id);
    const given = words.map((_, i) => phones?.get(`${id}.${i}`)?.split(/\s+/).filter(Boolean) ?? []);
    return {
      id,
      words,
      path: path === undefined || isAbsolute(path) ? path : join(dir, path),
      phones: given.some((one) => one.length > 0) ? given : undefined,
      speaker: speakers?.get(id),
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

/** The places of the utterances, the speakers' first ones first, then their second ones and so on, so that many speakers can be judged side by side. */
function byTurns(utterances: Utterance[]): number[] {
  const counts = new Map<string, number>();
  const turns = utterances.map(({ speaker, id }) => {
    const turn = counts.get(speaker ?? id) ?? 0;
    counts.set(speaker ?? id, turn + 1);
    return speaker === undefined ? 0 : turn;
  });
  return [...turns.keys()].sort((a, b) => (turns[a] as number) - (turns[b] as number));
}

/**
 * Runs `work` over all, `width` at a time but one after the other for each speaker, and writes the lines in order; returns
 * how many failed.
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
  const lines = new Map<number, string>();
  const last = new Map<string, Promise<void>>();
  let failed = 0;
  let done = 0;
  let written = 0;
  let writing = Promise.resolve();
  const lineOf = async (utterance: Utterance): Promise<string> => {
    try {
      return JSON.stringify(await work(utterance));
    } catch (error) {
      failed += 1;
      const message = error instanceof Error ? error.message : String(error);
      console.error(`${utterance.id}: ${message}`);
      return JSON.stringify({ ...unscored(utterance), error: message });
    }
  };
  const write = (): void => {
    let text = "";
    for (let line = lines.get(written); line !== undefined; line = lines.get(written)) {
      text += `${line}\n`;
      lines.delete(written++);
    }
    if (text !== "") writing = writing.then(() => file.appendFile(text));
  };
  const scoreAt = async (place: number): Promise<void> => {
    const utterance = utterances[place] as Utterance;
    await last.get(utterance.speaker ?? "");
    lines.set(place, await lineOf(utterance));
    write();
    done += 1;
    if (done % 100 !== 0 && done !== utterances.length) return;
    const seconds = (performance.now() - startedAtMs) / 1_000;
    console.error(`${done} of ${utterances.length} utterances in ${seconds.toFixed(1)} s`);
  };
  const places = byTurns(utterances).values();
  const worker = async (): Promise<void> => {
    for (const place of places) {
      const speaker = utterances[place]?.speaker;
      const scored = scoreAt(place);
      if (speaker !== undefined) last.set(speaker, scored);
      await scored;
    }
  };
  try {
    await Promise.all(Array.from({ length: width }, worker));
    await writing;
  } finally {
    await file.close();
  }
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

async function scoreOne(
  utterance: Utterance,
  { pool, lexicon, earlier }: { pool: ScoringPool; lexicon: Lexicon; earlier: Profile[] },
): Promise<{ line: object; profile: Profile | undefined }> {
  if (!utterance.path) throw new Error("no such recording");
  const pcm = toPcm(await readAudio(utterance.path, RATE));
  if (!utterance.phones) {
    const words = await lexicon.words(utterance.words.join(" "));
    const result = await judge(pool, words, pcm, earlier);
    const phones = result.words.flatMap((word, i) =>
      word.phones.map(({ phone, score, band }) => ({ word: i, phone, score, band })),
    );
    return { line: asLine(utterance.id, result, phones, result.words), profile: result.profile };
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
  const result = await judge(pool, expected, pcm, earlier);
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
  return { line: asLine(utterance.id, result, phones, words), profile: result.profile };
}

function asLine(utt: string, result: Result, phones: object[], words: { text: string; score: number }[]): object {
  const { accuracy, fluency, completeness, prosody, total } = result;
  const scored = words.map(({ text, score }) => ({ text, accuracy: score }));
  // The corpus says prosodic for prosody; a reading of which nothing was heard has none.
  return { utt, phones, words: scored, accuracy, fluency, completeness, prosodic: prosody ?? 0, total };
}

/** One utterance through the pool, as fast as it takes audio. */
function judge(pool: ScoringPool, words: Expected, pcm: Int16Array, earlier: Profile[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    const listener: ScoringListener = {
      onEvent: (event) => event.type === "result" && resolve(event),
      onProgress: (judgedMs) => feed(judgedMs),
      onFailed: reject,
    };
    const stream = pool.open(words, "pcm", listener, { earlier });
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
