import { execFile } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";

/** [phone without stress or SIL, start s, duration s, confidence, word index or -1] as the corpus gives it. */
type AlignEntry = [string, number, number, number, number];

/** One sentence of the training data, as its JSON line gives it. */
export interface Sentence {
  utt: string;
  spk: string;
  age?: number;
  text: string;
  file: string;
  accuracy?: number;
  fluency?: number;
  prosodic?: number;
  total?: number;
  words?: { text: string; phones: string[]; phones_accuracy: number[]; accuracy: number; stress: number }[];
  align?: AlignEntry[];
}

/** One sentence in the work folder's index: where its log-mel frames and its samples lie in the dumped files. */
export interface Indexed {
  utt: string;
  spk: string;
  scored: boolean;
  melFrame: number;
  steps: number;
  labelStep: number;
  sample: number;
  samples: number;
}

/** The classes of the acoustic model: ARPAbet without stress, silence last. */
export const PHONES =
  "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH SIL".split(" ");

const lines = (path: string): Sentence[] =>
  gunzipSync(readFileSync(path))
    .toString()
    .split("\n")
    .filter((line) => line)
    .map((line) => JSON.parse(line) as Sentence);

/** The scored sentences, and the native ones that the corpus could align. */
export const readSentences = (speechDir: string): { scored: Sentence[]; native: Sentence[] } => ({
  scored: lines(join(speechDir, "so762-train.jsonl.gz")),
  native: lines(join(speechDir, "native.jsonl.gz")).filter((s) => s.align),
});

export const readIndex = (workDir: string): Indexed[] =>
  JSON.parse(readFileSync(join(workDir, "index.json"), "utf8")) as Indexed[];

/** One sentence's samples from the dumped PCM file. */
export function readSamples(workDir: string, entry: Indexed): Int16Array {
  const pcm = new Int16Array(entry.samples);
  const file = openSync(join(workDir, "pcm.s16"), "r");
  readSync(file, new Uint8Array(pcm.buffer), 0, pcm.byteLength, entry.sample * 2);
  closeSync(file);
  return pcm;
}

/** The expected phones of a scored sentence without stress, word by word. */
export const phonesOf = (sentence: Sentence): string[][] =>
  (sentence.words ?? []).map((word) => word.phones.map((phone) => phone.replace(/\d/g, "")));

const run = promisify(execFile);

/** Decodes recordings to raw 16 kHz mono samples, many per ffmpeg process since its start costs more than a sentence. */
export async function decodeAll(inputs: string[], outputs: string[]): Promise<void> {
  const args = ["-v", "error", "-y", "-threads", "1"];
  for (const input of inputs) args.push("-i", input);
  for (const [i, output] of outputs.entries())
    args.push("-map", `${i}:a`, "-ar", "16000", "-ac", "1", "-f", "s16le", output);
  await run("ffmpeg", args);
}
