/** Sounds that nobody spoke, and what may happen to those that somebody did. All 16 kHz mono; chance comes from seeds. */
const RATE = 16_000;

/** Numbers from -1 to 1 that a seed repeats. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  };
}

const clip = (value: number): number => Math.max(-32_768, Math.min(32_767, value));

export const gain = (pcm: Int16Array, factor: number): Int16Array => pcm.map((v) => clip(v * factor));

/** Two sounds at once, as long as the first. */
export const mix = (one: Int16Array, other: Int16Array): Int16Array => one.map((v, i) => clip(v + (other[i] ?? 0)));

export function noise(seconds: number, level: number, seed: number): Int16Array {
  const next = chance(seed);
  return new Int16Array(Math.round(RATE * seconds)).map(() => level * next());
}

/** A tone with overtones that fade, as a plucked string or a piano has them. */
function note(out: Float32Array, at: number, hz: number, seconds: number, level: number): void {
  const length = Math.min(out.length - at, Math.round(RATE * seconds));
  for (let i = 0; i < length; i++) {
    const t = i / RATE;
    let value = 0;
    for (let k = 1; k <= 6; k++) value += Math.sin(2 * Math.PI * hz * k * t) / k ** 1.5;
    out[at + i] = (out[at + i] as number) + level * value * Math.exp((-3 * t) / seconds) * Math.min(1, t * 200);
  }
}

/** A drum (a falling tone) or a cymbal (hiss). */
function beat(out: Float32Array, at: number, drum: boolean, level: number, next: () => number): void {
  const length = Math.min(out.length - at, 2_400);
  for (let i = 0; i < length; i++) {
    const t = i / RATE;
    const value = drum ? Math.sin(2 * Math.PI * (60 + 90 * Math.exp(-30 * t)) * t) : next();
    out[at + i] = (out[at + i] as number) + level * value * Math.exp(-(drum ? 18 : 40) * t);
  }
}

/** A band of chords, melody and drums, each of which may be absent; the seed chooses key, pace and tune. */
export function music(seconds: number, seed: number): Int16Array {
  const next = chance(seed);
  const out = new Float32Array(Math.round(RATE * seconds));
  const root = 110 * 2 ** (Math.floor(6 + 6 * next()) / 12);
  const beatLength = Math.round(RATE * (0.35 + 0.15 * next()));
  const [chords, melody, drums] = [next() > -0.4, next() > -0.4, next() > -0.2];
  const scale = [0, 2, 4, 5, 7, 9, 11, 12, 14, 16];
  for (let at = 0, count = 0; at < out.length; at += beatLength, count++) {
    const step = [0, 5, 3, 4][Math.floor(count / 4) % 4] as number;
    if (chords && count % 2 === 0)
      for (const third of [0, 2, 4]) note(out, at, root * 2 ** ((scale[step + third] ?? 0) / 12), 0.9, 2_000);
    const pitch = scale[Math.floor(5 + 5 * next())] ?? 0;
    if (melody || !chords) note(out, at, 2 * root * 2 ** (pitch / 12), 0.5, 4_000);
    if (drums) {
      beat(out, at, count % 2 === 0, 9_000, next);
      beat(out, at + (beatLength >> 1), false, 3_000, next);
    }
  }
  return Int16Array.from(out, (value) => clip(Math.round(value)));
}
