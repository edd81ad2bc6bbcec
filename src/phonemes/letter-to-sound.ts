import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * One tree for each letter, as in Black, Lenzo & Pagel, "Issues in building general letter to sound rules" (1998): its
 * questions are about the letters around and the sounds chosen before, its answer is what the letter sounds like.
 */
export type LettersModel = {
  /** What a letter can sound like: "" (silent), one phone, or two ("K S" for x). */
  units: string[];
  /** Where each letter's tree starts in `nodes`, in nodes, for a to z. */
  roots: number[];
  /**
   * Four bytes a node: question, value, and the 16-bit distance to the "no" branch; the "yes" branch is the next node.
   * Question 255 is a leaf and its value the unit.
   */
  nodes: Uint8Array;
};

export const NODE_BYTES = 4;
export const LEAF = 255;
/** Letters to either side that questions may be about: questions 0 to 7 are about the letters at -4 … -1, 1 … 4. */
export const REACH = 4;
/** Questions 8 and 9 are about the last and the last but one unit (1 more than its index, 0 at the start of a word). */
export const FEATURES = 2 * REACH + 2;

const A = "a".charCodeAt(0);

/** The values that a letter's questions are asked of: letters are 1 to 26, 0 is beyond the word. */
export function featuresOf(word: string, at: number, units: readonly number[]): Uint8Array {
  const values = new Uint8Array(FEATURES);
  for (let i = 0; i < 2 * REACH; i++) {
    const neighbour = at + (i < REACH ? i - REACH : i - REACH + 1);
    if (neighbour >= 0 && neighbour < word.length) values[i] = word.charCodeAt(neighbour) - A + 1;
  }
  values[2 * REACH] = (units[at - 1] ?? -1) + 1;
  values[2 * REACH + 1] = (units[at - 2] ?? -1) + 1;
  return values;
}

/** The phones that a word of letters a to z most likely has; never empty. */
export function soundOut(model: LettersModel, word: string): string[] {
  const units: number[] = [];
  for (let at = 0; at < word.length; at++) {
    const values = featuresOf(word, at, units);
    let node = model.roots[word.charCodeAt(at) - A] ?? 0;
    for (;;) {
      const byte = node * NODE_BYTES;
      const question = model.nodes[byte] ?? LEAF;
      const value = model.nodes[byte + 1] ?? 0;
      if (question === LEAF) {
        units.push(value);
        break;
      }
      const distance = (model.nodes[byte + 2] ?? 0) | ((model.nodes[byte + 3] ?? 0) << 8);
      node += values[question] === value ? 1 : distance;
    }
  }
  const phones = units.flatMap((unit) => (model.units[unit] || "").split(" ").filter(Boolean));
  // All letters silent: a schwa is the least that can be said.
  return phones.length > 0 ? phones : ["AH"];
}

/** Reads lts.json and lts.bin of a language pack, as training/lts.ts writes them. */
export async function loadLettersModel(dir: string): Promise<LettersModel> {
  const [header, nodes] = await Promise.all([readFile(join(dir, "lts.json"), "utf8"), readFile(join(dir, "lts.bin"))]);
  const { units, roots } = JSON.parse(header) as Pick<LettersModel, "units" | "roots">;
  return { units, roots, nodes };
}
