// Usage: node training/try-voices.ts PACK_DIR
// Prints what the engine says of synthesised voices reading the right and the wrong text, of noise and of cut audio.
import { dictionary } from "cmu-pronouncing-dictionary";
import { synthesise, type Voice } from "../test/support/voice.ts";
import { ScoringEngine } from "../workers/phoneme/engine.ts";
import type { ScoreEvent } from "../workers/phoneme/events.ts";
import { loadPack } from "../workers/phoneme/pack.ts";

const pack = await loadPack(process.argv[2] ?? "models/en");
const wordsOf = (text: string) =>
  text.split(" ").map((word) => {
    const all = [1, 2, 3].flatMap((n) => dictionary[n === 1 ? word : `${word}(${n})`] ?? []);
    return { text: word, pronunciations: all.map((p) => p.replace(/\d/g, "").split(" ")) };
  });
async function read(pcm: Int16Array, text: string, label: string): Promise<void> {
  const engine = new ScoringEngine(pack);
  const events: ScoreEvent[] = [];
  const stream = engine.open(wordsOf(text), (event) => events.push(event));
  stream.push(pcm);
  stream.end();
  while (await engine.step()) {}
  const result = events.find((event) => event.type === "result");
  if (result?.type !== "result") throw new Error("no result");
  const phones = result.words.flatMap((word) => word.phones);
  const bands = ["good", "fair", "poor"].map((band) => phones.filter((phone) => phone.band === band).length).join("/");
  console.log(
    label.padEnd(26),
    result.outcome.padEnd(10),
    `acc ${result.accuracy} flu ${result.fluency} com ${result.completeness} total ${result.total} bands ${bands}`,
    result.words.map((word) => `${word.text}:${word.score}${word.errorType[0]}`).join(" "),
  );
}
const texts = [
  "we went to the market to buy fresh vegetables",
  "the quick brown fox jumps over the lazy dog",
  "she thought about the weather all day",
];
for (const voice of ["slt", "rms", "kal16", "espeak"] as Voice[]) {
  for (const [i, text] of texts.entries()) {
    const pcm = await synthesise(text, { voice });
    await read(pcm, text, `${voice} right`);
    await read(pcm, texts[(i + 1) % texts.length] as string, `${voice} wrong`);
    if (i === 0) await read(pcm.slice(0, Math.floor(pcm.length * 0.55)), text, `${voice} cut`);
  }
}
const first = texts[0] as string;
const noise = (level: number, of: (i: number) => number) =>
  Int16Array.from({ length: 16_000 * 4 }, (_, i) => level * of(i));
await read(
  noise(0, () => 0),
  first,
  "digital silence",
);
for (const level of [30, 1000, 12000])
  await read(
    noise(level, () => Math.random() * 2 - 1),
    first,
    `white noise ${level}`,
  );
await read(
  noise(8000, (i) => Math.sin(i * 0.05) + Math.sin(i * 0.0754) * 0.5),
  first,
  "tones",
);
await read(
  noise(
    8000,
    (i) =>
      Math.sin((2 * Math.PI * 220 * 2 ** ((Math.floor(i / 4000) % 12) / 12) * i) / 16_000) * (1 - (i % 4000) / 4000),
  ),
  first,
  "melody",
);
