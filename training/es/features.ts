// Usage: node training/es/features.ts DIR
// Of what speak.py wrote, makes mel.f32 (raw log-mels by the serving code), labels.u8 and weights.u8 (one value per 20 ms step),
// and adds to index.json where each sentence's lie.
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { logMels, MELS } from "../../workers/phoneme/log-mel.ts";
import { PHONES } from "./sounds.ts";

interface Spoken {
  first: number;
  samples: number;
  phones: [name: string, startMs: number][];
}

const [dir = ""] = process.argv.slice(2);
const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as Spoken[];
const bytes = readFileSync(join(dir, "pcm.s16"));
const mel = openSync(join(dir, "mel.f32"), "w");
const labels: Uint8Array[] = [];
let labelStep = 0;
const placed = index.map((entry) => {
  const pcm = new Int16Array(bytes.buffer, bytes.byteOffset + 2 * entry.first, entry.samples);
  const mels = logMels(pcm);
  const steps = Math.floor(mels.length / MELS / 2);
  writeSync(mel, new Uint8Array(mels.buffer, 0, steps * 2 * MELS * 4));
  const own = new Uint8Array(steps).fill(PHONES.indexOf("SIL"));
  for (const [i, [phone, startMs]] of entry.phones.entries()) {
    // Step s is centred at 20 s + 17.5 ms.
    const stepOf = (ms: number): number => Math.max(0, Math.ceil((ms - 17.5) / 20));
    own.fill(
      PHONES.indexOf(phone || "SIL"),
      stepOf(startMs),
      stepOf(entry.phones[i + 1]?.[1] ?? Number.POSITIVE_INFINITY),
    );
  }
  labels.push(own);
  const at = { ...entry, melFrame: 2 * labelStep, labelStep, steps };
  labelStep += steps;
  return at;
});
closeSync(mel);
writeFileSync(join(dir, "labels.u8"), Buffer.concat(labels));
writeFileSync(join(dir, "weights.u8"), new Uint8Array(labelStep).fill(100));
writeFileSync(join(dir, "index.json"), JSON.stringify(placed));
console.log(`${labelStep} steps of 20 ms`);
