import { HOP, SAMPLE_RATE, WINDOW } from "./log-mel.ts";

/** What a voice did, a value per frame of 10 ms; frame n is centred on sample 160 n + 200, as the log-mel's is. */
export interface VoiceTrack {
  /** Fundamental frequency, 0 where there is no voice. */
  hz: Float32Array;
  /** Energy below about 500 Hz in dB of full scale. */
  level: Float32Array;
  /** Energy in dB with the tones raised by their height (6 dB per octave): what makes a syllable stand out. */
  bright: Float32Array;
}

const DECIMATION = 8;
const RATE = SAMPLE_RATE / DECIMATION;
const STEP = HOP / DECIMATION;
/** Frequencies that are looked for: deep men to small children. */
const LOWEST_HZ = 65;
const HIGHEST_HZ = 520;
const SHORTEST_LAG = Math.floor(RATE / HIGHEST_HZ);
const LONGEST_LAG = Math.ceil(RATE / LOWEST_HZ);
/** Samples that are compared with those a lag later: 14 ms for the highest voices to 30 ms for the lowest. */
const windowFor = (lag: number): number => 24 + Math.round(1.2 * lag);
/** Lags to either side that tell what lies between two of them. */
const REACH = 3;
/** Samples that a frame looks at. */
const SPAN = windowFor(LONGEST_LAG + REACH) + LONGEST_LAG + REACH;
/** The first frame's middle sample at the low rate: half its window, and the filters' delay. */
const CENTRE = WINDOW / 2 / DECIMATION + 8;
/** Frames that are followed (two minutes): what comes later has no pitch. */
const MOST_FRAMES = 12_000;
/** Candidates for a frame's period; the state after the last is "no voice". */
const CANDIDATES = 3;
const STATES = CANDIDATES + 1;

/** Periods less alike than this are none. */
const LEAST_LIKENESS = 0.25;

// Costs of a path as in Boersma, "Accurate short-term analysis of the fundamental frequency" (1993).
/** How alike a period and the next must be, beside the unvoiced choice. */
const VOICING_THRESHOLD = 0.58;
/** What a candidate an octave lower is worth less: of equal ones the highest is the voice. */
const OCTAVE_COST = 0.04;
const OCTAVE_JUMP_COST = 0.45;
const VOICE_CHANGE_COST = 0.14;
/** What lies further below the loudest so far is not looked at. */
const QUIET_DB = 35;
/** Below this nothing is a voice: a bit or two of noise. */
const SILENT_DB = -75;

/**
 * Half of the low rate's lowpass at 500 Hz, from its middle on: a half-band filter, where every other weight is 0.
 * `HALF[i]` is for the samples 2 i + 1 from the middle.
 */
const REACH_OF_HALF = 7;
const HALF = [1, 3, 5, 7].map(
  (t) => (Math.sin((Math.PI * t) / 2) / (Math.PI * t)) * (0.5 + 0.5 * Math.cos((Math.PI * t) / 8)),
);
/** Moving sums over eight samples, one after the other, that come before: they leave little above 1.5 kHz. */
const SUMS = 4;
const HALF_TAPS = 2 * REACH_OF_HALF + 1;
/** What the moving sums multiply by, and full scale. */
const GAIN = DECIMATION ** SUMS * 32768 * (0.5 + 2 * HALF.reduce((a, b) => a + b, 0));

const span = new Float64Array(SPAN);
/** The energy of all that comes before each sample of `span`. */
const energies = new Float64Array(SPAN + 1);
const likeness = new Float64Array(LONGEST_LAG + REACH + 1);
const found = { hz: new Float64Array(CANDIDATES), strength: new Float64Array(CANDIDATES) };

