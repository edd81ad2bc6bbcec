import {
  type DrillLink,
  DrillSession,
  type DrillTarget,
  type DrillWord,
  Microphone,
  MicrophoneError,
  type MicrophoneTrouble,
} from "#client";
import type { DrillResult } from "#protocol";

export type ReadingSnapshot = {
  readonly phase: "idle" | "asking" | "listening" | "finishing" | "over";
  /** The sentence with its sounds, once the server has told them. */
  readonly words: readonly DrillWord[] | null;
  readonly currentWord: number;
  readonly result: DrillResult | null;
  readonly error: unknown;
  readonly trouble: MicrophoneTrouble | null;
  /** How loud one is, 0 to 1, in coarse steps. */
  readonly level: number;
};

/** This long a silence after the last sound of the sentence ends the reading. */
const QUIET_MS = 900;
/** Root mean square below which the microphone counts as quiet. */
const QUIET_RMS = 0.012;
const LEVEL_STEPS = 12;

const idle: ReadingSnapshot = {
  phase: "idle",
  words: null,
  currentWord: -1,
  result: null,
  error: undefined,
  trouble: null,
  level: 0,
};

/** A sentence read into this page's microphone: opens it, starts the drill, and finishes by itself after the last word. */
export class Reading {
  readonly #drill: DrillSession;
  readonly #target: DrillTarget;
  readonly #listeners = new Set<() => void>();
  #snapshot = idle;
  #microphone: Microphone | undefined;
  #quietMs = 0;
  /** Another number for each start, so that what an old one still brings is dropped. */
  #round = 0;

  constructor(link: DrillLink, target: DrillTarget) {
    this.#drill = new DrillSession(link);
    this.#target = target;
    this.#drill.subscribe(() => this.#drillChanged());
  }

  readonly snapshot = (): ReadingSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks for the microphone, then starts the drill. What hinders it is in the snapshot. */
  async start(): Promise<void> {
    if (this.#snapshot.phase !== "idle" && this.#snapshot.phase !== "over") return;
    const round = ++this.#round;
    const { words } = this.#snapshot;
    this.#set({ ...idle, phase: "asking", words: words?.map(unjudged) ?? null });
    try {
      // The microphone first: its question may take the learner a while, and the drill's clock should not run yet.
      const microphone = await Microphone.open({
        onAudio: (samples, sampleRate) => this.#hear(samples, sampleRate),
        onEnded: () => this.finish(),
      });
      if (round !== this.#round) return microphone.close();
      this.#microphone = microphone;
      await this.#drill.start(this.#target);
      if (round !== this.#round) void this.#drill.cancel();
    } catch (error) {
      if (round !== this.#round) return;
      this.#closeMicrophone();
      // A failed start of the drill is in its own snapshot.
      if (error instanceof MicrophoneError) this.#set({ ...this.#snapshot, phase: "idle", trouble: error.trouble });
    }
  }

  /** No more audio; the result follows. */
  finish(): void {
    if (this.#snapshot.phase !== "listening") return;
    this.#closeMicrophone();
    // Before the drill sends its last frame, which tells its listeners of a change.
    this.#set({ ...this.#snapshot, phase: "finishing", level: 0 });
    // Its failure is in the drill's snapshot.
    this.#drill.finish().catch(() => undefined);
  }

  /** Drops the reading; nothing of it is kept. */
  cancel(): void {
    this.#round++;
    this.#closeMicrophone();
    void this.#drill.cancel();
    this.#set(idle);
  }

  /** Idempotent. */
  close(): void {
    this.#round++;
    this.#listeners.clear();
    this.#closeMicrophone();
    this.#drill.close();
  }

  #hear(samples: Float32Array, sampleRate: number): void {
    if (this.#drill.snapshot().phase !== "listening") return;
    this.#drill.feed(samples, sampleRate);
    const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    this.#quietMs = rms < QUIET_RMS ? this.#quietMs + (samples.length / sampleRate) * 1_000 : 0;
    const level = Math.round(Math.min(1, Math.sqrt(rms) * 1.8) * LEVEL_STEPS) / LEVEL_STEPS;
    if (level !== this.#snapshot.level) this.#set({ ...this.#snapshot, level });
    if (this.#quietMs > QUIET_MS && this.#allHeard()) this.finish();
  }

  /** Whether each sound of the sentence has been judged, if only for now. */
  #allHeard(): boolean {
    return this.#drill.snapshot().words.every(({ judged, phones }) => judged ?? phones.every((phone) => phone.judged));
  }

  #drillChanged(): void {
    const drill = this.#drill.snapshot();
    const { words, currentWord, result, error } = drill;
    switch (drill.phase) {
      case "idle":
      case "starting":
        return;
      case "listening":
      case "finishing": {
        const phase = this.#snapshot.phase === "finishing" ? "finishing" : drill.phase;
        if (words !== this.#snapshot.words || phase !== this.#snapshot.phase)
          this.#set({ ...this.#snapshot, phase, words, currentWord });
        if (currentWord === words.length) this.finish();
        return;
      }
      case "finished":
        this.#closeMicrophone();
        this.#set({ ...this.#snapshot, phase: "over", words, currentWord, result, level: 0 });
        return;
      case "failed":
        this.#closeMicrophone();
        this.#set({ ...this.#snapshot, phase: "over", error, level: 0 });
        return;
    }
  }

  #closeMicrophone(): void {
    this.#microphone?.close();
    this.#microphone = undefined;
    this.#quietMs = 0;
  }

  #set(snapshot: ReadingSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
  }
}

function unjudged({ text, phones }: DrillWord): DrillWord {
  return { text, phones: phones.map(({ phone }) => ({ phone })) };
}
