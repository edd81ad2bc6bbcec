import { average } from "./nets.ts";
import type { VoiceTrack } from "./pitch.ts";
import type { RefinedScores } from "./refiner.ts";
import type { DurationNorm } from "./segment-features.ts";
import { gapsOf, melodyOf, quantile, type SpokenPhone } from "./speaking.ts";

/** A phone of a reading as prosody sees it. */
export interface ProsodicPhone extends SpokenPhone {
  /** Its class, and whether that is a vowel: each makes a syllable. */
  phone: number;
  vowel: boolean;
}

/** All that a reading's prosody is judged by. */
export interface ProsodicReading {
  /** In order, at least one. */
  phones: readonly ProsodicPhone[];
  /** Phones that were taken for left out. */
  omitted: number;
  /** Words of the text. */
  words: number;
  voice: VoiceTrack;
  scores: RefinedScores;
}

/** How many numbers `prosodyMeasures` gives. */
export const PROSODY_MEASURES = 45;
/** Gaps that interrupt a sentence (160 ms), and those that break it between two words (60 ms). */
const INTERRUPTION = 8;
const BREAK = 3;
const FRAMES_PER_STEP = 2;

const mean = (values: number[]): number => (values.length > 0 ? average(values) : 0);
function spread(values: ArrayLike<number>): number {
  const all = Array.from(values);
  const middle = mean(all);
  return Math.sqrt(mean(all.map((value) => (value - middle) ** 2)));
}
const steps = (values: number[]): number[] => values.slice(1).map((value, i) => value - (values[i] as number));
const share = <T>(values: readonly T[], holds: (value: T) => boolean): number =>
  values.filter(holds).length / Math.max(1, values.length);

/** Pauses and pace. */
function tempo(phones: readonly ProsodicPhone[]): number[] {
  const gaps = gapsOf(phones);
  const between = gaps.filter((_, i) => phones[i]?.word !== phones[i + 1]?.word);
  const within = gaps.filter((_, i) => phones[i]?.word === phones[i + 1]?.word);
  const length = Math.max(5, (phones.at(-1) as ProsodicPhone).end - (phones[0] as ProsodicPhone).start);
  const long = gaps.filter((gap) => gap >= INTERRUPTION);
  const paused = long.reduce((sum, gap) => sum + gap, 0);
  return [
    Math.log(phones.length / length),
    Math.log(phones.length / Math.max(5, length - paused)),
    phones.filter((phone) => phone.vowel).length / length,
    paused / length,
    long.length / Math.max(1, between.length),
    Math.log1p(long.length),
    Math.log1p(Math.max(0, ...gaps)),
    Math.log1p(mean(between)),
    share(between, (gap) => gap >= BREAK),
    share(within, (gap) => gap >= BREAK),
  ];
}

/**
 * How evenly phones are held: lengths against what is usual for each, and the pairwise variability index of vowels
 * (Grabe & Low 2002), which tells a rhythm of stresses from one of syllables.
 */
function rhythm(phones: readonly ProsodicPhone[], lengths: readonly number[]): number[] {
  const sorted = lengths.toSorted((a, b) => a - b);
  const ofVowels = lengths.filter((_, i) => phones[i]?.vowel);
  const vowels = phones.filter((phone) => phone.vowel).map((phone) => phone.end - phone.start);
  const pairs = vowels.slice(1).map((own, i) => {
    const before = vowels[i] as number;
    return Math.abs(own - before) / ((own + before) / 2);
  });
  return [
    mean([...lengths]),
    spread(lengths),
    quantile(sorted, 0.9),
    quantile(sorted, 0.1),
    mean(ofVowels),
    spread(ofVowels),
    mean(lengths.filter((_, i) => !phones[i]?.vowel)),
    mean(pairs),
    spread(vowels) / Math.max(1, mean(vowels)),
    mean(steps(ofVowels).map(Math.abs)),
  ];
}