/** Parts of a lag at which a peak is looked for, and the windowed sincs that give the likeness there. */
const PART = 0.25;
const PARTS = [-3, -2, -1, 0, 1, 2, 3].map((parts) => parts * PART);
const heights = new Float64Array(PARTS.length);
const peak = { lag: 0, height: 0 };
const between = PARTS.map((part) =>
  Float64Array.from({ length: 2 * REACH + 1 }, (_, i) => {
    const x = Math.PI * (i - REACH - part);
    return x === 0 ? 1 : (Math.sin(x) / x) * (0.5 + 0.5 * Math.cos(x / (REACH + 1)));
  }),
);

/** Doubles an array when `index` is past its end. */
function roomFor<T extends Float32Array | Uint8Array>(values: T, index: number): T {
  if (index < values.length) return values;
  const larger = new (values.constructor as new (length: number) => T)(2 * values.length);
  larger.set(values);
  return larger;
}

/**
 * Follows a voice's pitch while it speaks, by normalised cross-correlation of the audio below 500 Hz and the cheapest path
 * through each frame's best periods (Talkin 1995, Boersma 1993). Audio is not kept; a minute costs 100 kB.
 */
export class PitchTracker {
  /** Integrators at 16 kHz, in whole numbers that may run over, and the combs behind them (Hogenauer 1981). */
  readonly #integrators = new Int32Array(SUMS);
  readonly #combs = new Int32Array(SUMS);
  /** What the half-band filter still needs, the oldest first. */
  readonly #line = new Float64Array(HALF_TAPS);
  /** Of the current 10 ms, the sum of the squared differences between samples; the last sample, and how many were taken. */
  #changes = 0;
  #before = 0;
  #taken = -1;
  #bright = new Float32Array(128);
  /** The newest samples at the low rate, from the next frame's first on. */
  readonly #low = new Float64Array(SPAN);
  #filled = 0;
  /** Low-rate samples still to drop, or where negative to put before the first, until the next frame's first. */
  #skip = CENTRE - (SPAN >> 1);
  #dcIn = 0;
  #dcOut = 0;
  #loudest = SILENT_DB;
  #frames = 0;
  #hz = new Float32Array(CANDIDATES * 128);
  #level = new Float32Array(128);
  /** For each state of a frame the state before it on its best path. */
  #from = new Uint8Array(STATES * 128);
  /** Costs of the best paths to the states of the newest frame. */
  #cost = new Float64Array(STATES);
  #next = new Float64Array(STATES);

  constructor() {
    // The first frames reach back to before the first sample: there lies silence.
    this.#filled = Math.max(0, -this.#skip);
    this.#skip = Math.max(0, this.#skip);
  }

