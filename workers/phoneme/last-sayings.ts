import type { PhoneState } from "./head.ts";
import type { PhoneJudge } from "./judges.ts";
import { describedPhone, type Taken, type WordProgress } from "./live-judge.ts";
import type { PackManifest } from "./pack.ts";
import type { Course, Saying } from "./reading-course.ts";
import type { Posteriors } from "./segment-features.ts";

/** What judges phones as they are said, and what is known of the speaker (profile.ts). */
interface LiveJudging {
  head: PhoneJudge | null;
  context: Float32Array;
}

/** The phones that were taken, and how far each word came. */
export interface Judged {
  taken: readonly Taken[];
  progress: readonly WordProgress[];
}

/**
 * What of a reading counts once it is over. Words that were said again are taken anew from the saying that counts, words that
 * were told as said but were not said in their place are left out, and all others stay as they were told.
 */
export function lastSayings(
  told: Judged,
  course: Course,
  ids: readonly (readonly (readonly number[])[])[],
  manifest: PackManifest,
  posteriors: Posteriors,
  judge: LiveJudging,
): Judged {
  const byWord = Map.groupBy(told.taken, ({ word }) => word);
  const taken: Taken[] = [];
  const progress = told.progress.map((before, word): WordProgress => {
    const own = byWord.get(word) ?? [];
    const saying = course.counts.get(word);
    if (!saying) return leftOut(before, manifest);
    if (!saying.whole || (before.omitted === 0 && isSame(own, saying))) {
      taken.push(...own);
      return before;
    }
    const pronunciation = ids[word]?.[saying.variant] as readonly number[];
    taken.push(...takenOf(saying, pronunciation, taken.at(-1)?.segment.end ?? 0, manifest, posteriors, judge));
    return { ...before, ids: pronunciation, phones: [], omitted: 0 };
  });
  return { taken, progress };
}

/** Whether the phones that were told lie where the saying does: the steps that both span are half or more of those that either does. */
function isSame(own: readonly Taken[], { phones }: Saying): boolean {
  const spans = [
    { start: own[0]?.segment.start ?? 0, end: own.at(-1)?.segment.end ?? 0 },
    { start: phones[0]?.start ?? 0, end: phones.at(-1)?.end ?? 0 },
  ];
  const starts = spans.map(({ start }) => start);
  const ends = spans.map(({ end }) => end);
  return 2 * (Math.min(...ends) - Math.max(...starts)) >= Math.max(...ends) - Math.min(...starts);
}

function leftOut(before: WordProgress, { phones }: PackManifest): WordProgress {
  const at = before.phones[0]?.startMs ?? 0;
  return {
    ...before,
    omitted: before.ids.length,
    phones: before.ids.map((id) => {
      return { phone: phones[id] as string, score: 0, band: "poor", startMs: at, endMs: at };
    }),
  };
}

function takenOf(
  { word, phones }: Saying,
  ids: readonly number[],
  lastEnd: number,
  manifest: PackManifest,
  posteriors: Posteriors,
  { head, context }: LiveJudging,
): Taken[] {
  let state: PhoneState | null = null;
  let before = lastEnd;
  return phones.map(({ index, start, end }) => {
    const phone = describedPhone(posteriors, manifest, word, ids, index, { start, end, gap: start - before });
    before = end;
    state = head?.take(phone.features, phone.phone, phone.prev, phone.next, state, context) ?? null;
    return { ...phone, said: state?.said ?? 0 };
  });
}