/** Melody and loudness over the whole, and how they move from syllable to syllable. */
function melody(phones: readonly ProsodicPhone[], lengths: readonly number[], voice: VoiceTrack): number[] {
  const found = melodyOf(phones, voice);
  const frames = found?.frames ?? [];
  const semitones = found?.semitones ?? new Float64Array(0);
  const sorted = semitones.toSorted();
  const levels = frames.map((frame) => voice.level[frame] as number);
  const sortedLevels = levels.toSorted((a, b) => a - b);
  const glides = steps(Array.from(semitones)).filter((_, i) => frames[i + 1] === (frames[i] as number) + 1);
  const spanFrames = Math.max(1, FRAMES_PER_STEP * ((phones.at(-1)?.end ?? 0) - (phones[0]?.start ?? 0)));
  const atFrame = new Map(frames.map((frame, i) => [frame, i]));
  const middleLevel = quantile(sortedLevels, 0.5);
  const syllables = phones.flatMap((phone, i) => {
    if (!phone.vowel) return [];
    const own: number[] = [];
    for (let frame = FRAMES_PER_STEP * phone.start; frame < FRAMES_PER_STEP * phone.end; frame++) {
      const at = atFrame.get(frame);
      if (at !== undefined) own.push(at);
    }
    return {
      pitch: quantile(
        own.map((at) => semitones[at] as number).toSorted((a, b) => a - b),
        0.5,
      ),
      level: own.length > 0 ? Math.max(...own.map((at) => levels[at] as number)) - middleLevel : 0,
      length: lengths[i] as number,
    };
  });
  const pitches = syllables.map((syllable) => syllable.pitch);
  const loudness = syllables.map((syllable) => syllable.level);
  const last = syllables.at(-1);
  return [
    quantile(sorted, 0.95) - quantile(sorted, 0.05),
    spread(semitones),
    quantile(sorted, 0.95),
    slope(frames, semitones),
    mean(glides.map(Math.abs)),
    frames.length / spanFrames,
    spread(levels),
    quantile(sortedLevels, 0.95) - quantile(sortedLevels, 0.05),
    slope(frames, levels),
    spread(pitches),
    spread(loudness),
    mean(steps(pitches).map(Math.abs)),
    mean(steps(loudness).map(Math.abs)),
    last?.pitch ?? 0,
    last?.level ?? 0,
    last?.length ?? 0,
  ];
}

/** Change per second of the values' straight line; pitch falls in most sentences (declination). */
function slope(frames: readonly number[], values: ArrayLike<number>): number {
  const middle = mean([...frames]);
  const level = mean(Array.from(values));
  let top = 0;
  let bottom = 1;
  for (const [i, frame] of frames.entries()) {
    top += (frame - middle) * ((values[i] as number) - level);
    bottom += (frame - middle) ** 2;
  }
  return (100 * top) / bottom;
}

/** How well it was said altogether. */
function quality({ scores, omitted, phones, words }: ProsodicReading): number[] {
  const sorted = scores.phones.toSorted((a, b) => a - b);
  return [
    Math.log(phones.length),
    Math.log(words),
    mean(scores.phones),
    share(scores.phones, (score) => score < 1.3),
    mean(sorted.slice(0, 3)),
    omitted / phones.length,
    scores.accuracy,
    scores.fluency,
    scores.total,
  ];
}

/** Numbers that describe how a reading was spoken; the nets of prosody.json are trained on them in this order. */
export function prosodyMeasures(reading: ProsodicReading, durations: DurationNorm): Float32Array {
  const { phones, voice } = reading;
  const lengths = phones.map(({ phone, start, end }) => {
    const usual = durations.mean[phone] as number;
    return (Math.log(Math.max(1, end - start)) - usual) / (durations.deviation[phone] as number);
  });
  return Float32Array.from([
    ...tempo(phones),
    ...rhythm(phones, lengths),
    ...melody(phones, lengths, voice),
    ...quality(reading),
  ]);
}
