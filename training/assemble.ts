// Usage: node training/assemble.ts WORK_DIR ACOUSTIC_DIR HEAD_JSON OUT_DIR [METRICS_JSON]
// Puts a language pack together. With metrics of held-out speakers the bands' thresholds are set by them.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AcousticShape } from "../workers/phoneme/acoustic.ts";
import type { PackManifest } from "../workers/phoneme/pack.ts";
import { PHONES } from "./corpus.ts";

const [workDir = "", acousticDir = "", headFile = "", outDir = "", metricsFile] = process.argv.slice(2);
const read = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;

const exported = read<AcousticShape & { seed: number }>(join(acousticDir, "acoustic.json"));
const metrics = metricsFile
  ? read<{ scoreAt3PercentFalseRed: number; perfectPhoneScores: number[]; wellSaidWordScores: number[] }>(metricsFile)
  : undefined;
const down = (value: number): number => Math.floor(value * 10) / 10;
const thresholds = {
  // At most 3% of the phones that the experts call perfect are red, and 10% not green.
  poor: down(metrics?.scoreAt3PercentFalseRed ?? 60),
  good: down(metrics?.perfectPhoneScores[1] ?? 80),
  // At most 3% of the words that the experts give 9 or 10 count as mispronounced.
  mispronounced: down(metrics?.wellSaidWordScores[0] ?? 60),
};
const manifest: PackManifest = {
  version: "1",
  language: "en",
  phones: PHONES,
  acoustic: {
    prior: exported.prior,
    priorFrames: exported.priorFrames,
    maxFrames: exported.maxFrames,
    delay: exported.delay,
    channels: exported.channels,
    dilations: exported.dilations,
  },
  durations: read(join(workDir, "durations.json")),
  thresholds,
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
copyFileSync(headFile, join(outDir, "head.json"));
writeFileSync(join(outDir, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
console.log(`${outDir}: thresholds ${JSON.stringify(thresholds)}`);
