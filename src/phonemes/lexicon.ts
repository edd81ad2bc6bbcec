import { limits } from "#protocol";
import type { ExpectedWord, Pronouncer } from "../drills/ports.ts";
import { AppError } from "../lib/app-error.ts";
import { Dictionary, withoutStress } from "./dictionary.ts";
import type { LexiconKind } from "./languages.ts";
import { type LettersModel, loadLettersModel, soundOut } from "./letter-to-sound.ts";
import { spanishReader } from "./spanish-reader.ts";
import { readNumber } from "./spoken-numbers.ts";

/** Pronunciations of one expected word at the most. */
const MAX_PRONUNCIATIONS = 4;
/** Phones of one text: numbers make many of few characters, and judging costs by the phone. */
const MAX_PHONES = 1_000;

/** What is written short, by its form in lower case; those with a point are only that with the point. */
const SPOKEN: Record<string, string> = {
  "mr.": "mister",
  "mrs.": "missus",
  "ms.": "miz",
  "dr.": "doctor",
  dr: "doctor",
  "st.": "saint",
  "prof.": "professor",
  "jr.": "junior",
  "sr.": "senior",
  "vs.": "versus",
  vs: "versus",
  "etc.": "et cetera",
  "e.g.": "for example",
  "i.e.": "that is",
  "&": "and",
  "+": "plus",
  "=": "equals",
  "%": "percent",
  "@": "at",
};
/** Endings that a word may take which the dictionary lacks in that form. The plural-like 's follows the sound before it. */
const ENDINGS: Record<string, string[]> = {
  "'ll": ["AH0", "L"],
  "'d": ["D"],
  "'ve": ["V"],
  "'re": ["ER0"],
  "'m": ["M"],
};
const VOICELESS = new Set(["P", "T", "K", "F", "TH"]);
const SIBILANT = new Set(["S", "Z", "SH", "ZH", "CH", "JH"]);

/** Finds the pronunciations of one written word, their vowels with stress where that is known; none where there is no way to say it. */
interface WordReader {
  read(token: string): string[][];
}

/** Text in one language to words and their pronunciations. */
export class Lexicon implements Pronouncer {
  readonly #modelDir: string;
  readonly #kind: LexiconKind;
  #loading: Promise<WordReader> | undefined;

  /** Loads nothing yet: the first `words` does. `modelDir` is the language pack's folder. */
  constructor({ modelDir, kind = "english" }: { modelDir: string; kind?: LexiconKind }) {
    this.#modelDir = modelDir;
    this.#kind = kind;
  }

  /**
   * The words as written, punctuation around them left out, in order; what is only punctuation between words is no word.
   * @throws AppError TEXT_EMPTY, TEXT_TOO_LONG, or WORD_UNPRONOUNCEABLE with `details.word`
   */
  async words(text: string): Promise<ExpectedWord[]> {
    const tokens = tokenise(text);
    const spoken = tokens.filter((token) => /[\p{L}\p{N}]/u.test(token) || Object.hasOwn(SPOKEN, token));
    if (tokens.length === 0) throw new AppError("TEXT_EMPTY");
    if (text.length > limits.drillText || spoken.length > limits.drillWords)
      throw new AppError("TEXT_TOO_LONG", undefined, { maxWords: limits.drillWords, maxCharacters: limits.drillText });
    if (spoken.length === 0) throw unpronounceable(tokens[0] ?? "");
    const reader = await this.#reader();
    // In a text all in capitals they mark no initialisms.
    const shouted = spoken.length > 1 && spoken.every((token) => token === token.toUpperCase());
    const words = spoken.map((token) => {
      const read = reader.read(shouted ? token.toLowerCase() : token).slice(0, MAX_PRONUNCIATIONS);
      const text = asShown(token);
      if (read.length === 0) throw unpronounceable(text);
      return { text, pronunciations: read.map((phones) => phones.map(withoutStress)), stress: read.map(stressOf) };
    });
    const phones = words.reduce((sum, word) => sum + (word.pronunciations[0]?.length ?? 0), 0);
    if (phones > MAX_PHONES) throw new AppError("TEXT_TOO_LONG");
    return words;
  }

  #reader(): Promise<WordReader> {
    this.#loading ??= readers[this.#kind](this.#modelDir).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }
}

const readers: Record<LexiconKind, (modelDir: string) => Promise<WordReader>> = {
  english: async (modelDir) =>
    new EnglishReader(...(await Promise.all([Dictionary.load(), loadLettersModel(modelDir)]))),
  spanish: async () => spanishReader,
};

/** The dictionary, number reading, spelling out, and letter-to-sound rules. */
class EnglishReader implements WordReader {
  readonly #dictionary: Dictionary;
  readonly #letters: LettersModel;

  constructor(dictionary: Dictionary, letters: LettersModel) {
    this.#dictionary = dictionary;
    this.#letters = letters;
  }

