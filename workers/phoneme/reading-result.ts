import { pronunciationScore } from "#protocol";
import type { ExpectedWord, Insertion, Outcome, ScoredPhone, ScoredWord, ScoreEvent } from "./events.ts";
import type { Pace } from "./head.ts";
import type { SentenceJudge } from "./judges.ts";
import { scoredPhone, scoredWord, type Taken, type WordProgress } from "./live-judge.ts";
import { average } from "./nets.ts";
import type { PackManifest } from "./pack.ts";
import type { VoiceTrack } from "./pitch.ts";
import { type Aside, type Placed, placeAnew } from "./placement.ts";
import type { Prosody, ProsodyScores } from "./prosody.ts";
import { prosodyMeasures } from "./prosody-measures.ts";
import { readingFeatures, type WholeReading } from "./reading-features.ts";
import type { RefinedScores } from "./refiner.ts";
import type { Segment } from "./segment-features.ts";
import { speakingOf } from "./speaking.ts";
import type { Stress } from "./stress.ts";
import { syllablesOf } from "./syllables.ts";
import { vowelsOf } from "./vowels.ts";

/** A reading that is over. */
export interface Reading {
  words: readonly ExpectedWord[];
  taken: readonly Taken[];
  /** One per word. */
  progress: readonly WordProgress[];
  insertions: Insertion[];
  /** Steps of what was said besides the text. */
  asides: readonly Aside[];
  outcome: Outcome;
  /** What is known of all of it once it is over; null where only training asks. */
  whole: WholeReading | null;
  /** What is known of the speaker (profile.ts). */
  context: Float32Array;
  audioMs: number;
  /** What the voice did; null where only posteriors are known. */
  voice: VoiceTrack | null;
}

/** What judges a reading that is over; a pack may lack the last two. */
export interface ReadingJudges {
  refiner: SentenceJudge;
  prosody: Pick<Prosody, "judge"> | null;
  stress: Pick<Stress, "heard"> | null;
}

/** A reading of fewer phones says too little of its speaker. */
const TELLING = 8;

/** How fast and how haltingly the phones (at least one) were said. */
export function paceOf(segments: { start: number; end: number }[]): Pace {
  const first = segments[0] as Segment;
  const last = segments.at(-1) as Segment;
  const length = Math.max(1, last.end - first.start);
  const pauses = segments.slice(1).map((segment, i) => Math.max(0, segment.start - (segments[i]?.end ?? 0)));
  return {
    phonesPerSecond: (segments.length / length) * 50,
    pauseShare: pauses.reduce((a, b) => a + b, 0) / length,
    longestPauseSteps: Math.max(0, ...pauses),
  };
}

/** The words with their phones as the whole sentence shows them; what was never said stays as it was told. */
function refinedWords(reading: Reading, refined: RefinedScores | null, manifest: PackManifest): ScoredWord[] {
  const phones = reading.progress.map((progress) => [...progress.phones]);
  for (const [i, taken] of reading.taken.entries()) {
    const judged = refined?.phones[i] ?? 0;
    const scored = scoredPhone(taken, judged, manifest.resultThresholds, manifest.phones);
    (phones[taken.word] as ScoredPhone[])[taken.index] = scored;
  }
  return reading.progress.map((progress, word) => ({
    ...scoredWord(
      reading.words[word]?.text ?? "",
      { ...progress, phones: phones[word] as ScoredPhone[] },
      refined?.words.get(word) ?? 0,
      manifest.resultThresholds,
    ),
    phones: phones[word] as ScoredPhone[],
  }));
}

/** The taken phones, placed anew and described by all of the reading. */
function readAnew({ taken, asides }: Reading, whole: WholeReading, { durations }: PackManifest): Taken[] {
  const told = taken.map(({ word, phone, segment: { start, end } }) => ({ word, phone, start, end }));
  const placed = placeAnew(told, whole.posteriors, asides) ?? told;
  const anew = told.map((phone, i) => ({ ...phone, ...placed[i] }));
  const features = readingFeatures(anew, whole, durations);
  return taken.map((phone, i) => {
    const { start, end } = anew[i] as Placed;
    return { ...phone, segment: { ...phone.segment, start, end }, features: features[i] as Float32Array };
  });
}

