import { setImmediate } from "node:timers/promises";
import type { CallReply, CallRequest, DrillItem, PhoneProgress, PracticeTarget } from "#protocol";
import { limits } from "#protocol";
import { calendarDays } from "./calendar-days.ts";
import { everydayWords } from "./everyday-words.ts";
import type { DrillRepository, PhoneTally, ProgressRepository, Pronouncer } from "./ports.ts";

export type PracticeOptions = {
  drills: DrillRepository;
  progress: ProgressRepository;
  pronouncer: Pronouncer;
};

/** Everyday words by language; a language without them has sentences alone. */
const wordLists: Readonly<Record<string, readonly string[]>> = { en: everydayWords };
const DAY_MS = 86_400_000;
/** Periods of the charts over time at the most. */
const PERIODS = 14;
/** What was heard instead, for each phone at the most. */
const RIVALS = 3;
/** Judgements in each half of the range from which a change can be told. */
const CHANGE_EVIDENCE = 5;

/** What a practice list looks back on. */
const LIST_DAYS = 60;
/** A sound said fewer times than this is not called weak: one bad reading has that many bad sounds. */
const TARGET_EVIDENCE = 8;
/** Mean score from which a sound needs no practice: about where the judgement becomes good. */
const TARGET_SCORE = 85;
const TARGETS = 4;
const DRILLS_OF_TARGET = 3;
const WORDS_OF_TARGET = 6;
const PAIRS_OF_TARGET = 4;

/** How a learner gets on, and what to practise next. */
export class Practice {
  readonly #options: PracticeOptions;
  /** Phones of each word of a text, by language and text; filled as texts are first asked for: sentences of the list and everyday words alone. */
  readonly #phonesOf = new Map<string, string[][]>();

  constructor(options: PracticeOptions) {
    this.#options = options;
  }

  async progress(
    userId: string,
    { timeZone, days: count, language }: CallRequest<"practice.progress">,
    nowMs = Date.now(),
  ): Promise<CallReply<"practice.progress">> {
    const { progress } = this.#options;
    const { days, starts } = calendarDays(timeZone, count, nowMs);
    const daysOfPeriod = Math.ceil(count / PERIODS);
    const isFirst = (_: unknown, day: number) => day % daysOfPeriod === 0;
    const periodStarts = starts.filter(isFirst);
    const practised = await progress.practised(userId, starts);
    const phones = await progress.phones(userId, language, periodStarts, limits.progressAttempts);
    return {
      streakDays: await this.#streak(userId, timeZone, nowMs),
      firstDay: days[0] ?? "",
      today: days.at(-1) ?? "",
      days: practised.map(({ period, ...sums }) => ({ day: days[period] ?? "", ...sums })),
      periods: days.filter(isFirst),
      phones: phoneProgress(phones, periodStarts.length),
    };
  }

