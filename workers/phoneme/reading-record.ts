import { KeptRows } from "./kept-rows.ts";
import { levelOf, type WholeReading } from "./reading-features.ts";
import type { Review } from "./review.ts";

/** What is kept of a reading while it lasts, 12 kB a second at most, to describe all of it once it is over. */
export class ReadingRecord {
  readonly #review: Review | null;
  readonly #classes: number;
  readonly #live: KeptRows;
  readonly #levels = new KeptRows(1);

  constructor(review: Review | null, classes: number) {
    this.#review = review;
    this.#classes = classes;
    this.#live = new KeptRows(classes);
  }

  get whole(): WholeReading {
    const live = this.#live;
    const at = (step: number, phone: number): number => live.at(step, phone);
    const posteriors = { classes: this.#classes, oldest: 0, steps: live.length, at };
    const levels = Float32Array.from({ length: this.#levels.length }, (_, step) => this.#levels.at(step, 0));
    return { posteriors, review: this.#review, levels };
  }

  /** Keeps how loud the next step is; `frames` are its log-mels. */
  hear(frames: Float32Array): void {
    this.#levels.push(Float32Array.of(levelOf(frames)));
  }

  /** Keeps the next step's log-mels as the model sees them, for the review. */
  keep(frames: Float32Array, mute: boolean): void {
    this.#review?.keep(frames, mute);
  }

  /** Keeps the live model's answer for the next step. */
  answer(logp: Float32Array, offset: number): void {
    this.#live.push(logp, offset);
  }

  /** Once the reading is over: only steps [first, last) hold any of it. */
  select(first: number, last: number): void {
    this.#review?.select(first, last);
  }

  /** Once the reading is over: describes more of it, which takes a few milliseconds; false once all is. */
  async advance(): Promise<boolean> {
    return (await this.#review?.advance()) ?? false;
  }
}
