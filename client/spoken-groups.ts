import type { PushPayload } from "#protocol";

export type SpokenPhone = Readonly<Pick<PushPayload<"speech.phoneme">, "phone" | "confidence" | "startMs" | "endMs">>;

/** Phones in groups of words, divided where the speaker paused; the newest group grows. */
export type SpokenGroups = readonly (readonly SpokenPhone[])[];

const MOST_GROUPS = 50;
const LONGEST_GROUP = 200;

/**
 * Gathers one speaker's phones: the last 50 groups, each over after 200 phones without a pause. What it gave is never
 * changed in place.
 */
export class SpokenLog {
  #groups: SpokenGroups = [];
  #paused = true;

  get groups(): SpokenGroups {
    return this.#groups;
  }

  add({ phone, confidence, startMs, endMs }: PushPayload<"speech.phoneme">): SpokenPhone {
    const spoken = { phone, confidence, startMs, endMs };
    const groups = this.#groups;
    const fresh = this.#paused || (groups.at(-1)?.length ?? 0) >= LONGEST_GROUP;
    const last = fresh ? [] : (groups.at(-1) ?? []);
    this.#groups = [...(fresh ? groups.slice(1 - MOST_GROUPS) : groups.slice(0, -1)), [...last, spoken]];
    this.#paused = false;
    return spoken;
  }

  /** The next phone begins another group. */
  pause(): void {
    this.#paused = true;
  }
}
