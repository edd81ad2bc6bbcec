import { InferenceSession, Tensor } from "onnxruntime-node";
import { MELS } from "./log-mel.ts";

/** What the acoustic graph was exported with (acoustic.json of a pack). */
export interface AcousticShape {
  /** Mean log-mel of the training corpus, where each stream's running mean starts. */
  prior: number[];
  /** How many frames that start counts as. */
  priorFrames: number;
  /** Frames after which the running mean begins to forget. */
  maxFrames: number;
  /** Steps of 20 ms by which the output lags its input. */
  delay: number;
  channels: number;
  /** Dilation of each layer in steps; the first layer reads the two frames of a step. */
  dilations: number[];
}

/** Log-mel values of one step: two frames. */
export const STEP_MELS = 2 * MELS;

/** How far below its running mean a band is taken to lie in digital silence, as in a quiet room (log-mel). */
const QUIET = 4;

/** One speaker's past: the running mean and, per layer, a ring of the inputs that its convolution looks back to. */
export class AcousticState {
  readonly mean: Float32Array;
  /** Per layer its ring's places, each a view of one step's input. */
  readonly rings: Float32Array[][];
  frames: number;
  step = 0;
  /** Set before a run: the step is digital silence, which says nothing about the microphone's level. */
  mute = false;

  constructor(shape: AcousticShape) {
    this.mean = Float32Array.from(shape.prior);
    this.frames = shape.priorFrames;
    this.rings = shape.dilations.map((dilation, layer) =>
      rowsOf(new Float32Array(2 * dilation * widthOf(shape, layer)), widthOf(shape, layer)),
    );
  }
}

/** Views of `data`'s rows. They are made once and kept: made anew for each copy, they would be most of the garbage. */
const rowsOf = (data: Float32Array, width: number): Float32Array[] =>
  Array.from({ length: data.length / width }, (_, row) => data.subarray(row * width, (row + 1) * width));

const widthOf = (shape: AcousticShape, layer: number): number => (layer === 0 ? STEP_MELS : shape.channels);

interface Bound {
  feeds: Record<string, Tensor>;
  fetches: Record<string, Tensor>;
}

/** Runs the acoustic graph for several speakers at once over buffers that are allocated once. */
export class AcousticModel {
  readonly maxBatch: number;
  /** Log posteriors of the last run, one row per speaker of the batch. */
  readonly logPosteriors: Float32Array;
  readonly classes: number;
  readonly #session: InferenceSession;
  readonly #shape: AcousticShape;
  readonly #mel: Float32Array;
  readonly #mean: Float32Array;
  readonly #rate: Float32Array;
  readonly #taps: Float32Array;
  readonly #meanOut: Float32Array;
  readonly #fresh: Float32Array;
  /** Views of `#meanOut` and `#fresh`: a speaker's new mean, and per layer the new input for its ring. */
  readonly #newMeans: Float32Array[];
  readonly #newInputs: Float32Array[][];
  readonly #inputs: Float32Array[];
  readonly #tapSize: number;
  readonly #freshSize: number;
  readonly #bound: (Bound | undefined)[] = [];

  constructor(session: InferenceSession, shape: AcousticShape, classes: number, maxBatch: number) {
    this.#session = session;
    this.#shape = shape;
    this.classes = classes;
    this.maxBatch = maxBatch;
    this.#freshSize = shape.dilations.reduce((sum, _, layer) => sum + widthOf(shape, layer), 0);
    this.#tapSize = 2 * this.#freshSize;
    this.#mel = new Float32Array(maxBatch * STEP_MELS);
    this.#mean = new Float32Array(maxBatch * MELS);
    this.#meanOut = new Float32Array(maxBatch * MELS);
    this.#rate = new Float32Array(maxBatch * 2);
    this.#taps = new Float32Array(maxBatch * this.#tapSize);
    this.#fresh = new Float32Array(maxBatch * this.#freshSize);
    this.logPosteriors = new Float32Array(maxBatch * classes);
    this.#inputs = rowsOf(this.#mel, STEP_MELS);
    this.#newMeans = rowsOf(this.#meanOut, MELS);
    this.#newInputs = rowsOf(this.#fresh, this.#freshSize).map((row) => {
      let at = 0;
      return shape.dilations.map((_, layer) => {
        at += widthOf(shape, layer);
        return row.subarray(at - widthOf(shape, layer), at);
      });
    });
  }

  newState(): AcousticState {
    return new AcousticState(this.#shape);
  }

  /** Where to write the two log-mel frames of the batch's speaker `row` before `run`. */
  input(row: number): Float32Array {
    return this.#inputs[row] as Float32Array;
  }

  /** Advances each state by one step; the posteriors of `states[i]` are then row i of `logPosteriors`. */
  async run(states: AcousticState[]): Promise<void> {
    const { maxFrames } = this.#shape;
    for (let row = 0; row < states.length; row++) {
      const state = states[row] as AcousticState;
      this.#mean.set(state.mean, row * MELS);
      this.#rate[2 * row] = state.mute ? 0 : 1 / Math.min(state.frames + 1, maxFrames);
      this.#rate[2 * row + 1] = state.mute ? 0 : 1 / Math.min(state.frames + 2, maxFrames);
      if (state.mute)
        for (let i = 0; i < STEP_MELS; i++) this.#mel[row * STEP_MELS + i] = (state.mean[i % MELS] as number) - QUIET;
      let at = row * this.#tapSize;
      for (const ring of state.rings) {
        // The oldest place is the one that this step's input will take.
        const older = ring[state.step % ring.length] as Float32Array;
        const newer = ring[(state.step + ring.length / 2) % ring.length] as Float32Array;
        this.#taps.set(older, at);
        this.#taps.set(newer, at + older.length);
        at += 2 * older.length;
      }
    }
    const { feeds, fetches } = this.#bind(states.length);
    await this.#session.run(feeds, fetches);
    for (let row = 0; row < states.length; row++) {
      const state = states[row] as AcousticState;
      const newInputs = this.#newInputs[row] as Float32Array[];
      state.mean.set(this.#newMeans[row] as Float32Array);
      if (!state.mute) state.frames = Math.min(state.frames + 2, maxFrames);
      for (let layer = 0; layer < newInputs.length; layer++) {
        const ring = state.rings[layer] as Float32Array[];
        (ring[state.step % ring.length] as Float32Array).set(newInputs[layer] as Float32Array);
      }
      state.step++;
    }
  }

  #bind(batch: number): Bound {
    const view = (data: Float32Array, width: number): Tensor =>
      new Tensor("float32", data.subarray(0, batch * width), [batch, width]);
    this.#bound[batch] ??= {
      feeds: {
        mel: view(this.#mel, STEP_MELS),
        mean: view(this.#mean, MELS),
        rate: view(this.#rate, 2),
        taps: view(this.#taps, this.#tapSize),
      },
      fetches: {
        logp: view(this.logPosteriors, this.classes),
        meanOut: view(this.#meanOut, MELS),
        fresh: view(this.#fresh, this.#freshSize),
      },
    };
    return this.#bound[batch];
  }
}

/** One thread and no spinning: an idle spinning session slows its neighbours many times over. */
export const openSession = (path: string): Promise<InferenceSession> =>
  InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
  });
