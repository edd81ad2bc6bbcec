import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Aligner, type PathPhone } from "../../workers/phoneme/aligner.ts";
import { withMisplaced } from "../../workers/phoneme/misplaced-words.ts";
import { courseOf } from "../../workers/phoneme/reading-course.ts";
import { TextFollower } from "../../workers/phoneme/text-follower.ts";

const SILENCE = 5;
const CLASSES = SILENCE + 1;
type Text = number[][][];

/** A state of the plain search, which keeps every path as a list of `word.variant.index@start` and knows no band and no beam. */
interface Plain {
  score: number;
  trail: string[];
  start: number;
}

/** The same search in its plainest form: every state in a map, every way tried, every trail copied. */
function plainSearch(text: Text, steps: Float32Array[]): { best: number; trail: string[] }[] {
  const gap = (word: number, kind: string) => `${word} ${kind}`;
  const unit = (word: number, variant: number, index: number, half: number) => `${word}.${variant}.${index} ${half}`;
  const ways = new Map<string, [from: string, cost: number][]>();
  const emits = new Map<string, number | "quiet" | "other">();
  const order: string[] = [];
  const declare = (state: string, emits_: number | "quiet" | "other", from: [string, number][]): void => {
    order.push(state);
    emits.set(state, emits_);
    ways.set(state, from);
  };
  const lasts = (word: number): string[] => (text[word] ?? []).map((phones, v) => unit(word, v, phones.length - 1, 2));
  const inners = (word: number): string[] =>
    (text[word] ?? []).flatMap((phones, v) => phones.slice(1).map((_, i) => unit(word, v, i, 2)));
  for (let word = 0; word <= text.length; word++) {
    const ends = word > 0 ? lasts(word - 1) : [];
    const broken = inners(word).map((s): [string, number] => [s, -14]);
    const skips: [string, number][] =
      word > 0
        ? [
            [gap(word - 1, "quiet"), -35],
            [gap(word - 1, "other"), -35],
          ]
        : [];
    declare(gap(word, "quiet"), "quiet", [
      [gap(word, "other"), 0],
      ...skips,
      ...ends.map((s): [string, number] => [s, 0]),
      ...broken,
    ]);
    declare(
      gap(word, "other"),
      "other",
      [gap(word, "quiet"), ...ends].map((s) => [s, -12]),
    );
    for (const [v, phones] of (text[word] ?? []).entries())
      for (const [i, phone] of phones.entries()) {
        const onward: [string, number][] =
          i > 0
            ? [[unit(word, v, i - 1, 2), 0]]
            : [
                ...[gap(word, "quiet"), gap(word, "other"), ...ends].map((s): [string, number] => [s, 0]),
                ...broken,
                ...goingBack(word),
              ];
        declare(unit(word, v, i, 1), phone, onward);
        declare(unit(word, v, i, 2), phone, [[unit(word, v, i, 1), 0]]);
      }
  }
  /** Ways back to `word` from all that lies behind it. */
  function goingBack(word: number): [string, number][] {
    const from: [string, number][] = [];
    for (let w = word; w <= text.length; w++) {
      const cost = -20 - (w - word);
      for (const s of lasts(w)) from.push([s, cost]);
      if (w > word) {
        for (const s of inners(w)) from.push([s, cost + 1 - 14]);
        for (const kind of ["quiet", "other"]) from.push([gap(w, kind), cost + 1]);
      }
    }
    return from;
  }
  let now = new Map<string, Plain>();
  const begun = ["0 quiet", ...(text[0] ?? []).map((_, v) => unit(0, v, 0, 1))];
  return steps.map((logp, t) => {
    const next = new Map<string, Plain>();
    const floored = Array.from(logp, (v) => Math.max(-7.5, v));
    const loudest = Math.max(...floored.slice(0, SILENCE));
    for (const state of order) {
      let best: Plain | null = null;
      const own = now.get(state);
      if (t === 0) best = begun.includes(state) ? { score: 0, trail: [], start: 0 } : null;
      else {
        const half = state.endsWith(" 2");
        if (own) best = { ...own };
        for (const [from, cost] of ways.get(state) ?? []) {
          const before = now.get(from);
          if (!before || (best && before.score + cost <= best.score)) continue;
          const leftUnit = half ? [] : from.endsWith("quiet") ? [] : [`${from.split(" ")[0]}@${before.start}`];
          const trail = from.endsWith("other")
            ? [...before.trail, `${from}@${before.start}`]
            : [...before.trail, ...leftUnit];
          best = { score: before.score + cost, trail, start: half ? before.start : t };
        }
      }
      if (!best) continue;
      const emission = emits.get(state) as number | "quiet" | "other";
      best.score +=
        emission === "quiet"
          ? (floored[SILENCE] as number)
          : emission === "other"
            ? loudest - 2.5
            : (floored[emission] as number);
      next.set(state, best);
    }
    now = next;
    const [first] = [...next.values()].sort((a, b) => b.score - a.score);
    return { best: first?.score ?? Number.NaN, trail: first?.trail ?? [] };
  });
}

