// Usage: node training/es/other-voices.ts OUT_DIR
// Spanish by voices of another make: festival's two Italian ones (festvox-italp16k, festvox-itapc16k), put together from recordings of
// people, say the phones that Italian has too. They show how far what was learned from espeak-ng holds. Writes what speak.py writes.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseWav } from "../../cli/wav.ts";
import { spanishSounds } from "../../src/phonemes/spanish-spelling.ts";
import { randomFrom } from "../random.ts";

const VOICES = ["lp", "pc"];
const SENTENCES = 120;
/** Phones that Italian lacks, or has not as a phone of its own. */
const FOREIGN = new Set(["x", "th", "y", "rr"]);
const ITALIAN: Record<string, string> = { ch: "tS", ny: "J" };
const PAD = 4_000;

const [outDir = ""] = process.argv.slice(2);
mkdirSync(outDir, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "parlance-festival-"));
const chance = randomFrom(3);
const known = new Set(readFileSync(join(import.meta.dirname, "words.txt"), "utf8").split(/\s+/));
const words = [...known]
  .filter((word) => word !== "")
  .map((word) => ({ word, phones: spanishSounds(word)[0] ?? [] }))
  .filter(({ phones }) => phones.every((phone) => !FOREIGN.has(phone)));
const planned = VOICES.flatMap((voice) =>
  Array.from({ length: SENTENCES }, (_, i) => {
    const chosen = Array.from(
      { length: 3 + Math.floor(chance() * 4) },
      () => words[Math.floor(chance() * words.length)],
    );
    return {
      voice,
      text: chosen.map((one) => one?.word).join(" "),
      phones: chosen.flatMap((one) => one?.phones.map((phone) => ITALIAN[phone] ?? phone) ?? []),
      file: join(scratch, `${voice}${i}.wav`),
    };
  }),
);
const script = planned.map(
  ({ voice, phones, file }) =>
    `(voice_${voice}_diphone) (set! said (Utterance Phones (# ${phones.join(" ")} #))) (utt.synth said) (utt.save.wave said "${file}")`,
);
writeFileSync(join(scratch, "say.scm"), script.join("\n"));
execFileSync("festival", ["-b", join(scratch, "say.scm")], { stdio: "ignore" });

const parts: Int16Array[] = [];
let first = 0;
const index = planned.map(({ voice, text, file }) => {
  const { samples, sampleRate } = parseWav(readFileSync(file), file);
  if (sampleRate !== 16_000) throw new Error(`${file}: ${sampleRate} Hz`);
  const pcm = new Int16Array(samples.length + 2 * PAD).map((_, i) =>
    Math.round((samples[i - PAD] ?? 0) * 32_767 + 4 * chance() - 2),
  );
  parts.push(pcm);
  // As of Latin America: the phones have no th.
  const entry = { voice: `es-419+${voice}`, text, first, samples: pcm.length, phones: [] };
  first += pcm.length;
  return entry;
});
writeFileSync(join(outDir, "pcm.s16"), Buffer.concat(parts.map((pcm) => new Uint8Array(pcm.buffer))));
writeFileSync(join(outDir, "index.json"), JSON.stringify(index));
rmSync(scratch, { recursive: true });
console.log(`${index.length} sentences`);