  /** Takes 16 kHz mono samples of any number. */
  push(pcm: Int16Array): void {
    const [first] = pcm;
    if (first === undefined) return;
    if (this.#taken < 0) this.#begin(first);
    if (this.#frames === MOST_FRAMES) return;
    const sums = this.#integrators;
    let a = sums[0] as number;
    let b = sums[1] as number;
    let c = sums[2] as number;
    let d = sums[3] as number;
    let before = this.#before;
    let taken = this.#taken;
    let changes = this.#changes;
    for (let i = 0; i < pcm.length; i++) {
      const sample = pcm[i] as number;
      a = (a + sample) | 0;
      b = (b + a) | 0;
      c = (c + b) | 0;
      d = (d + c) | 0;
      changes += (sample - before) * (sample - before);
      before = sample;
      taken++;
      if ((taken & (DECIMATION - 1)) > 0) continue;
      this.#take(this.#filtered(d));
      if (taken % HOP > 0) continue;
      this.#closeBlock(taken / HOP - 1, changes);
      changes = 0;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    this.#before = before;
    this.#taken = taken;
    this.#changes = changes;
  }

  /** Takes the first sample for what came before it, so that a constant offset is no click. */
  #begin(first: number): void {
    this.#taken = 0;
    this.#before = first;
    const sums = this.#integrators;
    for (let i = 1; i <= DECIMATION * (HALF_TAPS + SUMS); i++) {
      let input = first;
      for (let k = 0; k < SUMS; k++) {
        input += sums[k] as number;
        sums[k] = input;
      }
      if (i % DECIMATION === 0) this.#filtered(sums[SUMS - 1] as number);
    }
    this.#dcOut = 0;
  }

  #closeBlock(block: number, changes: number): void {
    this.#bright = roomFor(this.#bright, block);
    this.#bright[block] = changes;
  }

  /** The track of all that was pushed. The audio may go on afterwards. */
  track(): VoiceTrack {
    const hz = new Float32Array(this.#frames);
    let state = 0;
    for (let s = 1; s < STATES; s++) if ((this.#cost[s] as number) < (this.#cost[state] as number)) state = s;
    for (let frame = this.#frames - 1; frame >= 0; frame--) {
      if (state < CANDIDATES) hz[frame] = this.#hz[frame * CANDIDATES + state] as number;
      state = this.#from[frame * STATES + state] as number;
    }
    const bright = Float32Array.from({ length: this.#frames }, (_, frame) => {
      const energy = (this.#bright[frame] as number) + (this.#bright[frame + 1] as number);
      return 10 * Math.log10(energy / (2 * HOP * 32768 ** 2) + 1e-12);
    });
    return { hz, level: this.#level.slice(0, this.#frames), bright };
  }

  /** The next sample at the low rate, from what the integrators came to. */
  #filtered(sum: number): number {
    const combs = this.#combs;
    let value = sum;
    for (let i = 0; i < combs.length; i++) {
      const last = combs[i] as number;
      combs[i] = value;
      value = (value - last) | 0;
    }
    const line = this.#line;
    line.copyWithin(0, 1);
    line[HALF_TAPS - 1] = value;
    let low = 0.5 * (line[REACH_OF_HALF] as number);
    for (let i = 0; i < HALF.length; i++) {
      const far = 2 * i + 1;
      low += (HALF[i] as number) * ((line[REACH_OF_HALF - far] as number) + (line[REACH_OF_HALF + far] as number));
    }
    low /= GAIN;
    // A microphone's constant offset is no sound.
    this.#dcOut = low - this.#dcIn + 0.97 * this.#dcOut;
    this.#dcIn = low;
    return this.#dcOut;
  }

  #take(sample: number): void {
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
    this.#low[this.#filled++] = sample;
    if (this.#filled < SPAN || this.#frames === MOST_FRAMES) return;
    this.#frame();
    this.#low.copyWithin(0, STEP);
    this.#filled = SPAN - STEP;
  }

  #frame(): void {
    const frame = this.#frames++;
    this.#hz = roomFor(this.#hz, CANDIDATES * frame + CANDIDATES);
    this.#level = roomFor(this.#level, frame);
    this.#from = roomFor(this.#from, STATES * frame + STATES);
    for (let i = 0; i < SPAN; i++) {
      const value = this.#low[i] as number;
      span[i] = value;
      energies[i + 1] = (energies[i] as number) + value * value;
    }
    const level = 10 * Math.log10((energies[SPAN] as number) / SPAN + 1e-12);
    this.#level[frame] = level;
    this.#loudest = Math.max(this.#loudest, level);
    const quiet = level < Math.max(SILENT_DB, this.#loudest - QUIET_DB);
    const count = quiet ? 0 : findPeriods();
    for (let c = 0; c < count; c++) this.#hz[frame * CANDIDATES + c] = found.hz[c] as number;
    this.#extend(frame, count);
  }

  /** Finds each state's cheapest path. States without a candidate cost more than any path. */
  #extend(frame: number, count: number): void {
    for (let s = 0; s < STATES; s++) {
      if (s < CANDIDATES && s >= count) {
        this.#next[s] = Number.POSITIVE_INFINITY;
        continue;
      }
      const hz = s < CANDIDATES ? (found.hz[s] as number) : 0;
      const own = s < CANDIDATES ? -(found.strength[s] as number) : -VOICING_THRESHOLD;
      let best = Number.POSITIVE_INFINITY;
      let from = CANDIDATES;
      for (let b = 0; b < STATES; b++) {
        let cost = frame === 0 ? 0 : (this.#cost[b] as number);
        if (cost === Number.POSITIVE_INFINITY) continue;
        if (b < CANDIDATES !== s < CANDIDATES) cost += VOICE_CHANGE_COST;
        else if (s < CANDIDATES && frame > 0)
          cost += OCTAVE_JUMP_COST * Math.abs(Math.log2(hz / (this.#hz[(frame - 1) * CANDIDATES + b] as number)));
        if (cost < best) {
          best = cost;
          from = b;
        }
      }
      this.#next[s] = best + own;
      this.#from[frame * STATES + s] = from;
    }
    // Only differences matter: so the costs stay small however long the audio is.
    let least = Number.POSITIVE_INFINITY;
    for (let s = 0; s < STATES; s++) least = Math.min(least, this.#next[s] as number);
    for (let s = 0; s < STATES; s++) this.#cost[s] = (this.#next[s] as number) - least;
  }
}

/** How alike the audio is to itself a `lag` later, for all that is needed, into `likeness`. */
function compare(): void {
  for (let lag = SHORTEST_LAG - REACH; lag <= LONGEST_LAG + REACH; lag++) {
    // The two windows lie around the frame's middle.
    const window = windowFor(lag);
    const start = (SPAN - window - lag) >> 1;
    const end = start + window;
    let product = 0;
    for (let i = start; i < end; i++) product += (span[i] as number) * (span[i + lag] as number);
    const first = (energies[end] as number) - (energies[start] as number);
    const second = (energies[end + lag] as number) - (energies[start + lag] as number);
    likeness[lag] = product / Math.sqrt(first * second + 1e-18);
  }
}

/** Finds the peak near `lag`, into `peak`: at high pitch it lies between two lags, both of which are far below it. */
function peakNear(lag: number): void {
  for (let part = 0; part < PARTS.length; part++) {
    const weights = between[part] as Float64Array;
    let sum = 0;
    for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (likeness[lag - REACH + i] as number);
    heights[part] = sum;
  }
  let top = 1;
  for (let part = 2; part < PARTS.length - 1; part++)
    if ((heights[part] as number) > (heights[top] as number)) top = part;
  const before = heights[top - 1] as number;
  const here = heights[top] as number;
  const after = heights[top + 1] as number;
  const bend = before - 2 * here + after;
  const shift = bend < 0 ? Math.max(-1, Math.min(1, (0.5 * (before - after)) / bend)) : 0;
  peak.lag = lag + (PARTS[top] as number) + PART * shift;
  peak.height = here - 0.25 * (before - after) * shift;
}

/** Writes the best periods in `span` to `found`, the strongest first, and returns their number. */
function findPeriods(): number {
  compare();
  let count = 0;
  for (let lag = SHORTEST_LAG; lag <= LONGEST_LAG; lag++) {
    const here = likeness[lag] as number;
    if (here < LEAST_LIKENESS || here <= (likeness[lag - 1] as number) || here < (likeness[lag + 1] as number))
      continue;
    peakNear(lag);
    const hz = RATE / peak.lag;
    const strength = Math.min(1, peak.height) - OCTAVE_COST * Math.log2(HIGHEST_HZ / hz);
    let place = count;
    while (place > 0 && (found.strength[place - 1] as number) < strength) place--;
    if (place === CANDIDATES) continue;
    count = Math.min(CANDIDATES, count + 1);
    for (let c = count - 1; c > place; c--) {
      found.hz[c] = found.hz[c - 1] as number;
      found.strength[c] = found.strength[c - 1] as number;
    }
    found.hz[place] = hz;
    found.strength[place] = strength;
  }
  return count;
}
