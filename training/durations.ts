// Usage: node training/durations.ts SPEECH_DIR WORK_DIR
// Writes durations.json: mean and deviation of each phone's log duration in 20 ms steps among the native speakers.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PHONES, readSentences } from "./corpus.ts";

const [speechDir = "", workDir = ""] = process.argv.slice(2);
const lengths = PHONES.map((): number[] => []);
for (const { align = [] } of readSentences(speechDir).native)
  for (const [phone, , duration] of align) lengths[PHONES.indexOf(phone)]?.push(Math.log(Math.max(1, duration / 0.02)));
const mean = lengths.map((values) => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length));
const deviation = lengths.map((values, i) =>
  Math.max(0.2, Math.sqrt(values.reduce((sum, v) => sum + (v - (mean[i] ?? 0)) ** 2, 0) / Math.max(1, values.length))),
);
const rounded = (values: number[]): number[] => values.map((v) => Math.round(v * 1e4) / 1e4);
writeFileSync(join(workDir, "durations.json"), JSON.stringify({ mean: rounded(mean), deviation: rounded(deviation) }));
