import {
  type DrillLink,
  DrillSession,
  type DrillTarget,
  type DrillWord,
  Microphone,
  MicrophoneError,
  type MicrophoneTrouble,
  type Recording,
} from "#client";
import type { DrillResult, UnheardReason } from "#protocol";
import type { Preferences } from "./preferences.ts";

export type ReadingSnapshot = {
  readonly phase: "idle" | "asking" | "listening" | "finishing" | "over";
  /** The sentence with its sounds, once the server has told them. */
  readonly words: readonly DrillWord[] | null;
  readonly currentWord: number;
  readonly result: DrillResult | null;
  readonly error: unknown;
  readonly trouble: MicrophoneTrouble | null;
  /** What is said, growing while one listens. */
  readonly recording: Recording | null;
  /** Why little or nothing is heard. */
  readonly unheard: UnheardReason | null;
};

/** This long a silence after the last sound of the sentence ends the reading. */
const QUIET_MS = 900;
/** Where no sound is told before the end, this long a silence after speech does. */
const BLIND_QUIET_MS = 2_000;
/** Root mean square below which the microphone counts as quiet. */
const QUIET_RMS = 0.012;
/** Shorter noises than this, all together, are no speech yet. */
const SPEECH_MS = 300;

const idle: ReadingSnapshot = {
  phase: "idle",
  words: null,
  currentWord: -1,
  result: null,
  error: undefined,
  trouble: null,
  recording: null,
  unheard: null,
};

/** A sentence read into this page's microphone: opens it, starts the drill, and finishes by itself after the last word. */
export class Reading {
  readonly #drill: DrillSession;
  readonly #target: DrillTarget;
  readonly #preferences: Preferences;
  readonly #listeners = new Set<() => void>();
  #snapshot = idle;
  #microphone: Microphone | undefined;
  #quietMs = 0;
  #loudMs = 0;
  #blind = false;
  /** Another number for each start, so that what an old one still brings is dropped. */
  #round = 0;

  constructor(link: DrillLink, target: DrillTarget, preferences: Preferences) {
    this.#drill = new DrillSession(link);
    this.#target = target;
    this.#preferences = preferences;
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
    const { pace, firstLanguage } = this.#preferences.snapshot();
    this.#blind = pace === "sentence";
    this.#set({ ...idle, phase: "asking", words: words?.map(unjudged) ?? null });
    try {
      // The microphone first: its question may take the learner a while, and the drill's clock should not run yet.
      const microphone = await Microphone.open({
        onAudio: (samples, sampleRate) => this.#hear(samples, sampleRate),
        onEnded: () => this.finish(),
      });
      if (round !== this.#round) return microphone.close();
      this.#microphone = microphone;
      await this.#drill.start(this.#target, { feedback: pace, ...(firstLanguage && { firstLanguage }) });
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
    this.#set({ ...this.#snapshot, phase: "finishing" });
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
    const ms = (samples.length / sampleRate) * 1_000;
    if (rms < QUIET_RMS) this.#quietMs += ms;
    else {
      this.#quietMs = 0;
      this.#loudMs += ms;
    }
    const done = this.#blind
      ? this.#quietMs > BLIND_QUIET_MS && this.#loudMs > SPEECH_MS
      : this.#quietMs > QUIET_MS && this.#allHeard();
    if (done) this.finish();
  }

  /** Whether each sound of the sentence has been judged, if only for now. */
  #allHeard(): boolean {
    return this.#drill.snapshot().words.every(({ judged, phones }) => judged ?? phones.every((phone) => phone.judged));
  }

  #drillChanged(): void {
    const drill = this.#drill.snapshot();
    const { words, currentWord, unheard, result, error } = drill;
    switch (drill.phase) {
      case "idle":
      case "starting":
        return;
      case "listening":
      case "finishing": {
        const phase = this.#snapshot.phase === "finishing" ? "finishing" : drill.phase;
        const shown = this.#snapshot;
        if (words !== shown.words || phase !== shown.phase || unheard !== shown.unheard)
          this.#set({ ...shown, phase, words, currentWord, unheard, recording: drill.recording });
        if (currentWord === words.length) this.finish();
        return;
      }
      case "finished":
        this.#closeMicrophone();
        this.#set({ ...this.#snapshot, phase: "over", words, currentWord, result });
        return;
      case "failed":
        this.#closeMicrophone();
        this.#set({ ...this.#snapshot, phase: "over", error });
        return;
    }
  }

  #closeMicrophone(): void {
    this.#microphone?.close();
    this.#microphone = undefined;
    this.#quietMs = 0;
    this.#loudMs = 0;
  }

  #set(snapshot: ReadingSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
  }
}

function unjudged({ text, phones }: DrillWord): DrillWord {
  return { text, phones: phones.map(({ phone }) => ({ phone })) };
}
