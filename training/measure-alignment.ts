// Usage: node training/measure-alignment.ts SPEECH_DIR WORK_DIR POSTERIORS [COUNT]
// Follows the scored sentences (all, or COUNT spread over them) by the serving code over stored held-out posteriors and
// prints, as JSON, where and when their phones were taken, what was wrongly found besides the text, and what a step costs.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import type { PackManifest } from "../workers/phoneme/pack.ts";
import { SentenceScorer } from "../workers/phoneme/sentence.ts";
import { TextFollower } from "../workers/phoneme/text-follower.ts";
import { type Indexed, PHONES, phonesOf, readIndex, readSentences, type Sentence } from "./corpus.ts";
import { quantile, sortedOf } from "./metrics.ts";

const [speechDir = "", workDir = "", posteriorFile = "", count = ""] = process.argv.slice(2);
const SILENCE = PHONES.length - 1;
const manifest = {
  phones: PHONES,
  durations: JSON.parse(readFileSync(join(workDir, "durations.json"), "utf8")),
  thresholds: { good: 60, poor: 30, mispronounced: 50 },
  resultThresholds: { good: 60, poor: 30, mispronounced: 50 },
} as unknown as PackManifest;

const { scored } = readSentences(speechDir);
const all = readIndex(workDir)
  .filter((entry) => entry.scored)
  .map((entry, i) => ({ entry, sentence: scored[i] as Sentence }));
const every = Math.max(1, Math.floor(all.length / Number(count || all.length)));
const chosen = all.filter((_, i) => i % every === 0);
const file = openSync(posteriorFile, "r");

function posteriorsOf(entry: Indexed): Float32Array {
  const logp = new Float32Array(entry.steps * PHONES.length);
  readSync(file, new Uint8Array(logp.buffer), 0, logp.byteLength, entry.labelStep * PHONES.length * 4);
  return logp;
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;
const delays: number[] = [];
const edges: number[] = [];
let phones = 0;
let leftOut = 0;
let words = 0;
let omissions = 0;
for (const { entry, sentence } of chosen) {
  const text = phonesOf(sentence);
  const placed = (sentence.align ?? []).filter(([phone]) => phone !== "SIL" && !phone.startsWith("+"));
  const expected = text.flat().length;
  let at = 0;
  const scorer = new SentenceScorer(
    text.map((word) => ({ text: "", pronunciations: [word] })),
    manifest,
    null,
    (event) => {
      if (event.type === "word") {
        words++;
        if (event.errorType === "omission") omissions++;
      }
      if (event.type !== "phoneme" || !event.final) return;
      phones++;
      if (event.startMs === event.endMs) leftOut++;
      else if (placed.length === expected) edges.push(Math.abs(event.startMs - (placed[at]?.[1] as number) * 1000));
      at++;
    },
    (trace) => delays.push(trace.at - trace.end),
  );
  const logp = posteriorsOf(entry);
  for (let step = 0; step < entry.steps; step++) scorer.push(logp, step * PHONES.length);
  scorer.finish(entry.samples / 16);
}

/** Processor time of the search alone, in µs per step, over sentences joined until they have `least` words. */
function searchCost(least: number): number {
  let micros = 0;
  let steps = 0;
  for (const measured of [false, true])
    for (let i = 0; i + 20 < chosen.length; ) {
      const parts: (typeof chosen)[number][] = [];
      while (parts.reduce((sum, { sentence }) => sum + phonesOf(sentence).length, 0) < least && i + 20 < chosen.length)
        parts.push(chosen[i++] as (typeof chosen)[number]);
      const ids = parts.flatMap(({ sentence }) =>
        phonesOf(sentence).map((word) => [word.map((phone) => PHONES.indexOf(phone))]),
      );
      const follower = new TextFollower(ids, SILENCE, { said() {}, leftOut() {}, paused() {} });
      const rows = parts.map(({ entry }) => ({ logp: posteriorsOf(entry), steps: entry.steps }));
      const start = process.cpuUsage();
      for (const { logp, steps: length } of rows)
        for (let step = 0; step < length; step++) follower.advance(logp, step * PHONES.length);
      const { user, system } = process.cpuUsage(start);
      if (!measured) continue;
      micros += user + system;
      steps += rows.reduce((sum, row) => sum + row.steps, 0);
    }
  return Math.round((micros / steps) * 10) / 10;
}

const ms = sortedOf(delays.map((steps) => steps * 20));
const errors = sortedOf(edges);
console.log(
  JSON.stringify({
    sentences: chosen.length,
    startErrorMs: { median: quantile(errors, 0.5), p90: quantile(errors, 0.9) },
    commitDelayMs: { median: quantile(ms, 0.5), p95: quantile(ms, 0.95), p99: quantile(ms, 0.99) },
    phonesLeftOut: round(leftOut / phones),
    wordsOmitted: round(omissions / words),
    searchMicrosPerStep: {
      words10: searchCost(10),
      words60: searchCost(60),
    },
  }),
);
closeSync(file);
