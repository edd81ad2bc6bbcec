// Usage: node training/dump-review.ts WORK_DIR REVIEW_DIR FOLDS HOLD OUT_FILE
// Runs an exported model for whole readings, by the serving code, over the scored sentences of fold HOLD and writes their log
// posteriors into OUT_FILE, in dump-posteriors.ts's layout.
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openSession, STEP_MELS } from "../workers/phoneme/acoustic.ts";
import { DIGITAL_SILENCE } from "../workers/phoneme/log-mel.ts";
import { ReviewModel, type ReviewShape } from "../workers/phoneme/review.ts";
import { PHONES, readIndex } from "./corpus.ts";
import { foldsBySpeaker } from "./folds.ts";

const [workDir = "", reviewDir = "", folds = "", hold = "", outFile = ""] = process.argv.slice(2);
const index = readIndex(workDir);
const foldOf = foldsBySpeaker(index, Number(folds));
const shape = JSON.parse(readFileSync(join(reviewDir, "review.json"), "utf8")) as ReviewShape;
const model = new ReviewModel(await openSession(join(reviewDir, "review.onnx")), shape, PHONES.length);
const melFile = openSync(join(workDir, "mel.f32"), "r");
const out = openSync(outFile, constants.O_RDWR | constants.O_CREAT);
let count = 0;
for (const entry of index) {
  if (foldOf.get(entry.spk) !== Number(hold) || entry.steps === 0) continue;
  const mels = new Float32Array(entry.steps * STEP_MELS);
  readSync(melFile, new Uint8Array(mels.buffer), 0, mels.byteLength, entry.melFrame * (STEP_MELS / 2) * 4);
  const review = model.open();
  for (let step = 0; step < entry.steps; step++) {
    const frames = mels.subarray(step * STEP_MELS, (step + 1) * STEP_MELS);
    review.keep(
      frames,
      frames.every((value) => value < DIGITAL_SILENCE),
    );
  }
  while (await review.advance());
  const logp = Float32Array.from({ length: entry.steps * PHONES.length }, (_, i) =>
    review.at(Math.floor(i / PHONES.length), i % PHONES.length),
  );
  writeSync(out, new Uint8Array(logp.buffer), 0, logp.byteLength, entry.labelStep * PHONES.length * 4);
  count++;
}
closeSync(melFile);
closeSync(out);
console.log(`${count} sentences`);
