import { readFile } from "node:fs/promises";

/** Pronunciations of one word at the most; the dictionary's order is kept. */
const MAX_PRONUNCIATIONS = 4;
const QUOTE = 0x22;
const PAREN = 0x28;
const NEWLINE = 0x0a;
const TABLE_SIZE = 2 ** 18;

/**
 * The CMU pronouncing dictionary. Its package is one JavaScript object of 135,000 entries: imported it would cost 190 ms
 * and 60 MB. So its source is read as it is, an entry a line, and found through a table of offsets: 25 ms and 6 MB.
 */
export class Dictionary {
  readonly #text: Buffer;
  /** Open addressing by the word's hash: where its first line starts, 0 for none. */
  readonly #offsets: Uint32Array;

  /** @throws Error when the package's file does not look as expected */
  static async load(): Promise<Dictionary> {
    return new Dictionary(await readFile(new URL(import.meta.resolve("cmu-pronouncing-dictionary"))));
  }

  private constructor(text: Buffer) {
    this.#text = text;
    this.#offsets = new Uint32Array(TABLE_SIZE);
    let words = 0;
    for (let line = text.indexOf('\n  "') + 1; line > 0; line = text.indexOf(NEWLINE, line) + 1) {
      const keyStart = line + 3;
      const keyEnd = text.indexOf(QUOTE, keyStart);
      if (keyEnd < 0) break;
      // Variants, `word(2)`, follow their word.
      if (text[keyEnd - 3] === PAREN) continue;
      let slot = hash(text, keyStart, keyEnd);
      while (this.#offsets[slot] !== 0) slot = (slot + 1) % TABLE_SIZE;
      this.#offsets[slot] = line;
      words += 1;
    }
    if (words < 100_000) throw new Error("the pronouncing dictionary is not in the expected form");
  }

  /**
   * Pronunciations, the first one canonical; empty for an unknown word. `word` is in lower case. Vowels carry their stress
   * as a digit (1 main, 2 secondary, 0 none), unless the dictionary has the same sounds with several stresses ("permit").
   */
  lookUp(word: string): string[][] {
    const key = Buffer.from(word);
    let slot = hash(key, 0, key.length);
    for (; ; slot = (slot + 1) % TABLE_SIZE) {
      const line = this.#offsets[slot] ?? 0;
      if (line === 0) return [];
      const keyEnd = line + 3 + key.length;
      if (this.#text[keyEnd] === QUOTE && this.#text.compare(key, 0, key.length, line + 3, keyEnd) === 0)
        return this.#entry(line, word);
    }
  }

  /** Every word with its first pronunciation, without stress, for training. */
  *entries(): Generator<[word: string, phones: string[]]> {
    for (const line of this.#offsets) {
      if (line === 0) continue;
      const word = this.#text.toString("latin1", line + 3, this.#text.indexOf(QUOTE, line + 3));
      yield [word, (this.#entry(line, word)[0] ?? []).map(withoutStress)];
    }
  }

  #entry(firstLine: number, word: string): string[][] {
    const found = new Map<string, string[]>();
    for (let line = firstLine; found.size < MAX_PRONUNCIATIONS; ) {
      const end = this.#text.indexOf(NEWLINE, line);
      const [, key = "", value = ""] = /"(.*)": "(.*)"/.exec(this.#text.toString("latin1", line, end)) ?? [];
      if (key !== word && !key.startsWith(`${word}(`)) break;
      const phones = value.replace(/#.*/, "").trim().split(/\s+/);
      const sounds = phones.map(withoutStress);
      const before = found.get(sounds.join(" "));
      const same = !before || before.every((phone, i) => phone === phones[i]);
      found.set(sounds.join(" "), same ? phones : sounds);
      line = end + 1;
    }
    return [...found.values()];
  }
}

export const withoutStress = (phone: string): string => phone.replace(/\d/, "");

/** FNV-1a, as a slot of the table. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ (bytes[i] ?? 0), 0x01000193);
  return (value >>> 0) % TABLE_SIZE;
}