/** How the reading was spoken, from 0 to 10: whatever was not said lowers it as it lowers the other scores. */
function spokenScores(
  { taken, progress, voice }: Reading,
  refined: RefinedScores | null,
  prosody: ReadingJudges["prosody"],
  { phones, durations }: PackManifest,
): ProsodyScores | null {
  if (!refined || !prosody || !voice) return null;
  const vowels = vowelsOf(phones).all;
  const reading = {
    phones: taken.map(({ word, phone, segment: { start, end } }) => {
      return { word, phone, start, end, vowel: vowels.includes(phone) };
    }),
    omitted: progress.reduce((sum, word) => sum + word.omitted, 0),
    words: progress.length,
    voice,
    scores: refined,
  };
  const said = average(taken.map((phone) => phone.said));
  const judged = prosody.judge(prosodyMeasures(reading, durations));
  return { prosody: said * judged.prosody, fluency: said * judged.fluency };
}

/** Adds to the words that were read which syllable was stressed, where that is clear and the text says where it should be. */
function addStress(words: ScoredWord[], reading: Reading, stress: ReadingJudges["stress"], phones: string[]): void {
  if (!stress || !reading.voice) return;
  const spoken = reading.taken.map(({ word, phone, features, segment: { start, end } }) => {
    return { word, phone, features, start, end };
  });
  const vowels = vowelsOf(phones);
  for (const syllables of syllablesOf(spoken, reading.voice, vowels)) {
    const word = words[syllables.word] as ScoredWord;
    const { pronunciations = [], stress: expected = [] } = reading.words[syllables.word] ?? {};
    const said = word.phones.map(({ phone }) => phone);
    const chosen = pronunciations.findIndex(
      (p) => p.length === said.length && p.every((phone, i) => phone === said[i]),
    );
    const syllable = expected[chosen] ?? -1;
    const nuclei = said.filter((phone) => vowels.all.includes(phones.indexOf(phone))).length;
    // A vowel that was left out takes its syllable with it.
    if (syllable < 0 || word.errorType === "omission" || nuclei !== syllables.vowels.length) continue;
    const heard = stress.heard(syllables, syllable);
    if (heard) word.stress = heard;
  }
}

/** What a whole reading comes to: its phones and words judged anew, the sentence's scores and its outcome. Without judges every score is 0. */
export function readingResult(
  reading: Reading,
  manifest: PackManifest,
  judges: ReadingJudges | null,
): Extract<ScoreEvent, { type: "result" }> {
  const { whole } = reading;
  const taken = whole && reading.taken.length > 0 ? readAnew(reading, whole, manifest) : [...reading.taken];
  const pace = taken.length > 0 ? paceOf(reading.taken.map(({ segment }) => segment)) : null;
  const refined = pace && whole && judges ? judges.refiner.judge(taken, pace, reading.context) : null;
  const spokenWell = spokenScores({ ...reading, taken }, refined, judges?.prosody ?? null, manifest);
  const spokenPhones = taken.map(({ word, segment: { start, end } }) => ({ word, start, end }));
  const words = refinedWords({ ...reading, taken }, refined, manifest);
  const spoken = words.filter((word) => word.errorType !== "omission").length;
  const completeness = spoken / words.length;
  const { outcome } = reading;
  if (outcome === "scored" || outcome === "incomplete")
    addStress(words, reading, judges?.stress ?? null, manifest.phones);
  const scale = (value: number, factor: number): number =>
    Math.round(Math.max(0, Math.min(100, value * 10)) * factor * 10) / 10;
  const mismatch = outcome === "mismatch" || outcome === "silence" ? 0.5 : 1;
  const parts = {
    accuracy: refined ? scale(refined.accuracy, mismatch) : 0,
    fluency: refined ? scale(spokenWell?.fluency ?? refined.fluency, mismatch) : 0,
    completeness: Math.round(completeness * 1000) / 10,
    ...(spokenWell ? { prosody: scale(spokenWell.prosody, mismatch) } : {}),
  };
  return {
    type: "result",
    outcome,
    ...parts,
    total: refined ? scale(refined.total, mismatch * completeness) : 0,
    pronunciation: pronunciationScore(parts),
    words,
    insertions: reading.insertions,
    ...(taken.length > 0 ? { speaking: speakingOf(spokenPhones, reading.voice, reading.insertions) } : {}),
    audioMs: reading.audioMs,
    ...(refined?.profile && outcome === "scored" && taken.length >= TELLING
      ? { profile: { model: manifest.version, values: refined.profile } }
      : {}),
  };
}
