/** Samples per second of all audio in the scorer. */
export const SAMPLE_RATE = 16_000;
/** Samples between two frames (10 ms). */
export const HOP = 160;
/** Samples in a frame's window (25 ms). */
export const WINDOW = 400;
/** Mel bands per frame. */
export const MELS = 40;

const FFT_SIZE = 512;
const LOW_HZ = 20;
const HIGH_HZ = 7600;
/** Added to a band's energy before the logarithm: far below a quiet room, far above zero. */
const FLOOR = 1e-7;
/** A log-mel below this is no sound of a microphone, but digital zeros or their dither. */
export const DIGITAL_SILENCE = Math.log(FLOOR) + 2;

/** A real transform is a complex one of half the length: 256 = 4^4, so four stages of radix 4. */
const half = FFT_SIZE / 2;
const window = Float64Array.from(
  { length: WINDOW },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / WINDOW),
);
/** Where the first stage finds its inputs in `frame`: each index with its four base-4 digits reversed, two samples each. */
const sources = Uint16Array.from(
  { length: half },
  (_, i) => 2 * (((i & 3) << 6) | ((i & 12) << 2) | ((i & 48) >> 2) | (i >> 6)),
);
/** Per stage after the first: cosine and sine of the three turns of each of its butterflies. */
const stages = [4, 16, 64].map((arm) =>
  Float64Array.from({ length: arm * 6 }, (_, i) => {
    const angle = (2 * Math.PI * Math.floor(i / 6) * (1 + (Math.floor(i / 2) % 3))) / (4 * arm);
    return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  }),
);
const cosTable = Float64Array.from({ length: half }, (_, i) => Math.cos((2 * Math.PI * i) / FFT_SIZE));
const sinTable = Float64Array.from({ length: half }, (_, i) => Math.sin((2 * Math.PI * i) / FFT_SIZE));

const melOf = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
const hzOf = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

/** Triangular filters on the HTK mel scale: of each its first bin and its weights. */
const filters = Array.from({ length: MELS }, (_, band) => {
  const step = (melOf(HIGH_HZ) - melOf(LOW_HZ)) / (MELS + 1);
  const [left, centre, right] = [0, 1, 2].map((k) => hzOf(melOf(LOW_HZ) + step * (band + k))) as [
    number,
    number,
    number,
  ];
  const weightAt = (bin: number): number => {
    const hz = (bin * SAMPLE_RATE) / FFT_SIZE;
    return Math.max(0, Math.min((hz - left) / (centre - left), (right - hz) / (right - centre)));
  };
  const first = Math.ceil((left * FFT_SIZE) / SAMPLE_RATE);
  const last = Math.floor((right * FFT_SIZE) / SAMPLE_RATE);
  const weights = Array.from({ length: Math.max(1, last - first + 1) }, (_, i) => weightAt(first + i));
  // A band narrower than the spacing of the bins may fall between two of them: it then takes the nearest bin whole.
  if (!weights.some((w) => w > 0)) return { first: Math.round((centre * FFT_SIZE) / SAMPLE_RATE), weights: [1] };
  return { first, weights };
});
const firstBins = Uint16Array.from(filters, ({ first }) => first);
const lengths = Uint16Array.from(filters, ({ weights }) => weights.length);
/** The filters' weights, one filter after the other. */
const allWeights = Float64Array.from(filters.flatMap(({ weights }) => weights));
const LAST_BIN = Math.max(...filters.map(({ first, weights }) => first + weights.length - 1));

const re = new Float64Array(half);
const im = new Float64Array(half);
const power = new Float64Array(half + 1);
const frame = new Float64Array(FFT_SIZE);

/** Fills `re` and `im` with the four-point transforms of `frame`, whose even samples are taken as real and odd ones as imaginary. */
function firstStage(): void {
  for (let at = 0; at < half; at += 4) {
    const a = sources[at] as number;
    const b = sources[at + 1] as number;
    const c = sources[at + 2] as number;
    const d = sources[at + 3] as number;
    const sumR = (frame[a] as number) + (frame[c] as number);
    const sumI = (frame[a + 1] as number) + (frame[c + 1] as number);
    const differenceR = (frame[a] as number) - (frame[c] as number);
    const differenceI = (frame[a + 1] as number) - (frame[c + 1] as number);
    const otherR = (frame[b] as number) + (frame[d] as number);
    const otherI = (frame[b + 1] as number) + (frame[d + 1] as number);
    const turnedR = (frame[b + 1] as number) - (frame[d + 1] as number);
    const turnedI = (frame[d] as number) - (frame[b] as number);
    re[at] = sumR + otherR;
    im[at] = sumI + otherI;
    re[at + 1] = differenceR + turnedR;
    im[at + 1] = differenceI + turnedI;
    re[at + 2] = sumR - otherR;
    im[at + 2] = sumI - otherI;
    re[at + 3] = differenceR - turnedR;
    im[at + 3] = differenceI - turnedI;
  }
}