const trailOf = (path: PathPhone | null): string[] => {
  const trail: string[] = [];
  for (let at = path; at; at = at.prev)
    trail.push(at.index < 0 ? `${at.word} other@${at.start}` : `${at.word}.${at.variant}.${at.index}@${at.start}`);
  return trail.reverse();
};

const phone = fc.integer({ min: 0, max: SILENCE - 1 });
const texts = fc.array(fc.array(fc.array(phone, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }), {
  minLength: 1,
  maxLength: 4,
});
/** Log posteriors of one step, from peaked to flat. No two ways are ever equally good, so that the best is one. */
const step = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: CLASSES, maxLength: CLASSES })
  .chain((values) => fc.constantFrom(1, 4, 12).map((peak) => values.map((v) => v * peak)))
  .map((logits) => {
    const norm = Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0));
    return Float32Array.from(logits, (v) => v - norm);
  });

test("[SCORE-30] the search finds the paths that a plain search without band and beam finds", () => {
  fc.assert(
    fc.property(texts, fc.array(step, { minLength: 1, maxLength: 60 }), (text, steps) => {
      const aligner = new Aligner(text, SILENCE);
      const plain = plainSearch(text, steps);
      for (const [t, logp] of steps.entries()) {
        aligner.advance(logp, 0);
        assert.deepEqual(trailOf(aligner.position().path), plain[t]?.trail);
      }
    }),
    { numRuns: 150 },
  );
});

test("[SCORE-35] whatever the posteriors, numbers or not, each phone is told once and in order, and what counts lies in the order of text and time", () => {
  const broken = fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, 0).map((v) => new Float32Array(CLASSES).fill(v));
  const anyStep = fc.oneof({ weight: 20, arbitrary: step }, { weight: 1, arbitrary: broken });
  fc.assert(
    fc.property(texts, fc.array(anyStep, { maxLength: 120 }), (text, steps) => {
      const told: string[] = [];
      let lastEnd = 0;
      const variants = new Map<number, number>();
      const follower = new TextFollower(text, SILENCE, {
        said(word, variant, index, start, end) {
          assert.ok(start >= lastEnd && end > start);
          lastEnd = end;
          variants.set(word, variant);
          told.push(`${word}.${index}`);
        },
        leftOut(word, variant, index) {
          variants.set(word, variant);
          for (let i = index; i < (text[word]?.[variant]?.length ?? 0); i++) told.push(`${word}.${i}`);
        },
        paused() {},
      });
      for (const logp of steps) follower.advance(logp, 0);
      const path = follower.finish();
      const wanted = text.flatMap((choice, w) => (choice[variants.get(w) ?? 0] ?? []).map((_, i) => `${w}.${i}`));
      assert.deepEqual(told, wanted);
      const posteriors = {
        classes: CLASSES,
        oldest: 0,
        steps: steps.length,
        at: (at: number, phone: number) => steps[at]?.[phone] as number,
      };
      const { counts, asides } = withMisplaced(courseOf(path, text, posteriors), text, posteriors);
      let time = 0;
      for (const [, { phones }] of [...counts].sort(([a], [b]) => a - b)) {
        assert.ok((phones[0]?.start ?? 0) >= time);
        time = phones.at(-1)?.end ?? 0;
      }
      assert.deepEqual(
        asides.map(({ start }) => start),
        asides.map(({ start }) => start).sort((a, b) => a - b),
      );
      for (const { start, end, before } of asides) assert.ok(end > start && before >= 0 && before <= text.length);
    }),
    { numRuns: 300 },
  );
});
