import type { PathPhone } from "./aligner.ts";
import { type Aside, type Course, DOUBTFUL, doubt, type Saying } from "./reading-course.ts";
import type { Posteriors } from "./segment-features.ts";

/** How clear a word has to be elsewhere (see `doubt`): clearer where something of it might have been said in its place. */
const CLEAR = 0;
const CLEARER = -1.5;
/** A step of a word is scored by how much less likely the word's phone is than the best class, and gains this much. */
const GAIN = 1;
/** Log posteriors below this tell no more. */
const LOWEST = -9;
/** Where a phone of the text was heard at least so well, no other word was said. */
const TAKEN = -3;
/** Of a word's steps, the share at which no phone of the text was heard. */
const FREE = 0.5;
/** Where more words than these are missing, it is not their order that was wrong. */
const MOST_WORDS = 8;

/** The likeliest class of each step. */
function topsOf(posteriors: Posteriors): Float32Array {
  const tops = new Float32Array(posteriors.steps).fill(LOWEST);
  for (let step = posteriors.oldest; step < posteriors.steps; step++)
    for (let c = 0; c < posteriors.classes; c++) tops[step] = Math.max(tops[step] as number, posteriors.at(step, c));
  return tops;
}

/** Where a word fits best in a reading, from and to anywhere: each phone takes two steps or more. */
function bestFit(
  word: number,
  variant: number,
  ids: readonly number[],
  posteriors: Posteriors,
  tops: Float32Array,
): Saying | null {
  const states = 2 * ids.length;
  const score = new Float64Array(states).fill(-Infinity);
  /** The phones that each state's way has entered, the last one still open. */
  const entered: (PathPhone | null)[] = new Array(states).fill(null);
  let best = 0;
  let fit: PathPhone | null = null;
  let end = 0;
  for (let step = posteriors.oldest; step < posteriors.steps; step++) {
    for (let s = states - 1; s >= 0; s--) {
      const index = s >> 1;
      const from = s === 0 ? 0 : (score[s - 1] as number);
      if (from > (score[s] as number)) {
        score[s] = from;
        const prev = entered[s - 1] ?? null;
        entered[s] = s % 2 === 1 ? prev : { word, variant, index, start: step, end: 0, prev };
      }
      const own = Math.max(LOWEST, posteriors.at(step, ids[index] as number));
      score[s] = (score[s] as number) + own - (tops[step] as number) + GAIN;
    }
    if ((score[states - 1] as number) <= best) continue;
    best = score[states - 1] as number;
    fit = entered[states - 1] as PathPhone;
    end = step + 1;
  }
  if (!fit) return null;
  const phones: PathPhone[] = [];
  for (let phone: PathPhone | null = fit; phone; phone = phone.prev)
    phones.unshift({ ...phone, end: phones[0]?.start ?? end });
  return { word, variant, phones, whole: true };
}

/** The steps at which a phone of the text was heard, in its place or where it was said again. */
function takenSteps(
  course: Course,
  ids: readonly (readonly (readonly number[])[])[],
  posteriors: Posteriors,
): Set<number> {
  const taken = new Set<number>();
  const sayings = [...course.counts.values(), ...course.asides.flatMap((aside) => aside.sayings)];
  for (const { word, variant, index, start, end } of sayings.flatMap(({ phones }) => phones))
    for (let step = Math.max(start, posteriors.oldest); step < Math.min(end, posteriors.steps); step++)
      if (posteriors.at(step, ids[word]?.[variant]?.[index] as number) >= TAKEN) taken.add(step);
  return taken;
}

/** Finds words of the text that were not said in their place where they were said instead, and takes them for asides there. */
export function withMisplaced(
  course: Course,
  ids: readonly (readonly (readonly number[])[])[],
  posteriors: Posteriors,
): Course {
  const doubtOf = (saying: Saying): number =>
    doubt(saying, ids[saying.word]?.[saying.variant] as readonly number[], posteriors);
  const elsewhere = new Set(course.asides.flatMap(({ sayings }) => sayings.filter((s) => s.whole).map((s) => s.word)));
  const missing = [...ids.keys()].filter((word) => {
    const counted = course.counts.get(word);
    return !elsewhere.has(word) && (!counted || doubtOf(counted) > DOUBTFUL);
  });
  if (missing.length === 0 || missing.length > MOST_WORDS) return course;
  const taken = takenSteps(course, ids, posteriors);
  const tops = topsOf(posteriors);
  const counts = new Map(course.counts);
  let { asides } = course;
  for (const word of missing) {
    const limit = counts.has(word) ? CLEARER : CLEAR;
    const variants = ids[word] as readonly (readonly number[])[];
    const fits = variants.flatMap((phones, variant) => bestFit(word, variant, phones, posteriors, tops) ?? []);
    const found = fits.find((fit) => doubtOf(fit) <= limit && isFree(fit, taken));
    if (!found) continue;
    counts.delete(word);
    asides = withAside(asides, found, counts, ids.length);
  }
  return { counts, asides };
}

function isFree({ phones }: Saying, taken: ReadonlySet<number>): boolean {
  const start = phones[0]?.start ?? 0;
  const end = phones.at(-1)?.end ?? 0;
  let free = 0;
  for (let step = start; step < end; step++) if (!taken.has(step)) free++;
  return free >= FREE * (end - start);
}

/** The asides with one for that saying instead of the other speech that it was taken for. */
function withAside(asides: readonly Aside[], saying: Saying, counts: Course["counts"], words: number): Aside[] {
  const start = saying.phones[0]?.start ?? 0;
  const end = saying.phones.at(-1)?.end ?? 0;
  const middle = (start + end) / 2;
  const behind = [...counts.values()].filter(({ phones }) => (phones[0] as PathPhone).start >= middle);
  const before = Math.min(words, ...behind.map(({ word }) => word));
  const others = asides.filter((aside) => aside.sayings.length > 0 || aside.end <= start || aside.start >= end);
  return [...others, { sayings: [saying], before, start, end }].sort((a, b) => a.start - b.start);
}
