// Usage: node training/measure-speed.ts [PACK_DIR]
// Prints what one 20 ms step costs on one thread at several batch sizes, the model's run alone and all of it, and the memory per stream.
import { synthesise } from "../test/support/voice.ts";
import { AcousticModel } from "../workers/phoneme/acoustic.ts";
import { ScoringEngine } from "../workers/phoneme/engine.ts";
import { loadPack } from "../workers/phoneme/pack.ts";

const [packDir = "models/en"] = process.argv.slice(2);
const pack = await loadPack(packDir);
const speech = await synthesise("we went to the market to buy fresh vegetables", { voice: "slt" });
const phones = "W IY|W EH N T|T UW|DH AH|M AA R K AH T|T UW|B AY|F R EH SH|V EH JH T AH B AH L Z";
const words = phones.split("|").map((p) => ({ text: "x", pronunciations: [p.split(" ")] }));

const memory = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
{
  // Of many speakers in the midst of their sentence, since a few drown in what the collector does.
  const engine = new ScoringEngine(pack);
  const before = memory();
  const streams = Array.from({ length: 200 }, () => engine.open(words, () => {}));
  for (const stream of streams) stream.push(speech.subarray(0, speech.length / 2));
  while (await engine.step()) {}
  console.log(JSON.stringify({ kbPerSpeaker: Math.round((memory() - before) / 1024 / streams.length) }));
  for (const stream of streams) stream.close();
}
for (const batch of [1, 16, 64]) {
  const model = new AcousticModel(pack.session, pack.manifest.acoustic, pack.phones.length, batch);
  const states = Array.from({ length: batch }, () => model.newState());
  for (let i = 0; i < 50; i++) await model.run(states);
  const modelStart = process.cpuUsage();
  for (let i = 0; i < 200; i++) await model.run(states);
  const modelMs = process.cpuUsage(modelStart);

  const engine = new ScoringEngine(pack, { maxBatch: batch });
  const streams = Array.from({ length: batch }, () => engine.open(words, () => {}));
  // The first round compiles the code; the second one is measured.
  for (const stream of streams) stream.push(speech);
  while (await engine.step()) {}
  for (const stream of streams) stream.close();
  for (let i = 0; i < batch; i++) engine.open(words, () => {}).push(speech);
  const start = process.cpuUsage();
  let steps = 0;
  while (await engine.step()) steps++;
  const all = process.cpuUsage(start);
  const ms = (usage: NodeJS.CpuUsage, runs: number): number => Math.round(usage.user + usage.system) / 1000 / runs;
  const perStep = ms(all, steps);
  console.log(
    JSON.stringify({
      batch,
      modelMsPerRun: Number(ms(modelMs, 200).toFixed(3)),
      msPerStep: Number(perStep.toFixed(3)),
      streamsPerCore: Math.floor((20 / perStep) * batch),
    }),
  );
}
