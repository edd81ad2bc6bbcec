import type { ScoreEvent } from "../workers/phoneme/events.ts";
import { isClear } from "../workers/phoneme/n-best.ts";
import type { Sentence } from "./corpus.ts";
import { randomFrom } from "./random.ts";

/** One sentence with everything the engine said about it. */
export interface Scored {
  sentence: Sentence;
  events: ScoreEvent[];
  fold: number;
}

interface Row {
  spk: string;
  child: boolean;
  human: number;
  machine: number;
  /** Of a phone: whether it was clearly heard, and so can't be red. */
  clear?: boolean;
}

export function correlation(rows: { human: number; machine: number }[]): number {
  const n = rows.length;
  const mean = (of: (row: { human: number; machine: number }) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0) / n;
  const human = mean((row) => row.human);
  const machine = mean((row) => row.machine);
  let top = 0;
  let left = 0;
  let right = 0;
  for (const row of rows) {
    top += (row.human - human) * (row.machine - machine);
    left += (row.human - human) ** 2;
    right += (row.machine - machine) ** 2;
  }
  return top / Math.sqrt(left * right);
}

const bySpeaker = (rows: Row[]): Map<string, Row[]> => Map.groupBy(rows, (row) => row.spk);

/** The correlation that is left when each speaker's own mean is taken out. */
function withinSpeaker(rows: Row[]): number {
  const centred = [...bySpeaker(rows).values()].flatMap((own) => {
    const human = own.reduce((sum, row) => sum + row.human, 0) / own.length;
    const machine = own.reduce((sum, row) => sum + row.machine, 0) / own.length;
    return own.map((row) => ({ human: row.human - human, machine: row.machine - machine }));
  });
  return correlation(centred);
}

/** A statistic with its 95% interval over resampled speakers. */
function bootstrap(rows: Row[], statistic: (rows: Row[]) => number): { value: number; low: number; high: number } {
  const speakers = [...bySpeaker(rows).values()];
  const random = randomFrom(11);
  const values = Array.from({ length: 200 }, () =>
    statistic(speakers.flatMap(() => speakers[Math.floor(random() * speakers.length)] as Row[])),
  ).sort((a, b) => a - b);
  const round = (x: number): number => Math.round(x * 1000) / 1000;
  return { value: round(statistic(rows)), low: round(values[4] as number), high: round(values[194] as number) };
}

