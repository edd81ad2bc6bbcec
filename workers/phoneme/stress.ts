import type { VoiceTrack } from "./pitch.ts";
import type { DurationNorm } from "./segment-features.ts";
import { melodyOf, quantile, type SpokenPhone } from "./speaking.ts";
import type { Vowels } from "./vowels.ts";

/** A phone of a reading as stress sees it. */
export interface StressedPhone extends SpokenPhone {
  /** Its class. */
  phone: number;
  /** What `segmentFeatures` made of it: the classes' mean log posteriors come first. */
  features: Float32Array;
}

/** Frames of 10 ms in a step. */
const FRAMES_PER_STEP = 2;
/** Silence (in steps) in front of which a word's last syllable is drawn out. */
const PHRASE_END = 6;

const likeliest = (classes: readonly number[], features: Float32Array): number =>
  Math.max(...classes.map((c) => features[c] as number));

/** What each syllable of a word was like. */
export interface SyllableMeasures {
  word: number;
  /** One per syllable: the vowel's class, and its measures. */
  vowels: number[];
  measures: number[][];
}

/**
 * The words (of `words`, by index) with two or more syllables, and for each of their vowels: length against what is usual for it,
 * pitch against the word's (semitones) and its movement, loudness against the word's (in 10 dB), how much it was reduced
 * towards AH or IH, and whether silence follows its word.
 */
export function syllablesOf(
  phones: readonly StressedPhone[],
  voice: VoiceTrack,
  durations: DurationNorm,
  vowels: Vowels,
): SyllableMeasures[] {
  const melody = melodyOf(phones, voice);
  const semitones = new Map(melody?.frames.map((frame, i) => [frame, melody.semitones[i] as number]));
  const followers = new Map(phones.map((phone, i) => [phone, phones[i + 1]]));
  const full = vowels.all.filter((c) => !vowels.reduced.includes(c));
  return [...Map.groupBy(phones, ({ word }) => word)].flatMap(([word, members]) => {
    const nuclei = members.filter(({ phone }) => vowels.all.includes(phone));
    if (nuclei.length < 2) return [];
    const last = members.at(-1) as StressedPhone;
    const next = followers.get(last);
    const atEnd = !next || next.start - last.end >= PHRASE_END;
    const raw = nuclei.map((vowel) => {
      const frames = Array.from(
        { length: FRAMES_PER_STEP * (vowel.end - vowel.start) },
        (_, i) => FRAMES_PER_STEP * vowel.start + i,
      );
      const pitches = frames.flatMap((frame) => semitones.get(frame) ?? []).sort((a, b) => a - b);
      const usual = durations.mean[vowel.phone] as number;
      const deviation = durations.deviation[vowel.phone] as number;
      return {
        length: (Math.log(Math.max(1, vowel.end - vowel.start)) - usual) / deviation,
        pitch: pitches.length > 0 ? quantile(pitches, 0.8) : null,
        movement: pitches.length > 0 ? quantile(pitches, 0.95) - quantile(pitches, 0.05) : 0,
        level: Math.max(-80, ...frames.flatMap((frame) => voice.level[frame] ?? [])),
        reduction: likeliest(vowels.reduced, vowel.features) - likeliest(full, vowel.features),
        atEnd: vowel === nuclei.at(-1) && atEnd ? 1 : 0,
      };
    });
    const heard = raw.flatMap(({ pitch }) => pitch ?? []);
    const pitch = heard.length > 0 ? heard.reduce((a, b) => a + b) / heard.length : 0;
    const level = raw.reduce((sum, syllable) => sum + syllable.level, 0) / raw.length;
    return {
      word,
      vowels: nuclei.map((vowel) => vowel.phone),
      measures: raw.map((own) => [
        own.length,
        (own.pitch ?? pitch) - pitch,
        own.movement,
        (own.level - level) / 10,
        own.reduction,
        own.atEnd,
      ]),
    };
  });
}
