// Usage: node training/assemble.ts WORK_DIR ACOUSTIC_DIR REVIEW_DIR HEADS_DIR OUT_DIR [METRICS_JSON]
// Puts a language pack together. With metrics of held-out speakers the bands' thresholds are set by them.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AcousticShape } from "../workers/phoneme/acoustic.ts";
import type { PackManifest, Thresholds } from "../workers/phoneme/pack.ts";
import type { ReviewShape } from "../workers/phoneme/review.ts";
import { PHONES } from "./corpus.ts";
import { ENGLISH_SOUNDS } from "./english-sounds.ts";

const [workDir = "", acousticDir = "", reviewDir = "", headsDir = "", outDir = "", metricsFile] = process.argv.slice(2);
const read = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;

const exported = read<AcousticShape & { seed: number }>(join(acousticDir, "acoustic.json"));
const reviewer = read<ReviewShape & { seed: number }>(join(reviewDir, "review.json"));
interface Spread {
  scoreAt3PercentFalseRed: number;
  perfectPhoneScores: number[];
  wellSaidWordScores: number[];
}
interface Measured {
  result: Spread & { phone: { value: number }; total: { value: number } };
}
const metrics = metricsFile ? read<Spread & Measured>(metricsFile) : undefined;
const down = (value: number): number => Math.floor(value * 10) / 10;
const thresholdsOf = (spread: Spread | undefined): Thresholds => ({
  // At most 3% of the phones that the experts call perfect are red, and 10% not green.
  poor: down(spread?.scoreAt3PercentFalseRed ?? 60),
  good: down(spread?.perfectPhoneScores[1] ?? 80),
  // At most 3% of the words that the experts give 9 or 10 count as mispronounced.
  mispronounced: down(spread?.wellSaidWordScores[0] ?? 60),
});
const manifest: PackManifest = {
  version: "2",
  language: "en",
  name: "English",
  lexicon: "english",
  sounds: ENGLISH_SOUNDS,
  quality: {
    basis: "experts",
    summary: metrics
      ? `Phone scores correlate with those of experts by ${metrics.result.phone.value}, the sentence's by ${metrics.result.total.value} (learners whose first language is Mandarin, none of them heard in training).`
      : "Not measured.",
  },
  phones: PHONES,
  acoustic: {
    prior: exported.prior,
    priorFrames: exported.priorFrames,
    maxFrames: exported.maxFrames,
    delay: exported.delay,
    channels: exported.channels,
    dilations: exported.dilations,
  },
  review: { prior: reviewer.prior, priorFrames: reviewer.priorFrames, reach: reviewer.reach },
  durations: read(join(workDir, "durations.json")),
  thresholds: thresholdsOf(metrics),
  resultThresholds: thresholdsOf(metrics?.result),
  about: {
    data: "speechocean762 training half, LibriSpeech train-clean-5, CMU Arctic prompts by kathleen, part of LJ Speech",
    seed: exported.seed,
    trainedBy: "training/run.sh",
    heldOutSpeakers: metrics ?? "not measured",
  },
};
mkdirSync(outDir, { recursive: true });
copyFileSync(join(acousticDir, "acoustic.onnx"), join(outDir, "acoustic.onnx"));
copyFileSync(join(acousticDir, "check.json"), join(outDir, "check.json"));
for (const name of ["review.onnx", "review-check.json"]) copyFileSync(join(reviewDir, name), join(outDir, name));
for (const name of [
  "head.json",
  "refine.json",
  "refine-check.json",
  "prosody.json",
  "prosody-check.json",
  "stress.json",
  "stress-check.json",
])
  if (existsSync(join(headsDir, name))) copyFileSync(join(headsDir, name), join(outDir, name));
writeFileSync(join(outDir, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
console.log(`${outDir}: ${JSON.stringify([manifest.thresholds, manifest.resultThresholds])}`);
