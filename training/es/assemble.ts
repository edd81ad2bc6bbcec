// Usage: node training/es/assemble.ts SPOKEN_DIR ACOUSTIC_DIR OUT_DIR [METRICS_JSON]
// Puts the Spanish pack together, but for judge.json (fit_judge.py); without one there, one that knows nothing. Metrics set the thresholds.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AcousticShape } from "../../workers/phoneme/acoustic.ts";
import type { PackManifest, Thresholds } from "../../workers/phoneme/pack.ts";
import { featureCount } from "../../workers/phoneme/segment-features.ts";
import { PHONES, SPANISH_SOUNDS } from "./sounds.ts";

const [spokenDir = "", acousticDir = "", outDir = "", metricsFile] = process.argv.slice(2);
const read = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;
interface Metrics {
  thresholds: Thresholds;
  /** The kinds of voices that were measured, the strangest last. */
  voices: { plantedRed: number; plantedRedAt3Percent: number }[];
}

const exported = read<AcousticShape & { frameAccuracy: number }>(join(acousticDir, "acoustic.json"));
const metrics = metricsFile ? read<Metrics>(metricsFile) : undefined;
const thresholds = Object.fromEntries(
  Object.entries(metrics?.thresholds ?? { poor: 50, good: 50, mispronounced: 50 }).map(([name, value]) => [
    name,
    Math.floor(value * 10) / 10,
  ]),
) as unknown as Thresholds;
const percent = (share: number | undefined): string => `${Math.round(100 * (share ?? 0))}%`;

/** Mean and deviation of each phone's log duration in steps of 20 ms. */
function durations() {
  const lengths = PHONES.map((): number[] => []);
  for (const { phones } of read<{ phones: [name: string, startMs: number][] }[]>(join(spokenDir, "index.json")))
    for (const [i, [phone, startMs]] of phones.entries()) {
      const end = phones[i + 1]?.[1] ?? startMs;
      lengths[PHONES.indexOf(phone || "SIL")]?.push(Math.log(Math.max(1, (end - startMs) / 20)));
    }
  const average = (values: number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;
  const mean = lengths.map(average);
  const deviation = lengths.map((own, i) =>
    Math.max(0.2, Math.sqrt(average(own.map((v) => (v - (mean[i] ?? 0)) ** 2)))),
  );
  return { mean: mean.map(rounded), deviation: deviation.map(rounded) };
}

const { prior, priorFrames, maxFrames, delay, channels, dilations } = exported;
const manifest: PackManifest = {
  version: "1",
  language: "es",
  name: "Spanish",
  lexicon: "spanish",
  sounds: SPANISH_SOUNDS,
  quality: {
    basis: "synthetic",
    summary: metrics
      ? `Tried out on synthetic voices only: of phones that the text has and the voice did not say, ${percent(metrics.voices.at(-1)?.plantedRed)} are red (voices unlike any in training) to ${percent(metrics.voices[0]?.plantedRed)} (like those in training), where at most 3% of right ones are. How it judges people is not known.`
      : "Not measured.",
  },
  phones: PHONES,
  acoustic: { prior, priorFrames, maxFrames, delay, channels, dilations },
  durations: durations(),
  thresholds,
  resultThresholds: thresholds,
  about: {
    data: "espeak-ng's Spanish and Latin American voices in 62 variants; the English model's real speech for the sounds that are the same",
    trainedBy: "training/es/run.sh",
    frameAccuracy: exported.frameAccuracy,
    heldOutVoices: metrics ?? "not measured",
  },
};
mkdirSync(outDir, { recursive: true });
for (const name of ["acoustic.onnx", "check.json"]) copyFileSync(join(acousticDir, name), join(outDir, name));
const judge = join(outDir, "judge.json");
const zeros = (length: number): number[] => new Array(length).fill(0);
if (!existsSync(judge))
  writeFileSync(
    judge,
    JSON.stringify({ weights: zeros(featureCount(PHONES.length) - PHONES.length), bias: zeros(PHONES.length) }),
  );
writeFileSync(join(outDir, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
console.log(`${outDir}: ${JSON.stringify(thresholds)}`);