  async list(
    userId: string,
    { language }: CallRequest<"practice.list">,
    nowMs = Date.now(),
  ): Promise<CallReply<"practice.list">> {
    const { progress, drills } = this.#options;
    const tallies = await progress.phones(userId, language, [nowMs - LIST_DAYS * DAY_MS], limits.progressAttempts);
    const weak = phoneProgress(tallies, 1)
      .filter(({ count, score }) => count >= TARGET_EVIDENCE && score < TARGET_SCORE)
      .slice(0, TARGETS);
    if (weak.length === 0) return { targets: [] };
    const items = await drills.list([language]);
    const targets = [];
    for (const phone of weak) targets.push(await this.#target(phone, items, language));
    return { targets };
  }

  /** Days in a row with practice up to today; a day that is not over breaks nothing. */
  async #streak(userId: string, timeZone: string, nowMs: number): Promise<number> {
    let streak = 0;
    for (let endMs = nowMs; ; ) {
      const { starts } = calendarDays(timeZone, limits.progressDays, endMs);
      const practised = new Set((await this.#options.progress.practised(userId, starts)).map(({ period }) => period));
      let day = starts.length - 1;
      if (streak === 0 && !practised.has(day)) day--;
      for (; day >= 0 && practised.has(day); day--) streak++;
      // Only whose streak fills all that was looked at is asked about the time before.
      if (day >= 0) return streak;
      endMs = (starts[0] ?? 0) - 1;
    }
  }

  async #target(
    { phone, count, score, heard }: PhoneProgress,
    items: DrillItem[],
    language: string,
  ): Promise<PracticeTarget> {
    const rival = heard[0]?.phone ?? null;
    const ranked = [];
    for (const drill of items) {
      const phones = (await this.#pronounce(drill.text, language)).flat();
      const share = phones.filter((each) => each === phone).length / phones.length;
      if (share > 0) ranked.push({ drill, share });
    }
    ranked.sort((a, b) => b.share - a.share);
    const words = await this.#everydayPhones(language);
    const pairs = rival === null ? [] : spread(minimalPairs(words, phone, rival), PAIRS_OF_TARGET);
    const paired = new Set(pairs.map(([word]) => word));
    const others = [...words].filter(([word, phones]) => phones.includes(phone) && !paired.has(word));
    return {
      phone,
      count,
      score,
      heard: rival,
      words: spread(
        others.map(([word]) => word),
        WORDS_OF_TARGET,
      ),
      pairs,
      drills: ranked.slice(0, DRILLS_OF_TARGET).map(({ drill }) => drill),
    };
  }

  async #pronounce(text: string, language: string): Promise<string[][]> {
    const key = `${language} ${text}`;
    const known = this.#phonesOf.get(key);
    if (known) return known;
    const words = await this.#options.pronouncer.words(text, language);
    const phones = words.map(({ pronunciations }) => pronunciations[0] ?? []);
    this.#phonesOf.set(key, phones);
    return phones;
  }

  async #everydayPhones(language: string): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const list = wordLists[language] ?? [];
    for (let at = 0; at < list.length; at += limits.drillWords) {
      const words = list.slice(at, at + limits.drillWords);
      const phones = await this.#pronounce(words.join(" "), language);
      // The first time it takes a while, and others' audio should not wait for all of it.
      await setImmediate();
      for (const [i, word] of words.entries()) found.set(word, phones[i] ?? []);
    }
    return found;
  }
}

/** Tallies put together by phone, the worst mean score first. */
function phoneProgress(tallies: readonly PhoneTally[], periods: number): PhoneProgress[] {
  return [...Map.groupBy(tallies, ({ phone }) => phone)]
    .map(([phone, own]) => {
      const whole = summed(own);
      const heard = [...Map.groupBy(own, (tally) => tally.heard)].flatMap(([rival, those]) =>
        rival === null ? [] : [{ phone: rival, count: summed(those).count }],
      );
      const points = [...Map.groupBy(own, ({ period }) => period)]
        .map(([period, those]) => ({ period, ...meanOf(summed(those)) }))
        .sort((a, b) => a.period - b.period);
      return {
        phone,
        ...meanOf(whole),
        poor: whole.poor,
        change: changeOf(own, periods),
        heard: heard.sort((a, b) => b.count - a.count).slice(0, RIVALS),
        points,
      };
    })
    .sort((a, b) => a.score - b.score);
}

type Sums = Pick<PhoneTally, "count" | "scores" | "poor">;

function summed(tallies: readonly PhoneTally[]): Sums {
  const sums = { count: 0, scores: 0, poor: 0 };
  for (const { count, scores, poor } of tallies) {
    sums.count += count;
    sums.scores += scores;
    sums.poor += poor;
  }
  return sums;
}

function meanOf({ count, scores }: Sums): { count: number; score: number } {
  return { count, score: scores / count };
}

function changeOf(tallies: readonly PhoneTally[], periods: number): number | null {
  const older = summed(tallies.filter(({ period }) => period < periods / 2));
  const newer = summed(tallies.filter(({ period }) => period >= periods / 2));
  if (Math.min(older.count, newer.count) < CHANGE_EVIDENCE) return null;
  return meanOf(newer).score - meanOf(older).score;
}

/** Words with the phone, each with one that is the same but for the rival in its place. */
function minimalPairs(words: ReadonlyMap<string, string[]>, phone: string, rival: string): [string, string][] {
  const bySound = new Map([...words].map(([word, phones]) => [phones.join(" "), word]));
  return [...words].flatMap(([word, phones]) => {
    const partners = phones.flatMap((each, at) =>
      each === phone ? (bySound.get(phones.with(at, rival).join(" ")) ?? []) : [],
    );
    return partners[0] === undefined ? [] : [[word, partners[0]] as [string, string]];
  });
}

/** `count` of them from all over the list. */
function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)] as T);
}
