import type { Posteriors } from "./segment-features.ts";

/** A phone that was said, with its word, and steps [start, end) of the audio. */
export interface Placed {
  word: number;
  phone: number;
  start: number;
  end: number;
}

/** Share of a step's probability that is trusted to the model; the rest is spread evenly. */
const TRUST = 0.98;
/** What entering a phone costs. */
const ADVANCE = -1;
/** Speech between words costs this much more than its best phone. */
const OTHER_SPEECH = -4;
/** A phone lies at most this far (2 s) from where it was first placed. */
const BAND = 100;

const OTHER = -1;

interface State {
  /** Class, or OTHER. */
  phone: number;
  /** Which of the phones it belongs to, or -1 between words. */
  of: number;
  /** States that it is entered from. */
  from: number[];
  cost: number;
  /** Steps in which it may be. */
  first: number;
  last: number;
}

/** A stretch of the audio that is no part of the reading. */
export interface Aside {
  start: number;
  end: number;
}

/** Steps (20 ms) by which a phone may reach into what is no part of the reading. */
const BLUR = 1;

function statesOf(phones: readonly Placed[], asides: readonly Aside[], steps: number, silence: number): State[] {
  const states: State[] = [];
  const windowOf = ({ start, end }: Placed): { first: number; last: number } => ({
    first: Math.max(
      start - BAND,
      ...asides.filter((aside) => aside.end <= start + BLUR).map((aside) => aside.end - BLUR),
    ),
    last: Math.min(
      end + BAND,
      ...asides.filter((aside) => aside.start >= end - BLUR).map((aside) => aside.start + BLUR),
    ),
  });
  const gap = (before: Placed | undefined, after: Placed | undefined, from: number[]): number[] => {
    const at = states.length;
    const first = before ? before.start - BAND : 0;
    const last = after ? after.end + BAND : steps;
    states.push({ phone: silence, of: -1, from: [at + 1, ...from], cost: 0, first, last });
    states.push({ phone: OTHER, of: -1, from: [at, ...from], cost: 0, first, last });
    return [at, at + 1];
  };
  let entries = gap(undefined, phones[0], []);
  for (const [of, placed] of phones.entries()) {
    const at = states.length;
    const span = { phone: placed.phone, of, ...windowOf(placed) };
    states.push({ ...span, from: entries, cost: ADVANCE });
    states.push({ ...span, from: [at], cost: 0 });
    const next = phones[of + 1];
    entries = next?.word === placed.word ? [at + 1] : [at + 1, ...gap(placed, next, [at + 1])];
  }
  return states;
}

/**
 * Places the phones of a reading anew once all of it is known: the best path through just these phones, two steps each at
 * least, with silence or other speech between words, and on the side of the `asides` where they were before. Null where
 * they do not fit.
 */
export function placeAnew(
  phones: readonly Placed[],
  posteriors: Posteriors,
  asides: readonly Aside[] = [],
): { start: number; end: number }[] | null {
  const { steps, classes } = posteriors;
  const silence = classes - 1;
  const states = statesOf(phones, asides, steps, silence);
  const emission = new Float64Array(classes);
  const best = (first: number, last: number, of: (s: number) => number): number => {
    let top = first;
    for (let s = first + 1; s <= last; s++) if (of(s) > of(top)) top = s;
    return top;
  };
  let score = new Float64Array(states.length).fill(-Infinity);
  let next = new Float64Array(states.length).fill(-Infinity);
  /** Per step the states that may be, and how each was entered: 0 for staying, else its `from` and one. */
  const lows = new Int32Array(steps);
  const entered: Uint8Array[] = [];
  let low = 0;
  let high = 0;
  for (let step = 0; step < steps; step++) {
    let other = -Infinity;
    for (let c = 0; c < classes; c++) {
      const value = Math.log(TRUST * Math.exp(posteriors.at(step, c)) + (1 - TRUST) / classes);
      emission[c] = value;
      if (c !== silence && value > other) other = value;
    }
    while (low < states.length && (states[low] as State).last <= step) score[low++] = -Infinity;
    while (high < states.length && (states[high] as State).first <= step) high++;
    lows[step] = low;
    const how = new Uint8Array(Math.max(0, high - low));
    for (let s = low; s < high; s++) {
      const { phone, from, cost, last } = states[s] as State;
      if (step >= last) continue;
      let value = score[s] as number;
      if (step === 0) value = s < 3 ? 0 : -Infinity;
      else
        for (let k = 0; k < from.length; k++) {
          const candidate = (score[from[k] as number] as number) + cost;
          if (candidate <= value) continue;
          value = candidate;
          how[s - low] = k + 1;
        }
      next[s] = value + (phone === OTHER ? other + OTHER_SPEECH : (emission[phone] as number));
    }
    entered.push(how);
    [score, next] = [next, score];
    next.fill(-Infinity, Math.max(0, low - 3), high);
  }
  const count = states.length;
  let s = best(count - 3, count - 1, (id) => score[id] as number);
  if (score[s] === -Infinity || score[s] === undefined) return null;
  const placed = phones.map(() => ({ start: steps, end: 0 }));
  for (let step = steps - 1; step >= 0; step--) {
    const { of, from } = states[s] as State;
    const own = placed[of];
    if (own) {
      own.start = step;
      own.end = Math.max(own.end, step + 1);
    }
    const how = entered[step]?.[s - (lows[step] as number)] as number;
    if (how > 0) s = from[how - 1] as number;
  }
  return placed;
}
