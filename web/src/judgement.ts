import type { DrillPhone, DrillWord } from "#client";
import type { Band, DrillResult, Insertion } from "#protocol";
import type { SoundNames } from "./sound-names.ts";
import { counted } from "./words.ts";

/** Each band has a shape of its own, so that no judgement hangs on colour. */
export const marks: Record<Band, { sign: string; word: string }> = {
  good: { sign: "✓", word: "good" },
  fair: { sign: "~", word: "fair" },
  poor: { sign: "✕", word: "poor" },
};
export const omittedSign = "–";

/** A sound of the sentence, or a whole word of it (`phone` is null), by their places. */
export type Selection = { readonly word: number; readonly phone: number | null };

export function bandOf(word: DrillWord): Band | undefined {
  if (!word.judged) return undefined;
  const bands = word.phones.map(({ judged }) => judged?.band);
  if (word.judged.errorType !== "none" || bands.includes("poor")) return "poor";
  return bands.includes("fair") ? "fair" : "good";
}

export function wasRead({ outcome }: Pick<DrillResult, "outcome">): boolean {
  return outcome === "scored" || outcome === "incomplete";
}

/** Names a sound for somebody who reads no signs. */
export function soundName(names: SoundNames, phone: string): string {
  const example = names.example(phone);
  return example ? `the sound in “${example}”` : `the sound ${names.sign(phone)}`;
}

export function soundInWords(names: SoundNames, phone: string, heard?: string): string {
  const rival = heard === undefined ? undefined : names.example(heard);
  const name = soundName(names, phone);
  return rival ? `${name}, it sounded like the one in “${rival}”` : name;
}

/** A candidate this likely, against the likeliest, is worth naming. */
const LIKELY = 40;

/** What a sound that was not good was taken for. */
export function heardInWords(
  names: SoundNames,
  phone: string,
  { heard, nBest = [], feedback }: NonNullable<DrillPhone["judged"]>,
): string {
  const others = nBest
    .filter((each) => each.phone !== phone && each.phone !== heard && each.score >= LIKELY)
    .flatMap((each) => names.example(each.phone) ?? [])
    .slice(0, 2)
    .map((example) => `“${example}”`)
    .join(" or ");
  const rival = heard === undefined ? undefined : names.example(heard);
  if (rival) return `It sounded like the one in “${rival}”${others && `, or perhaps in ${others}`}.`;
  if (feedback?.fault === "dropped") return "It could not be heard.";
  return others ? `It was close, but a little like the one in ${others}.` : "It was this sound, but not a clear one.";
}

/** A judged sound in one line, as its button is called. */
export function phoneInWords(names: SoundNames, { phone, judged }: DrillPhone, omitted: boolean): string {
  const name = soundName(names, phone);
  if (omitted) return `${name}: left out`;
  return judged ? `${name}: ${marks[judged.band].word}, ${Math.round(judged.score)} of 100` : name;
}

/** What a screen reader hears of a judged word. */
export function wordInWords(names: SoundNames, word: DrillWord): string {
  if (!word.judged) return "not spoken yet";
  if (word.judged.errorType === "omission") return "left out";
  const wrong = word.phones
    .filter(({ judged }) => judged?.band === "poor")
    .map(({ phone, judged }) => soundInWords(names, phone, judged?.heard));
  if (word.judged.errorType === "mispronunciation" && wrong.length === 0)
    return `${Math.round(word.judged.score)} of 100; it sounded like another word`;
  return `${Math.round(word.judged.score)} of 100${wrong.length > 0 ? `; practise ${wrong.join(", ")}` : ""}`;
}

/** The sound that needs work most: the worst that was judged less than good. */
export function worstSound(words: readonly DrillWord[]): Selection | null {
  let worst: Selection | null = null;
  let lowest = Number.POSITIVE_INFINITY;
  for (const [at, word] of words.entries()) {
    if (word.judged?.errorType === "omission") continue;
    for (const [index, { judged }] of word.phones.entries()) {
      if (!judged || judged.band === "good" || judged.score >= lowest) continue;
      worst = { word: at, phone: index };
      lowest = judged.score;
    }
  }
  return worst;
}

