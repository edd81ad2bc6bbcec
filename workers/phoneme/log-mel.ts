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

const half = FFT_SIZE / 2;
const window = Float64Array.from(
  { length: WINDOW },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / WINDOW),
);
const cosTable = Float64Array.from({ length: half }, (_, i) => Math.cos((2 * Math.PI * i) / FFT_SIZE));
const sinTable = Float64Array.from({ length: half }, (_, i) => Math.sin((2 * Math.PI * i) / FFT_SIZE));
const bitReversed = Uint16Array.from({ length: half }, (_, i) => {
  let reversed = 0;
  for (let bit = 1, mirror = half >> 1; bit < half; bit <<= 1, mirror >>= 1) if (i & bit) reversed |= mirror;
  return reversed;
});

const melOf = (hz: number): number => 2595 * Math.log10(1 + hz / 700);
const hzOf = (mel: number): number => 700 * (10 ** (mel / 2595) - 1);

/** Triangular filters on the HTK mel scale, stored as a first bin and its weights. */
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
  const weights = Float64Array.from({ length: Math.max(1, last - first + 1) }, (_, i) => weightAt(first + i));
  // A band narrower than the spacing of the bins may fall between two of them: it then takes the nearest bin whole.
  if (!weights.some((w) => w > 0))
    return { first: Math.round((centre * FFT_SIZE) / SAMPLE_RATE), weights: Float64Array.of(1) };
  return { first, weights };
});

const re = new Float64Array(half);
const im = new Float64Array(half);
const power = new Float64Array(half + 1);
const frame = new Float64Array(FFT_SIZE);

/** Power spectrum of `frame` (real, 512 samples) by one complex transform of half the length. */
function powerSpectrum(): void {
  for (let i = 0; i < half; i++) {
    const j = bitReversed[i] as number;
    re[i] = frame[2 * j] as number;
    im[i] = frame[2 * j + 1] as number;
  }
  for (let size = 2; size <= half; size <<= 1) {
    const arm = size >> 1;
    const stride = FFT_SIZE / size;
    for (let start = 0; start < half; start += size) {
      for (let k = 0, t = 0; k < arm; k++, t += stride) {
        const a = start + k;
        const b = a + arm;
        const c = cosTable[t] as number;
        const s = sinTable[t] as number;
        const xr = (re[b] as number) * c + (im[b] as number) * s;
        const xi = (im[b] as number) * c - (re[b] as number) * s;
        re[b] = (re[a] as number) - xr;
        im[b] = (im[a] as number) - xi;
        re[a] = (re[a] as number) + xr;
        im[a] = (im[a] as number) + xi;
      }
    }
  }
  for (let k = 0; k <= half; k++) {
    const a = k % half;
    const b = (half - k) % half;
    const evenRe = ((re[a] as number) + (re[b] as number)) / 2;
    const evenIm = ((im[a] as number) - (im[b] as number)) / 2;
    const oddRe = ((im[a] as number) + (im[b] as number)) / 2;
    const oddIm = ((re[b] as number) - (re[a] as number)) / 2;
    const c = k === half ? -1 : (cosTable[k] as number);
    const s = k === half ? 0 : (sinTable[k] as number);
    const real = evenRe + c * oddRe + s * oddIm;
    const imaginary = evenIm + c * oddIm - s * oddRe;
    power[k] = real * real + imaginary * imaginary;
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
  for (let band = 0; band < MELS; band++) {
    const { first, weights } = filters[band] as (typeof filters)[number];
    let energy = FLOOR;
    for (let i = 0; i < weights.length; i++) energy += (power[first + i] as number) * (weights[i] as number);
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
