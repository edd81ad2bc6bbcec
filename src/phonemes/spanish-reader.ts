import { readSpanishNumber } from "./spanish-numbers.ts";
import { spanishSounds } from "./spanish-spelling.ts";

/** What is written short, by its form in lower case without the points. */
const SPOKEN: Record<string, string> = {
  sr: "señor",
  sra: "señora",
  srta: "señorita",
  dr: "doctor",
  dra: "doctora",
  ud: "usted",
  uds: "ustedes",
  etc: "etcétera",
  pág: "página",
  núm: "número",
  eeuu: "estados unidos",
  "&": "y",
  "+": "más",
  "=": "igual a",
  "%": "por ciento",
  "@": "arroba",
};
/** Names of the letters, a to z and ñ. */
const NAMES: Record<string, string> = Object.fromEntries(
  "a:a b:be c:ce d:de e:e f:efe g:ge h:hache i:i j:jota k:ka l:ele m:eme n:ene ñ:eñe o:o p:pe q:cu r:erre s:ese t:te u:u v:uve w:uvedoble x:equis y:ye z:zeta"
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);
const VOWEL = /[aeiouáéíóúü]/;
/** Combinations of what the words of a number may sound like. */
const MOST = 4;

/** Reads a written Spanish word: its spelling, or what a number, an abbreviation or a sign stands for. */
export const spanishReader = {
  /** Its pronunciations, the usual one first; none where there is no way to say it. */
  read(token: string): string[][] {
    const plain = simplify(token).replace(/^[^\p{L}\p{N}$£€¥&+=%@]+|[^\p{L}\p{N}$£€¥&+=%@]+$/gu, "");
    const short = plain.replaceAll(".", "");
    if (Object.hasOwn(SPOKEN, short)) return sequence((SPOKEN[short] as string).split(" "));
    const number = readSpanishNumber(plain);
    if (number) return number.flatMap(sequence).slice(0, MOST);
    if (/^[a-zñáéíóúü]+$/.test(short))
      return /^y$/.test(short) || (VOWEL.test(short) && !/^(?:\p{L}\.)+\p{L}?$/u.test(plain)) || short.includes("y")
        ? spanishSounds(short)
        : sequence([...short].map((letter) => NAMES[letter] ?? ""));
    const parts = plain.match(/[a-zñáéíóúü]+|\d+|[&+=%@]/g) ?? [];
    return parts.length > 1 ? sequence(parts) : [];
  },
};

/** Several words read as one, in every combination up to the limit; none if one of them can't be read. */
function sequence(words: string[]): string[][] {
  let found: string[][] = [[]];
  for (const word of words) {
    const next = spanishReader.read(word);
    found = found.flatMap((before) => next.map((phones) => [...before, ...phones])).slice(0, MOST);
  }
  return found;
}

/** Lower case, and of the accents only those that Spanish has. */
function simplify(token: string): string {
  return [...token.normalize("NFC").toLowerCase()]
    .map((letter) => (/[áéíóúüñªº]/.test(letter) ? letter : letter.normalize("NFKD").replace(/\p{M}/gu, "")))
    .join("")
    .replaceAll("ß", "ss")
    .replaceAll("æ", "ae")
    .replaceAll("œ", "oe");
}
