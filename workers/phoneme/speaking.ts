import type { Speaking } from "./events.ts";
import type { VoiceTrack } from "./pitch.ts";

/** A phone's span in steps of 20 ms, and the text's word that it belongs to. */
export interface SpokenPhone {
  word: number;
  start: number;
  end: number;
}

/** Silence between phones from here on is a pause that listeners notice (de Jong & Bosker 2013); shorter gaps are closures of stops. */
const PAUSE_STEPS = 12;
const STEP_MS = 20;
const STEPS_PER_SECOND = 1000 / STEP_MS;
const FRAMES_PER_STEP = 2;
/** Voiced frames (0.4 s) from which a melody's range can be told. */
const LEAST_VOICED = 40;
/** Pitch further from the voice's middle than this is a slip of an octave or a creak. */
const FARTHEST_SEMITONES = 9;

/** Silence in front of each phone but the first, in steps. */
export const gapsOf = (phones: readonly SpokenPhone[]): number[] =>
  phones.slice(1).map((phone, i) => Math.max(0, phone.start - (phones[i] as SpokenPhone).end));

/** The value below which the share `at` of the sorted values lies. */
export const quantile = (sorted: ArrayLike<number>, at: number): number =>
  sorted[Math.round(at * (sorted.length - 1))] ?? 0;

/** A reading's melody: voiced frames in semitones from the voice's middle, by frame. Null where too little is voiced. */
export function melodyOf(
  phones: readonly SpokenPhone[],
  voice: VoiceTrack,
): { frames: number[]; semitones: Float64Array; middleHz: number } | null {
  const first = FRAMES_PER_STEP * (phones[0]?.start ?? 0);
  const last = Math.min(voice.hz.length, FRAMES_PER_STEP * (phones.at(-1)?.end ?? 0));
  const voiced: number[] = [];
  for (let frame = first; frame < last; frame++) if ((voice.hz[frame] as number) > 0) voiced.push(frame);
  if (voiced.length < LEAST_VOICED) return null;
  const hz = voiced.map((frame) => voice.hz[frame] as number);
  const middleHz = quantile(
    hz.toSorted((a, b) => a - b),
    0.5,
  );
  const near = voiced
    .map((frame, i) => ({ frame, semitones: 12 * Math.log2((hz[i] as number) / middleHz) }))
    .filter(({ semitones }) => Math.abs(semitones) < FARTHEST_SEMITONES);
  return {
    frames: near.map(({ frame }) => frame),
    semitones: Float64Array.from(near, ({ semitones }) => semitones),
    middleHz,
  };
}

/** Fewer phones have no melody of a sentence. */
const SENTENCE_PHONES = 8;
/** A narrower melody is monotone: fewer than 1% of native readers' sentences are, and more than a tenth of learners'. */
const MONOTONE_SEMITONES = 4;

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** Pauses between the phones, in steps, in order: what was said besides the text (`besides`, in ms) is none. */
function pausesOf(phones: readonly SpokenPhone[], besides: readonly { startMs: number; endMs: number }[]): number[] {
  return gapsOf(phones)
    .map((gap, i) => {
      const start = (phones[i] as SpokenPhone).end * STEP_MS;
      const spoken = besides.reduce((sum, { startMs, endMs }) => {
        return sum + Math.max(0, Math.min(endMs, start + gap * STEP_MS) - Math.max(startMs, start));
      }, 0);
      return gap - Math.round(spoken / STEP_MS);
    })
    .filter((gap) => gap >= PAUSE_STEPS);
}

/**
 * How fast, how haltingly and with how much melody the phones (at least one, in order) were said. `besides` is speech that
 * the text does not have.
 */
export function speakingOf(
  phones: readonly SpokenPhone[],
  voice: VoiceTrack | null,
  besides: readonly { startMs: number; endMs: number }[] = [],
): Speaking {
  const steps = Math.max(1, (phones.at(-1) as SpokenPhone).end - (phones[0] as SpokenPhone).start);
  const pauses = pausesOf(phones, besides);
  const words = new Set(phones.map((phone) => phone.word)).size;
  const melody = voice && melodyOf(phones, voice);
  const speaking: Speaking = {
    phonesPerSecond: round((phones.length / steps) * STEPS_PER_SECOND, 2),
    wordsPerMinute: round((words / steps) * STEPS_PER_SECOND * 60, 1),
    pauses: pauses.length,
    longestPauseMs: STEP_MS * Math.max(0, ...pauses),
    pauseShare: round(pauses.reduce((sum, gap) => sum + gap, 0) / steps, 3),
  };
  if (!melody) return speaking;
  const sorted = melody.semitones.toSorted();
  const range = quantile(sorted, 0.95) - quantile(sorted, 0.05);
  const withRange = { ...speaking, pitchRangeSemitones: round(range, 1) };
  return phones.length < SENTENCE_PHONES ? withRange : { ...withRange, monotone: range < MONOTONE_SEMITONES };
}
