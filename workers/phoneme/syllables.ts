import type { VoiceTrack } from "./pitch.ts";
import { melodyOf, quantile, type SpokenPhone } from "./speaking.ts";
import type { Vowels } from "./vowels.ts";

/** A phone of a reading as stress sees it. */
export interface SyllablePhone extends SpokenPhone {
  /** Its class. */
  phone: number;
  /** What `segmentFeatures` made of it: the classes' mean log posteriors come first. */
  features: Float32Array;
}

/** What each syllable of a word was like. */
export interface Syllables {
  word: number;
  /** One class per syllable. */
  vowels: number[];
  /** One row per syllable, of `SYLLABLE_MEASURES` numbers. */
  measures: number[][];
  /** Whether silence follows the word: its last syllable is then drawn out. */
  atEnd: boolean;
}

export const SYLLABLE_MEASURES = 11;
const FRAMES_PER_STEP = 2;
const PHRASE_END_STEPS = 6;
const LOWEST_DB = -80;

/** What is measured of one vowel, before it is compared with the others of its word. */
interface Nucleus {
  /** Semitones from the voice's middle, of its voiced frames, ascending. */
  pitches: number[];
  frames: number;
  steps: number;
  onsetSteps: number;
  /** Loudest frame below 500 Hz; loudest frame, mean and sum of the sound with its high tones raised. In bels. */
  levels: number[];
  /** How much likelier a reduced vowel was than a full one (log posteriors). */
  reduction: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const likeliest = (classes: readonly number[], features: Float32Array): number =>
  Math.max(...classes.map((c) => features[c] as number));

/**
 * For the words (of the text, by index) of two or more syllables, what each of them was like by its vowel: length, pitch and
 * loudness against the word's, the length of the consonant in front, and how much the vowel was reduced. That stress shows
 * most in the loudness of the higher tones is from Sluijter & van Heuven (1996).
 */
export function syllablesOf(phones: readonly SyllablePhone[], voice: VoiceTrack, vowels: Vowels): Syllables[] {
  const melody = melodyOf(phones, voice);
  const semitones = new Map(melody?.frames.map((frame, i) => [frame, melody.semitones[i] as number]));
  const full = vowels.all.filter((c) => !vowels.reduced.includes(c));
  const isVowel = ({ phone }: SyllablePhone): boolean => vowels.all.includes(phone);

  function nucleusOf(at: number): Nucleus {
    const vowel = phones[at] as SyllablePhone;
    const before = phones[at - 1];
    const onset = before && before.word === vowel.word && !isVowel(before) ? before : null;
    const steps = Math.max(1, vowel.end - vowel.start);
    const frames = Array.from({ length: FRAMES_PER_STEP * steps }, (_, i) => FRAMES_PER_STEP * vowel.start + i);
    const low = frames.flatMap((frame) => voice.level[frame] ?? []);
    const bright = frames.flatMap((frame) => voice.bright[frame] ?? []);
    const energy = bright.reduce((sum, db) => sum + 10 ** (db / 10), 1e-9);
    return {
      pitches: frames.flatMap((frame) => semitones.get(frame) ?? []).sort((a, b) => a - b),
      frames: frames.length,
      steps,
      onsetSteps: onset ? onset.end - onset.start : 1,
      levels: [
        Math.max(LOWEST_DB, ...low) / 10,
        Math.max(LOWEST_DB, ...bright) / 10,
        bright.length > 0 ? mean(bright) / 10 : LOWEST_DB / 10,
        Math.log10(energy),
      ],
      reduction: likeliest(vowels.reduced, vowel.features) - likeliest(full, vowel.features),
    };
  }

  const byWord = Map.groupBy(phones.keys(), (at) => (phones[at] as SyllablePhone).word);
  return [...byWord].flatMap(([word, members]) => {
    const nuclei = members.filter((at) => isVowel(phones[at] as SyllablePhone));
    if (nuclei.length < 2) return [];
    const last = phones[members.at(-1) as number] as SyllablePhone;
    const next = phones[(members.at(-1) as number) + 1];
    return {
      word,
      vowels: nuclei.map((at) => (phones[at] as SyllablePhone).phone),
      measures: compared(nuclei.map(nucleusOf)),
      atEnd: !next || next.start - last.end >= PHRASE_END_STEPS,
    };
  });
}

/** The mean of what is known. */
function known(values: readonly (number | null)[]): number {
  const all = values.flatMap((value) => value ?? []);
  return all.length > 0 ? mean(all) : 0;
}

/** The measures of a word's vowels: pitch and loudness against those of the word. */
function compared(nuclei: readonly Nucleus[]): number[][] {
  const high = nuclei.map(({ pitches }) => (pitches.length > 1 ? quantile(pitches, 0.8) : null));
  const middle = nuclei.map(({ pitches }) => (pitches.length > 1 ? mean(pitches) : null));
  const [usualHigh, usualMiddle] = [known(high), known(middle)];
  const levels = nuclei[0]?.levels.map((_, i) => mean(nuclei.map((nucleus) => nucleus.levels[i] as number))) ?? [];
  return nuclei.map((own, i) => [
    Math.log(own.steps),
    (high[i] ?? usualHigh) - usualHigh,
    (middle[i] ?? usualMiddle) - usualMiddle,
    (own.pitches.at(-1) ?? 0) - (own.pitches[0] ?? 0),
    ...own.levels.map((level, k) => level - (levels[k] as number)),
    Math.log(Math.max(1, own.onsetSteps)),
    own.reduction,
    own.pitches.length / own.frames,
  ]);
}
