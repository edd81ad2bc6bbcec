// Usage: node training/dump-features.ts SPEECH_DIR WORK_DIR
// Decodes every recording and writes mel.f32 (raw log-mels), pcm.s16, labels.u8, weights.u8 (one value per 20 ms step) and index.json.
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logMels, MELS } from "../workers/phoneme/log-mel.ts";
import { decodeAll, type Indexed, PHONES, readSentences, type Sentence } from "./corpus.ts";

const [speechDir = "../shared/speech", workDir = "training/work"] = process.argv.slice(2);
const BATCH = 40;
const PROCESSES = 2;
const SILENCE = PHONES.length - 1;

/** A frame label's share in the loss: badly said phones must not teach the model what the phone sounds like. */
const weightOf = (score: number): number => (score >= 1.6 ? 100 : score >= 1 ? 30 : 0);

function labelsOf(sentence: Sentence, steps: number): { labels: Uint8Array; weights: Uint8Array } {
  const labels = new Uint8Array(steps).fill(SILENCE);
  const weights = new Uint8Array(steps).fill(100);
  const scores = sentence.words?.flatMap((word) => word.phones_accuracy);
  let spoken = 0;
  for (const [phone, start, duration] of sentence.align ?? []) {
    const noise = phone.startsWith("+");
    const label = noise ? SILENCE : PHONES.indexOf(phone);
    if (label < 0) throw new Error(`${sentence.utt}: unknown phone ${phone}`);
    const weight = noise ? 0 : scores && label !== SILENCE ? weightOf(scores[spoken] as number) : 100;
    if (label !== SILENCE) spoken++;
    // Step s is centred at 20 s + 17.5 ms: the middle of its two windows.
    const from = Math.max(0, Math.ceil((start - 0.0175) / 0.02));
    const to = Math.min(steps, Math.ceil((start + duration - 0.0175) / 0.02));
    labels.fill(label, from, to);
    weights.fill(weight, from, to);
  }
  // The corpus's aligner gave up on a few sentences: they teach nothing until our own model has aligned them.
  if (scores && spoken !== scores.length) weights.fill(0);
  return { labels, weights };
}

mkdirSync(workDir, { recursive: true });
const { scored, native } = readSentences(speechDir);
const sentences = [...scored, ...native];
const scratch = mkdtempSync(join(tmpdir(), "parlance-pcm-"));
const raw = (i: number): string => join(scratch, `${i}.s16`);

let nextBatch = 0;
const decoded: Promise<void>[] = [];
const batches = Math.ceil(sentences.length / BATCH);
const ready = Array.from({ length: batches }, () => Promise.withResolvers<void>());
async function decodeLoop(): Promise<void> {
  while (nextBatch < batches) {
    const batch = nextBatch++;
    const ids = [...Array(BATCH).keys()].map((i) => batch * BATCH + i).filter((i) => i < sentences.length);
    await decodeAll(
      ids.map((i) => join(workDir, "audio", (sentences[i] as Sentence).file)),
      ids.map(raw),
    );
    ready[batch]?.resolve();
  }
}
for (let i = 0; i < PROCESSES; i++) decoded.push(decodeLoop());

const files = Object.fromEntries(
  ["mel.f32", "pcm.s16", "labels.u8", "weights.u8"].map((name) => [name, openSync(join(workDir, name), "w")]),
);
const write = (name: string, data: Uint8Array): void => void writeSync(files[name] as number, data);
const index: Indexed[] = [];
let melFrame = 0;
let labelStep = 0;
let sample = 0;
for (const [i, sentence] of sentences.entries()) {
  await ready[Math.floor(i / BATCH)]?.promise;
  const bytes = readFileSync(raw(i));
  rmSync(raw(i));
  const pcm = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const mels = logMels(pcm);
  const steps = Math.floor(mels.length / MELS / 2);
  const { labels, weights } = labelsOf(sentence, steps);
  write("mel.f32", new Uint8Array(mels.buffer, 0, steps * 2 * MELS * 4));
  write("pcm.s16", new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength));
  write("labels.u8", labels);
  write("weights.u8", weights);
  index.push({
    utt: sentence.utt,
    spk: sentence.spk,
    scored: i < scored.length,
    melFrame,
    steps,
    labelStep,
    sample,
    samples: pcm.length,
  });
  melFrame += steps * 2;
  labelStep += steps;
  sample += pcm.length;
  if (i % 500 === 0) console.log(`${i} of ${sentences.length} sentences`);
}
await Promise.all(decoded);
for (const file of Object.values(files)) closeSync(file);
writeFileSync(join(workDir, "index.json"), JSON.stringify(index));
rmSync(scratch, { recursive: true });
console.log(`${labelStep} steps of 20 ms in ${index.length} sentences`);