/** Words to repeat, those with the worst sound first; good ones and those that were left out are not among them. */
export function wordsToRepeat(words: readonly DrillWord[]): number[] {
  const rank = (word: DrillWord) =>
    (bandOf(word) === "poor" ? 0 : 1_000) + Math.min(...word.phones.map(({ judged }) => judged?.score ?? 100));
  return words
    .flatMap((word, at) => {
      const band = bandOf(word);
      const counts = band !== undefined && band !== "good" && word.judged?.errorType !== "omission";
      return counts ? [{ at, rank: rank(word) }] : [];
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ at }) => at);
}

/** What to read to practise one word: itself, or with its neighbour where it is too short to be judged alone. */
export function phraseAround(words: readonly DrillWord[], at: number): string {
  const alone = (words[at]?.phones.length ?? 0) >= 3;
  const from = alone || at < words.length - 1 ? at : Math.max(0, at - 1);
  return words
    .slice(from, alone ? at + 1 : from + 2)
    .map(({ text }) => text)
    .join(" ");
}

/** What a reading's pronunciation score means. */
export function praise(score: number): string {
  if (score >= 85) return "Very clear";
  if (score >= 70) return "Clear";
  if (score >= 50) return "Understandable";
  return "Worth another try";
}

/** What was said that the sentence does not have there. */
export function insertionInWords({ text, kind, beforeWord }: Insertion, words: readonly DrillWord[]): string {
  const next = words[beforeWord]?.text;
  const place = next === undefined ? "after the last word" : `before “${next}”`;
  if (text === null)
    return kind === "other" ? `You said something else ${place}.` : `You said something twice ${place}.`;
  switch (kind) {
    case "repetition":
      return `You said “${text}” twice.`;
    case "restart":
      return `You began “${text}” and started again ${place}.`;
    case "misplaced":
      return `You said “${text}” ${place}, where it does not belong.`;
    case "other":
      return `You added “${text}” ${place}.`;
  }
}

/** The parts of a result, each with its score and what it means for this reading. */
export function partsInWords(result: DrillResult): { name: string; score: number; means: string }[] {
  const { accuracy, fluency, completeness, prosody } = result;
  const parts = [
    { name: "Accuracy", score: accuracy, means: accuracyMeans(accuracy) },
    { name: "Fluency", score: fluency, means: fluencyMeans(result) },
    { name: "Completeness", score: completeness, means: completenessMeans(result) },
  ];
  if (prosody !== undefined) parts.push({ name: "Stress and melody", score: prosody, means: prosodyMeans(result) });
  return parts;
}

function accuracyMeans(accuracy: number): string {
  if (accuracy >= 85) return "The sounds were clear.";
  if (accuracy >= 70) return "Most sounds were clear.";
  return accuracy >= 50 ? "Some sounds need work." : "Many sounds need work.";
}

function fluencyMeans({ fluency, speaking }: DrillResult): string {
  const flow = fluency >= 80 ? "It flowed." : fluency >= 60 ? "A little uneven." : "Slow, or with many stops.";
  if (!speaking) return flow;
  const pace = `${Math.round(speaking.wordsPerMinute)} words a minute`;
  if (speaking.pauses === 0) return `${flow} ${pace}, no pauses.`;
  const longest = (speaking.longestPauseMs / 1_000).toFixed(1);
  return `${flow} ${pace}, ${counted(speaking.pauses, "pause")}, the longest ${longest} s.`;
}

function completenessMeans({ words }: DrillResult): string {
  const said = words.filter(({ errorType }) => errorType !== "omission").length;
  return said === words.length ? "Nothing was left out." : `${said} of ${words.length} words were said.`;
}

function prosodyMeans({ words, speaking, prosody = 0 }: DrillResult): string {
  const elsewhere = words.filter(({ stress }) => stress && stress.heard !== stress.expected).map(({ text }) => text);
  if (elsewhere.length > 0) return `The stress was on another syllable in “${elsewhere.slice(0, 3).join("”, “")}”.`;
  if (prosody < 80 && speaking?.monotone) return "Rather flat: let the voice rise and fall more.";
  return prosody >= 80 ? "The sentence had a natural rhythm." : "The rhythm was a little even or halting.";
}