export const quantile = (sorted: number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
export const sortedOf = (values: number[]): number[] => values.toSorted((a, b) => a - b);

/** Share of badly said phones (below 0.5) that fall under the score which only 3% of perfect ones (1.8 and more) fall under. */
function catchRate(rows: Row[]): { share: number; threshold: number } {
  const threshold = quantile(sortedOf(rows.filter((row) => row.human >= 1.8).map((row) => row.machine)), 0.03);
  const bad = rows.filter((row) => row.human < 0.5);
  return { share: bad.filter((row) => row.machine < threshold).length / bad.length, threshold };
}

/** Of the phones under that score: how many are perfect and bad, and of both how many are spared red, being clearly heard. */
function spared(rows: Row[], threshold: number): Record<string, number> {
  const perfect = rows.filter((row) => row.human >= 1.8 && row.machine < threshold);
  const bad = rows.filter((row) => row.human < 0.5 && row.machine < threshold);
  const clear = (of: Row[]): number => of.filter((row) => row.clear).length;
  return { perfect: perfect.length, perfectSpared: clear(perfect), bad: bad.length, badSpared: clear(bad) };
}

/** How well phones' and words' scores agree with the experts' and how they are spread. */
function agreement(phones: Row[], words: Row[]): Record<string, unknown> {
  const perfect = sortedOf(phones.filter((row) => row.human >= 1.8).map((row) => row.machine));
  const bad = sortedOf(phones.filter((row) => row.human < 0.5).map((row) => row.machine));
  const wellSaid = sortedOf(words.filter((row) => row.human >= 9).map((row) => row.machine));
  const quantiles = (values: number[]): number[] => [0.03, 0.1, 0.2, 0.5, 0.9].map((share) => quantile(values, share));
  const among = (keep: (row: Row) => boolean) => bootstrap(phones.filter(keep), correlation);
  return {
    phone: bootstrap(phones, correlation),
    phoneWithinSpeaker: bootstrap(phones, withinSpeaker),
    phoneWithout96xx: among((row) => !row.spk.startsWith("96")),
    phoneChildren: among((row) => row.child),
    phoneAdults: among((row) => !row.child),
    word: bootstrap(words, correlation),
    caughtAt3PercentFalseRed: bootstrap(phones, (rows) => catchRate(rows).share),
    scoreAt3PercentFalseRed: catchRate(phones).threshold,
    redAt3PercentFalseRed: spared(phones, catchRate(phones).threshold),
    perfectPhoneScores: quantiles(perfect),
    badPhoneScores: quantiles(bad),
    wellSaidWordScores: quantiles(wellSaid),
  };
}

/**
 * The figures of docs/MODEL.md: correlations with the experts, catch rate, placement and how the scores are spread, of
 * what is told while the sentence is read and, under `result`, of what is told at its end.
 */
export function measure(results: Scored[]): Record<string, unknown> {
  const finals: Row[] = [];
  const provisional: Row[] = [];
  const words: Row[] = [];
  const lastPhones: Row[] = [];
  const lastWords: Row[] = [];
  const accuracy: Row[] = [];
  const totals: Row[] = [];
  const fluency: Row[] = [];
  const prosody: Row[] = [];
  const boundaries: number[] = [];
  const outcomes: Record<string, number> = {};
  let omitted = 0;
  for (const { sentence, events } of results) {
    const { spk } = sentence;
    const child = (sentence.age ?? 99) < 16;
    const truth = sentence.words ?? [];
    const placed = (sentence.align ?? []).filter(([phone]) => phone !== "SIL" && !phone.startsWith("+"));
    const count = truth.reduce((sum, word) => sum + word.phones.length, 0);
    let at = 0;
    for (const event of events) {
      if (event.type === "phoneme") {
        const human = truth[event.word]?.phones_accuracy[event.index] as number;
        const row = { spk, child, human, machine: event.score, clear: isClear(event.nBest ?? [], event.phone) };
        if (!event.final) {
          provisional.push(row);
          continue;
        }
        finals.push(row);
        if (event.startMs === event.endMs) omitted++;
        else if (placed.length === count) boundaries.push(Math.abs(event.startMs - (placed[at]?.[1] as number) * 1000));
        at++;
      } else if (event.type === "word") {
        words.push({ spk, child, human: truth[event.word]?.accuracy as number, machine: event.score });
      } else if (event.type === "result") {
        for (const [w, word] of event.words.entries()) {
          lastWords.push({ spk, child, human: truth[w]?.accuracy as number, machine: word.score });
          for (const [p, { phone, score, nBest = [] }] of word.phones.entries()) {
            const human = truth[w]?.phones_accuracy[p] as number;
            lastPhones.push({ spk, child, human, machine: score, clear: isClear(nBest, phone) });
          }
        }
        accuracy.push({ spk, child, human: sentence.accuracy as number, machine: event.accuracy });
        totals.push({ spk, child, human: sentence.total as number, machine: event.total });
        fluency.push({ spk, child, human: sentence.fluency as number, machine: event.fluency });
        prosody.push({ spk, child, human: sentence.prosodic as number, machine: event.prosody ?? 0 });
        outcomes[event.outcome] = (outcomes[event.outcome] ?? 0) + 1;
      }
    }
  }
  const edges = sortedOf(boundaries);
  return {
    sentences: results.length,
    phones: finals.length,
    ...agreement(finals, words),
    phoneProvisional: bootstrap(provisional, correlation),
    result: {
      ...agreement(lastPhones, lastWords),
      accuracy: bootstrap(accuracy, correlation),
      fluency: bootstrap(fluency, correlation),
      prosody: bootstrap(prosody, correlation),
      prosodyWithinSpeaker: bootstrap(prosody, withinSpeaker),
      prosodyChildren: bootstrap(
        prosody.filter((row) => row.child),
        correlation,
      ),
      prosodyAdults: bootstrap(
        prosody.filter((row) => !row.child),
        correlation,
      ),
      total: bootstrap(totals, correlation),
    },
    omittedShare: Math.round((omitted / finals.length) * 1e4) / 1e4,
    startErrorMs: { median: quantile(edges, 0.5), p90: quantile(edges, 0.9) },
    outcomes,
  };
}
