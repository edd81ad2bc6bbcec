// Usage: node training/dump-posteriors.ts WORK_DIR ACOUSTIC_DIR FOLDS HOLD OUT_FILE
// Runs an exported acoustic model, by the serving code, over the scored sentences of fold HOLD (or "native" for all
// native ones) and writes their log posteriors into OUT_FILE, 40 float32 per step at the sentence's label position.
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AcousticModel, type AcousticShape, openSession, STEP_MELS } from "../workers/phoneme/acoustic.ts";
import { type Indexed, PHONES, readIndex } from "./corpus.ts";
import { foldsBySpeaker } from "./folds.ts";

const [workDir = "", acousticDir = "", folds = "", hold = "", outFile = ""] = process.argv.slice(2);
const BATCH = 32;

const index = readIndex(workDir);
const foldOf = foldsBySpeaker(index, Number(folds));
const chosen = index
  .filter((entry) => (hold === "native" ? !entry.scored : foldOf.get(entry.spk) === Number(hold)))
  .filter((entry) => entry.steps > 0)
  .sort((a, b) => b.steps - a.steps);

const shape = JSON.parse(readFileSync(join(acousticDir, "acoustic.json"), "utf8")) as AcousticShape;
const model = new AcousticModel(await openSession(join(acousticDir, "acoustic.onnx")), shape, PHONES.length, BATCH);
const melFile = openSync(join(workDir, "mel.f32"), "r");
const out = openSync(outFile, constants.O_RDWR | constants.O_CREAT);

function begin(entry: Indexed) {
  const mels = new Float32Array(entry.steps * STEP_MELS);
  readSync(melFile, new Uint8Array(mels.buffer), 0, mels.byteLength, entry.melFrame * (STEP_MELS / 2) * 4);
  return { entry, mels, state: model.newState(), logp: new Float32Array(entry.steps * PHONES.length) };
}

let next = 0;
const active: ReturnType<typeof begin>[] = [];
while (next < chosen.length || active.length > 0) {
  while (active.length < BATCH && next < chosen.length) active.push(begin(chosen[next++] as Indexed));
  for (const [row, job] of active.entries()) {
    const input = model.input(row);
    const { step } = job.state;
    if (step < job.entry.steps) input.set(job.mels.subarray(step * STEP_MELS, (step + 1) * STEP_MELS));
    else {
      const last = job.mels.subarray(job.mels.length - STEP_MELS / 2);
      input.set(last, 0);
      input.set(last, STEP_MELS / 2);
    }
  }
  await model.run(active.map((job) => job.state));
  for (const [row, job] of active.entries()) {
    const described = job.state.step - 1 - shape.delay;
    if (described < 0) continue;
    job.logp.set(
      model.logPosteriors.subarray(row * PHONES.length, (row + 1) * PHONES.length),
      described * PHONES.length,
    );
  }
  for (let i = active.length - 1; i >= 0; i--) {
    const job = active[i] as (typeof active)[number];
    if (job.state.step < job.entry.steps + shape.delay) continue;
    writeSync(out, new Uint8Array(job.logp.buffer), 0, job.logp.byteLength, job.entry.labelStep * PHONES.length * 4);
    active.splice(i, 1);
  }
}
closeSync(melFile);
closeSync(out);
console.log(`${chosen.length} sentences`);