/** Joins every four transforms of `turns.length / 6` points into one. */
function joinStage(turns: Float64Array): void {
  const arm = turns.length / 6;
  for (let start = 0; start < half; start += 4 * arm) {
    for (let k = 0, t = 0; k < arm; k++, t += 6) {
      const a = start + k;
      const b = a + arm;
      const c = b + arm;
      const d = c + arm;
      const ar = re[a] as number;
      const ai = im[a] as number;
      const br = (re[b] as number) * (turns[t] as number) + (im[b] as number) * (turns[t + 1] as number);
      const bi = (im[b] as number) * (turns[t] as number) - (re[b] as number) * (turns[t + 1] as number);
      const cr = (re[c] as number) * (turns[t + 2] as number) + (im[c] as number) * (turns[t + 3] as number);
      const ci = (im[c] as number) * (turns[t + 2] as number) - (re[c] as number) * (turns[t + 3] as number);
      const dr = (re[d] as number) * (turns[t + 4] as number) + (im[d] as number) * (turns[t + 5] as number);
      const di = (im[d] as number) * (turns[t + 4] as number) - (re[d] as number) * (turns[t + 5] as number);
      re[a] = ar + cr + (br + dr);
      im[a] = ai + ci + (bi + di);
      re[b] = ar - cr + (bi - di);
      im[b] = ai - ci - (br - dr);
      re[c] = ar + cr - (br + dr);
      im[c] = ai + ci - (bi + di);
      re[d] = ar - cr - (bi - di);
      im[d] = ai - ci + (br - dr);
    }
  }
}

/** Power spectrum of `frame` (real, 512 samples) up to the last bin that a filter looks at. */
function powerSpectrum(): void {
  firstStage();
  for (const turns of stages) joinStage(turns);
  for (let k = 0; k <= LAST_BIN; k++) {
    const mirror = (half - k) & (half - 1);
    const evenRe = (re[k] as number) + (re[mirror] as number);
    const evenIm = (im[k] as number) - (im[mirror] as number);
    const oddRe = (im[k] as number) + (im[mirror] as number);
    const oddIm = (re[mirror] as number) - (re[k] as number);
    const c = cosTable[k] as number;
    const s = sinTable[k] as number;
    const real = evenRe + c * oddRe + s * oddIm;
    const imaginary = evenIm + c * oddIm - s * oddRe;
    power[k] = (real * real + imaginary * imaginary) / 4;
  }
}

/**
 * Log-mel energies of one window: `MELS` natural logarithms written to `out` at `offset`.
 * `samples` holds at least `WINDOW` values from `start`, in units of full scale (-1 to 1).
 * The window's mean is removed first, so a constant offset of the microphone has no effect.
 */
function logMel(samples: Float32Array, start: number, out: Float32Array, offset: number): void {
  let mean = 0;
  for (let i = 0; i < WINDOW; i++) mean += samples[start + i] as number;
  mean /= WINDOW;
  for (let i = 0; i < WINDOW; i++) frame[i] = ((samples[start + i] as number) - mean) * (window[i] as number);
  powerSpectrum();
  for (let band = 0, at = 0; band < MELS; band++) {
    let bin = firstBins[band] as number;
    let energy = FLOOR;
    for (const end = at + (lengths[band] as number); at < end; at++, bin++)
      energy += (power[bin] as number) * (allWeights[at] as number);
    out[offset + band] = Math.log(energy);
  }
}

/**
 * Turns PCM of any chunking into log-mel frames, one each 10 ms. Frame n covers samples
 * [160 n, 160 n + 400). At most one window of samples is kept.
 */
export class LogMelStream {
  readonly #pending = new Float32Array(WINDOW);
  #filled = 0;

  /** Feeds `pcm` from index `from` until one frame is complete; returns the index after the last sample taken, and whether a frame was written. */
  next(pcm: Int16Array, from: number, out: Float32Array, offset: number): { taken: number; wrote: boolean } {
    const count = Math.min(WINDOW - this.#filled, pcm.length - from);
    for (let i = 0; i < count; i++) this.#pending[this.#filled + i] = (pcm[from + i] as number) / 32768;
    this.#filled += count;
    if (this.#filled < WINDOW) return { taken: from + count, wrote: false };
    logMel(this.#pending, 0, out, offset);
    this.#pending.copyWithin(0, HOP);
    this.#filled = WINDOW - HOP;
    return { taken: from + count, wrote: true };
  }
}

/** All complete log-mel frames of a recording, `MELS` values each. */
export function logMels(pcm: Int16Array): Float32Array {
  const frames = pcm.length < WINDOW ? 0 : 1 + Math.floor((pcm.length - WINDOW) / HOP);
  const out = new Float32Array(frames * MELS);
  const stream = new LogMelStream();
  let at = 0;
  for (let frameIndex = 0; frameIndex < frames; ) {
    const { taken, wrote } = stream.next(pcm, at, out, frameIndex * MELS);
    at = taken;
    if (wrote) frameIndex++;
  }
  return out;
}