  read(token: string): string[][] {
    const plain = simplify(token);
    const inCapitals = /^[A-Z]{2,5}$/.test(trimPunctuation(token));
    const bare = trimPunctuation(plain);
    // A point at the end may belong to the word ("Mr.") or close the sentence; an apostrophe in front may too ("'tis").
    const forms = [plain.endsWith(".") ? `${bare}.` : "", plain.startsWith("'") ? `'${bare}` : "", bare, plain];
    for (const form of forms) {
      const known = form === "" ? [] : this.#known(form);
      if (known.length > 0) return known;
    }
    if (/^(?:[a-z]\.)*[a-z]$/.test(bare)) return this.#spell(bare);
    if (/^[a-z]+$/.test(bare))
      return inCapitals || !/[aeiouy]/.test(bare) ? this.#spell(bare) : [soundOut(this.#letters, bare)];
    return this.#ended(bare) ?? this.#parts(bare);
  }

  #known(form: string): string[][] {
    const spoken = SPOKEN[form];
    if (spoken !== undefined && Object.hasOwn(SPOKEN, form)) return this.#sequence(spoken.split(" "));
    const found = this.#dictionary.lookUp(form);
    if (found.length > 0) return found;
    return (readNumber(form) ?? []).flatMap((words) => this.#sequence(words));
  }

  /** A word with an ending ("Zorblax's"), read as the word and the ending. */
  #ended(bare: string): string[][] | undefined {
    const at = bare.lastIndexOf("'");
    if (at <= 0) return undefined;
    const [stem, ending] = [bare.slice(0, at), bare.slice(at)];
    const sounds = ENDINGS[ending];
    if (ending !== "'s" && !sounds) return undefined;
    return this.read(stem).map((phones) => [...phones, ...(sounds ?? pluralSound(phones.at(-1) ?? ""))]);
  }

  /** "rock-climbing", "MP3", "o'er": its runs of letters, numbers and signs, each read by itself. */
  #parts(bare: string): string[][] {
    const parts = bare.match(/[a-z]+|[$£€¥]?\d[\d.,]*(?:st|nd|rd|th)?|[&+=%@]|\p{L}+/gu) ?? [];
    if (parts[0] !== bare) return parts.length > 0 ? this.#sequence(parts) : [];
    // "1.2.3" is no number; its digits are.
    const digits = bare.match(/\d+/g) ?? [];
    return digits.length > 1 ? this.#sequence(digits) : [];
  }

  #spell(word: string): string[][] {
    const names = [...word.replaceAll(".", "")].map((letter) => (letter === "a" ? ["EY"] : this.#nameOf(letter)));
    return [names.flat()];
  }

  #nameOf(letter: string): string[] {
    return this.#dictionary.lookUp(letter)[0] ?? [];
  }

  /** Several words read as one, in every combination up to the limit; none if one of them can't be read. */
  #sequence(words: string[]): string[][] {
    let found: string[][] = [[]];
    for (const word of words) {
      const next = this.read(word);
      found = found.flatMap((before) => next.map((phones) => [...before, ...phones])).slice(0, MAX_PRONUNCIATIONS);
    }
    return found;
  }
}

/** Splits at spaces, dashes, slashes and ellipses; a token of nothing but signs stays as it is. */
function tokenise(text: string): string[] {
  return text.split(/\s+/).flatMap((token) => {
    const parts = token.split(/[—–/…]|\.{2,}|--+/).filter((part) => part !== "");
    return parts.length > 0 || token === "" ? parts : [token];
  });
}

/** Lower case, plain apostrophes, accents taken off: "Café’s" is "cafe's". */
function simplify(token: string): string {
  return token
    .replace(/[’‘ʼ`´]/g, "'")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replaceAll("æ", "ae")
    .replaceAll("œ", "oe")
    .replaceAll("ø", "o")
    .replaceAll("ł", "l");
}

function trimPunctuation(token: string): string {
  return token.replace(/^[^\p{L}\p{N}$£€¥]+/u, "").replace(/[^\p{L}\p{N}%]+$/u, "");
}

/** Without the punctuation around it; the points of "Mr." and "U.S." belong to the word. */
function asShown(token: string): string {
  if (Object.hasOwn(SPOKEN, token.toLowerCase()) || /^(?:\p{L}\.)+$/u.test(token)) return token;
  return trimPunctuation(token) || token;
}

/** Which syllable carries the main stress; -1 where there is but one, or where that is not known. */
function stressOf(phones: string[]): number {
  const vowels = phones.filter((phone) => /^[AEIOU]/.test(phone));
  const main = vowels.flatMap((vowel, syllable) => (vowel.endsWith("1") ? syllable : []));
  return vowels.length > 1 && main.length === 1 && vowels.every((vowel) => /\d$/.test(vowel)) ? (main[0] ?? -1) : -1;
}

function pluralSound(last: string): string[] {
  if (SIBILANT.has(last)) return ["IH0", "Z"];
  return [VOICELESS.has(last) ? "S" : "Z"];
}

function unpronounceable(word: string): AppError {
  return new AppError("WORD_UNPRONOUNCEABLE", `No pronunciation is known for “${word}”.`, { word });
}
