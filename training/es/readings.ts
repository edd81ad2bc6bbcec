import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Lexicon } from "../../src/phonemes/lexicon.ts";
import type { ExpectedWord } from "../../workers/phoneme/engine.ts";
import { randomFrom } from "../random.ts";
import { SPANISH_SOUNDS } from "./sounds.ts";

/** A synthetic voice's sentence and what it is read as. */
export interface Reading {
  voice: string;
  pcm: Int16Array;
  words: ExpectedWord[];
  /** `word.index` of the phones that the text expects and the voice did not say. */
  planted: Set<string>;
}

/** Share of the phones that are exchanged in a reading with plants. */
const PLANTED = 0.12;

const consonants = SPANISH_SOUNDS.filter(({ kind }) => kind !== "vowel").map(({ phone }) => phone);
const vowels = SPANISH_SOUNDS.filter(({ kind }) => kind === "vowel").map(({ phone }) => phone);

/** Phones that no listener minds in each other's place, or that differ by speaker: never planted for each other. */
const ALIKE = new Set(
  ["s th", "i j", "u w", "y j", "r rr", "y ny"].flatMap((pair) => [pair, pair.split(" ").reverse().join(" ")]),
);

/** What another phone than `phone` a learner could have been expected to say: vowel for vowel, consonant for consonant. */
function another(phone: string, chance: () => number): string {
  const others = (vowels.includes(phone) ? vowels : consonants).filter(
    (o) => o !== phone && !ALIKE.has(`${phone} ${o}`),
  );
  return others[Math.floor(chance() * others.length)] as string;
}

/**
 * The sentences in the folder of `source`, "DIR=variant,variant", by those variants of voices: every second one as it is,
 * the others with exchanged phones in the expected text.
 */
export async function* readings(source: string, seed: number): AsyncGenerator<Reading> {
  const [dir = "", variants = ""] = source.split("=");
  const lexicon = new Lexicon({ modelDir: dir, kind: "spanish" });
  const bytes = readFileSync(join(dir, "pcm.s16"));
  const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as {
    voice: string;
    text: string;
    first: number;
    samples: number;
  }[];
  const chance = randomFrom(seed);
  for (const [i, { voice, text, first, samples }] of index.entries()) {
    if (!variants.split(",").includes(voice.split("+")[1] ?? "")) continue;
    const pcm = new Int16Array(bytes.buffer, bytes.byteOffset + 2 * first, samples);
    const words = await lexicon.words(text);
    const planted = new Set<string>();
    if (i % 2 === 1)
      for (const [w, word] of words.entries()) {
        // Spain's voices say th; the variant that was said is what is changed.
        const said = voice.startsWith("es-419")
          ? word.pronunciations[0]
          : (word.pronunciations.find((p) => p.includes("th")) ?? word.pronunciations[0]);
        const changed = (said as string[]).map((phone, index) => {
          if (chance() >= PLANTED) return phone;
          planted.add(`${w}.${index}`);
          return another(phone, chance);
        });
        if (changed.join() !== said?.join()) word.pronunciations = [changed];
      }
    yield { voice, pcm, words, planted };
  }
}
