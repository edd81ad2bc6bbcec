/** Zero crossings of the kernel on each side, at the lower of the two rates. */
const CROSSINGS = 32;
/** Stored kernel values between two crossings; linear interpolation between them errs by less than 16-bit noise. */
const TABLE_STEPS = 512;
const KAISER_BETA = 8;
/** Share of the lower rate's band that is kept, the rest being the filter's slope. */
const PASSBAND = 0.95;

/**
 * A streaming sample-rate converter: a windowed-sinc low-pass (Kaiser window) read at any position, as in J. O. Smith,
 * "Digital Audio Resampling". Chunk sizes make no difference to what comes out.
 */
export class Resampler {
  readonly #step: number;
  readonly #cutoff: number;
  readonly #reach: number;
  /** Input from `#start` on, in samples. */
  #input = new Float32Array(0);
  #start: number;
  #outputs = 0;

  /** Rates in Hz. @throws RangeError for a rate that no audio has */
  constructor(fromRate: number, toRate: number) {
    if (!(fromRate >= 1_000 && fromRate <= 768_000)) throw new RangeError(`no such sample rate: ${fromRate}`);
    this.#step = fromRate / toRate;
    this.#cutoff = Math.min(1, 1 / this.#step) * (fromRate === toRate ? 1 : PASSBAND);
    this.#reach = fromRate === toRate ? 0 : Math.ceil(CROSSINGS / this.#cutoff);
    this.#start = 0;
  }

  /** What can be computed once `samples` have followed those before. */
  push(samples: Float32Array): Float32Array {
    const joined = new Float32Array(this.#input.length + samples.length);
    joined.set(this.#input);
    joined.set(samples, this.#input.length);
    this.#input = joined;
    const end = this.#start + joined.length;
    const count = Math.max(0, Math.ceil((end - this.#reach) / this.#step) - this.#outputs);
    const output = new Float32Array(count);
    for (let i = 0; i < count; i++) output[i] = this.#at((this.#outputs + i) * this.#step);
    this.#outputs += count;
    const needless = Math.floor(this.#outputs * this.#step) - this.#reach - this.#start;
    if (needless > 0) {
      this.#input = joined.slice(needless);
      this.#start += Math.min(needless, joined.length);
    }
    return output;
  }

  /** The rest, as if silence followed. */
  flush(): Float32Array {
    return this.push(new Float32Array(this.#reach));
  }

  #at(position: number): number {
    if (this.#reach === 0) return this.#input[position - this.#start] ?? 0;
    const first = Math.max(0, Math.ceil(position - this.#reach) - this.#start);
    const last = Math.min(this.#input.length - 1, Math.floor(position + this.#reach) - this.#start);
    let sum = 0;
    for (let i = first; i <= last; i++)
      sum += (this.#input[i] as number) * kernel(Math.abs(position - this.#start - i) * this.#cutoff);
    return sum * this.#cutoff;
  }
}

let table: Float32Array | undefined;

/** Windowed sinc at a distance in crossings. */
function kernel(distance: number): number {
  table ??= makeTable();
  const at = distance * TABLE_STEPS;
  const index = Math.floor(at);
  if (index >= CROSSINGS * TABLE_STEPS) return 0;
  const low = table[index] as number;
  return low + ((table[index + 1] as number) - low) * (at - index);
}

function makeTable(): Float32Array {
  const values = new Float32Array(CROSSINGS * TABLE_STEPS + 2);
  for (let i = 0; i <= CROSSINGS * TABLE_STEPS; i++) {
    const x = i / TABLE_STEPS;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    values[i] = (sinc * bessel(KAISER_BETA * Math.sqrt(1 - (x / CROSSINGS) ** 2))) / bessel(KAISER_BETA);
  }
  return values;
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
