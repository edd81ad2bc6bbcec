import { randomFrom } from "./random.ts";

const RATE = 16_000;
type Sound = (sample: number) => number;

const render = (ms: number, sound: Sound): Int16Array =>
  Int16Array.from({ length: ms * 16 }, (_, i) => Math.max(-32_768, Math.min(32_767, Math.round(sound(i)))));
const fading = (i: number, period: number, speed: number): number => Math.exp((-(i % period) / period) * speed);

/** Synthesised music of chords, a melody and drums, in some mixture: 16 kHz samples, another piece for each seed. */
export function music(seed: number, ms: number): Int16Array {
  const random = randomFrom(seed);
  const beat = Math.round(RATE * (0.15 + 0.3 * random()));
  const harmonics = Array.from({ length: 8 }, (_, k) => (random() < 0.7 ? random() / (k + 1) : 0));
  const notes = Array.from({ length: 32 }, () => 110 * 2 ** (Math.floor(random() * 40) / 12));
  const levels = [random(), random(), random()].map((level) => (level < 0.3 ? 0 : level * 7_000));
  const vibrato = random() * 0.004;
  const tone = (i: number, hertz: number): number =>
    harmonics.reduce(
      (sum, level, k) =>
        sum + level * Math.sin(((2 * Math.PI * hertz * (k + 1)) / RATE) * i + vibrato * hertz * Math.sin(i / 450)),
      0,
    );
  return render(ms, (i) => {
    const note = Math.floor(i / beat);
    const chord = Math.floor(note / 4);
    const root = notes[chord % 8] as number;
    const chords = (tone(i, root) + tone(i, root * 1.26) + tone(i, root * 1.5)) * fading(i, beat * 4, 2);
    const melody = tone(i, 2 * (notes[note % 32] as number)) * fading(i, beat, 3);
    const drum = Math.sin((i % beat) * 0.025) * fading(i, beat, 12);
    const cymbal = (random() - 0.5) * fading(i + beat / 2, beat, 20);
    return (levels[0] ?? 0) * chords + (levels[1] ?? 0) * melody + (levels[2] ?? 0) * (drum + cymbal);
  });
}

/** Synthesised noise: hiss of some colour, hum, knocks and whistles, in some mixture. */
export function noise(seed: number, ms: number): Int16Array {
  const random = randomFrom(seed + 7_000);
  const colour = random();
  const level = 200 + 8_000 * random() ** 2;
  const swell = 1 + 10 * random();
  const hum = random() < 0.5 ? 0 : 3_000 * random();
  const knock = Math.round(RATE * (0.1 + random()));
  const knocks = random() < 0.5 ? 0 : 15_000 * random();
  const whistle = random() < 0.6 ? 0 : 4_000 * random();
  let smooth = 0;
  return render(ms, (i) => {
    smooth = colour * smooth + (1 - colour * 0.8) * (random() - 0.5);
    const breath = 0.6 + 0.4 * Math.sin((i / RATE) * swell);
    const glide = Math.sin((i / RATE) * 2 * Math.PI * (700 + 300 * Math.sin((i / RATE) * 3)));
    return (
      level * smooth * breath +
      hum * Math.sin((i / RATE) * 2 * Math.PI * 50) +
      knocks * (random() - 0.5) * fading(i, knock, 40) +
      whistle * glide
    );
  });
}
