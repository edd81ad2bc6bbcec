import type { PathPhone } from "./aligner.ts";
import type { Posteriors } from "./segment-features.ts";

/** One run through a word of the text. */
export interface Saying {
  word: number;
  variant: number;
  phones: PathPhone[];
  /** Whether it came to the word's end. */
  whole: boolean;
}

/** Something besides the reading, before the word `before` (the number of words: after the last one). Steps are [start, end). */
export interface Aside {
  /** What was said of the text; empty for other speech. */
  sayings: Saying[];
  before: number;
  start: number;
  end: number;
}

/** What a reader made of a text. */
export interface Course {
  /** By word the saying that counts. Words that were not said in their place are absent. */
  counts: Map<number, Saying>;
  /** In the order of time. */
  asides: Aside[];
}

/**
 * A word that was not said is squeezed into a few steps between others. What there is to be heard of a saying tells (see
 * `doubt`): one above the first limit is none where the word was said more clearly elsewhere, one above the second in no case,
 * and a broken-off one has to be below the third. On held-out readings by learners whom experts give 7 or more, .1% of the
 * words are left out because of the second one, and .3% of the words seem to be broken off or said again before.
 */
export const DOUBTFUL = 1;
const UNSAID = 6;
const BROKEN = -1;
/** Posteriors below this tell no more. */
const LOWEST = -9;
const STEP_WEIGHT = 0.5;

/** How little there is to be heard of a saying: minus the mean of its phones' best log posteriors, less where they are long. */
export function doubt(saying: Saying, ids: readonly number[], posteriors: Posteriors): number {
  let sum = 0;
  for (const { index, start, end } of saying.phones) {
    let best = LOWEST;
    for (let step = Math.max(start, posteriors.oldest); step < Math.min(end, posteriors.steps); step++)
      best = Math.max(best, posteriors.at(step, ids[index] as number));
    sum += best + STEP_WEIGHT * (end - start);
  }
  return -sum / saying.phones.length;
}

interface Passage {
  saying: Saying | null;
  word: number;
  start: number;
  end: number;
}

/** The path's runs through words (`saying`) and through other speech, in the order of time. */
function passagesOf(path: PathPhone | null, ids: readonly (readonly (readonly number[])[])[]): Passage[] {
  const phones: PathPhone[] = [];
  for (let phone = path; phone; phone = phone.prev) phones.push(phone);
  const passages: Passage[] = [];
  let open: Saying | null = null;
  for (const phone of phones.reverse()) {
    const { word, variant, index, start, end } = phone;
    if (index < 0) {
      passages.push({ saying: null, word, start, end });
      open = null;
      continue;
    }
    const before: number = open?.phones.at(-1)?.index ?? -1;
    if (!open || open.word !== word || open.variant !== variant || index !== before + 1) {
      open = { word, variant, phones: [], whole: false };
      passages.push({ saying: open, word, start, end });
    }
    open.phones.push(phone);
    open.whole = index === (ids[word]?.[variant]?.length ?? 0) - 1;
    (passages.at(-1) as Passage).end = end;
  }
  return passages;
}

/** Of sayings in the order of time as many as there are in the text's order; of several ways the one with the later sayings. */
function inOrder(sayings: readonly Saying[]): Saying[] {
  const length: number[] = [];
  const next: number[] = [];
  let first = -1;
  for (let i = sayings.length - 1; i >= 0; i--) {
    length[i] = 1;
    next[i] = -1;
    for (let k = sayings.length - 1; k > i; k--)
      if ((sayings[k] as Saying).word > (sayings[i] as Saying).word && (length[k] as number) >= (length[i] as number)) {
        length[i] = (length[k] as number) + 1;
        next[i] = k;
      }
    if (first < 0 || (length[i] as number) > (length[first] as number)) first = i;
  }
  const chosen: Saying[] = [];
  for (let i = first; i >= 0; i = next[i] as number) chosen.push(sayings[i] as Saying);
  return chosen;
}

/**
 * What a path amounts to. Of words that were said more than once the last whole saying counts that fits the text's order.
 * `ids[w][v]` are the classes of word w's pronunciation v; `posteriors` are those of the whole reading.
 */
export function courseOf(
  path: PathPhone | null,
  ids: readonly (readonly (readonly number[])[])[],
  posteriors: Posteriors,
): Course {
  const all = passagesOf(path, ids);
  const doubts = new Map<Saying, number>();
  const clearest = new Map<number, number>();
  for (const { saying } of all) {
    if (!saying) continue;
    const own = doubt(saying, ids[saying.word]?.[saying.variant] as readonly number[], posteriors);
    doubts.set(saying, own);
    if (saying.whole) clearest.set(saying.word, Math.min(own, clearest.get(saying.word) ?? UNSAID));
  }
  const passages = all.filter(({ saying }) => {
    if (!saying) return true;
    const own = doubts.get(saying) as number;
    const best = clearest.get(saying.word);
    if (!saying.whole && best !== undefined) return own <= BROKEN;
    return own <= DOUBTFUL || own <= (best ?? DOUBTFUL);
  });
  const sayings = passages.flatMap(({ saying }) => (saying ? [saying] : []));
  const wholes = new Set(sayings.filter(({ whole }) => whole).map(({ word }) => word));
  const chosen = inOrder(sayings.filter(({ whole, word }) => whole || !wholes.has(word)));
  const counts = new Map(chosen.map((saying) => [saying.word, saying]));
  const asides: Aside[] = [];
  let open: Aside | null = null;
  for (const { saying, start, end } of passages) {
    if (saying && counts.get(saying.word) === saying) {
      open = null;
      continue;
    }
    const before = chosen.find(({ phones }) => (phones[0] as PathPhone).start >= end)?.word ?? ids.length;
    if (!saying) {
      asides.push({ sayings: [], before, start, end });
      open = null;
      continue;
    }
    if (!open) {
      open = { sayings: [], before, start, end };
      asides.push(open);
    }
    open.sayings.push(saying);
    open.end = end;
  }
  return { counts, asides };
}
