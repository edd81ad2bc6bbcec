import type { ExpectedWord, Insertion } from "./events.ts";
import { stepMs } from "./live-judge.ts";
import type { Course } from "./reading-course.ts";
import type { Posteriors } from "./segment-features.ts";
import { SPEECH } from "./text-follower.ts";

/** Steps of other speech (300 ms) from which it is more than a breath, a click or a hesitation within a word. */
const LEAST_OTHER = 15;
/** More than these are not told. */
const MOST_INSERTIONS = 50;

/** What a reader said besides the text or out of its order, in the order of time. */
export function insertionsOf(course: Course, words: readonly ExpectedWord[], posteriors: Posteriors): Insertion[] {
  const silence = posteriors.classes - 1;
  const speech = (start: number, end: number): number => {
    let steps = 0;
    for (let step = Math.max(start, posteriors.oldest); step < Math.min(end, posteriors.steps); step++)
      if (posteriors.at(step, silence) < SPEECH) steps++;
    return steps;
  };
  return course.asides
    .filter(({ sayings, start, end }) => sayings.length > 0 || speech(start, end) >= LEAST_OTHER)
    .slice(0, MOST_INSERTIONS)
    .map(({ sayings, before, start, end }) => {
      const elsewhere = sayings.some(({ word, whole }) => whole && !course.counts.has(word));
      const broken = sayings.some(({ whole }) => !whole);
      const said = sayings.map(({ word, whole }) => `${words[word]?.text ?? ""}${whole ? "" : "-"}`).join(" ");
      return {
        text: sayings.length > 0 ? said : null,
        kind: sayings.length === 0 ? "other" : elsewhere ? "misplaced" : broken ? "restart" : "repetition",
        beforeWord: before,
        startMs: stepMs(start),
        endMs: stepMs(end),
      };
    });
}
