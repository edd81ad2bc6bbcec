import type { PathPhone } from "./aligner.ts";
import type { ExpectedWord, ScoreEvent } from "./events.ts";
import { insertionsOf } from "./insertions.ts";
import type { PhoneJudge } from "./judges.ts";
import { type Judged, lastSayings } from "./last-sayings.ts";
import { LiveJudge, type PhoneTrace } from "./live-judge.ts";
import { withMisplaced } from "./misplaced-words.ts";
import { outcomeOf } from "./outcome.ts";
import type { PackManifest } from "./pack.ts";
import type { VoiceTrack } from "./pitch.ts";
import { contextOf, profileWidth, type SpeakerProfile } from "./profile.ts";
import { type Course, courseOf } from "./reading-course.ts";
import type { WholeReading } from "./reading-features.ts";
import { type Reading, type ReadingJudges, readingResult } from "./reading-result.ts";
import { marginOf, PosteriorHistory, type Posteriors } from "./segment-features.ts";
import { SPEECH, TextFollower } from "./text-follower.ts";

/** What judges phones: at their end and at the sentence's end. */
interface Judges extends ReadingJudges {
  head: PhoneJudge;
}

/** Class numbers of each word's pronunciations. Throws an Error for a phone that the pack lacks, or where there is nothing to say. */
function idsOf(words: readonly ExpectedWord[], phones: readonly string[]): number[][][] {
  const ids = words.map((word) =>
    word.pronunciations.map((pronunciation) =>
      pronunciation.map((phone) => {
        const id = phones.indexOf(phone);
        if (id < 0 || id === phones.length - 1) throw new Error(`no such phone: ${phone}`);
        return id;
      }),
    ),
  );
  if (ids.length === 0 || ids.some((v) => v.length === 0 || v.some((pronunciation) => pronunciation.length === 0)))
    throw new Error("a text needs words, and each word a pronunciation");
  return ids;
}

/**
 * Scores one reading of one text from its posteriors: follows the best path, judges each phone
 * once the path has left it, and closes words and the sentence. Emits finals in the text's order,
 * each phone's exactly once.
 */
export class SentenceScorer {
  readonly #words: readonly ExpectedWord[];
  readonly #manifest: PackManifest;
  readonly #judges: Judges | null;
  readonly #emit: (event: ScoreEvent) => void;
  readonly #history: PosteriorHistory;
  readonly #follower: TextFollower;
  readonly #judge: LiveJudge;
  /** What is known of the speaker. */
  readonly #context: Float32Array;
  readonly #silence: number;
  readonly #ids: readonly (readonly (readonly number[])[])[];
  #speaking = false;
  #speechSteps = 0;
  #settled = false;
  /** The way through the text, once the reading is settled. */
  #path: PathPhone | null = null;
  #done = false;

  /** `judges` is null only where training dumps features: every score is then 0. `earlier` are the speaker's earlier readings. Throws an Error for a phone that the pack lacks. */
  constructor(
    words: readonly ExpectedWord[],
    manifest: PackManifest,
    judges: Judges | null,
    emit: (event: ScoreEvent) => void,
    trace?: (phone: PhoneTrace) => void,
    earlier: readonly SpeakerProfile[] = [],
  ) {
    this.#words = words;
    this.#manifest = manifest;
    this.#judges = judges;
    this.#emit = emit;
    this.#silence = manifest.phones.length - 1;
    const ids = idsOf(words, manifest.phones);
    this.#ids = ids;
    this.#history = new PosteriorHistory(manifest.phones.length);
    this.#context = contextOf(earlier, manifest.version, profileWidth(manifest.phones.length, manifest.review ? 2 : 1));
    const head = judges?.head ?? null;
    this.#judge = new LiveJudge(words, ids, manifest, head, this.#context, this.#history, emit, trace);
    this.#follower = new TextFollower(ids, this.#silence, this.#judge);
  }

  /** Whether the last step was speech. */
  get speaking(): boolean {
    return this.#speaking;
  }

  /** How many phones of the text were said so far. */
  get said(): number {
    return this.#judge.taken.length;
  }

  /** Whether all of the text is judged. */
  get complete(): boolean {
    const last = this.#judge.progress.at(-1);
    return last?.phones.length === last?.ids.length;
  }

  /** Takes the log posteriors of the next step. */
  push(logp: Float32Array, offset: number): void {
    this.#history.push(logp, offset);
    this.#speaking = (logp[offset + this.#silence] as number) < SPEECH;
    if (this.#speaking) this.#speechSteps++;
    this.#follower.advance(logp, offset);
  }

  /** The audio is over: emits the finals and words that are left. */
  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#path = this.#follower.finish();
    this.#judge.finish();
  }

  /** From the first phone's first step to the last one's end, of those that were said so far; null where none was. */
  get span(): { start: number; end: number } | null {
    const { taken } = this.#judge;
    const [first, last] = [taken[0], taken.at(-1)];
    return first && last ? { start: first.segment.start, end: last.segment.end } : null;
  }

  /**
   * Settles what is left and emits the result. `audioMs` is the length of the audio; `whole` is what is known of it once
   * it is over (without it there are no scores); without the voice's track there is no prosody.
   */
  finish(audioMs: number, whole: WholeReading | null = null, voice: VoiceTrack | null = null): void {
    if (this.#done) return;
    this.#done = true;
    this.settle();
    const known = { words: this.#words, whole, context: this.#context, audioMs, voice };
    const course = this.#course(whole?.posteriors ?? this.#history);
    this.#emit(readingResult({ ...course, ...known }, this.#manifest, this.#judges));
  }

  /** What the reading comes to besides its scores. One of another text stays as it was told: the way through this one tells nothing then. */
  #course(posteriors: Posteriors): Pick<Reading, "taken" | "progress" | "insertions" | "asides" | "outcome"> {
    const { taken, progress, judged, alignedSpeech } = this.#judge;
    const course = courseOf(this.#path, this.#ids, posteriors);
    const judges = { head: this.#judges?.head ?? null, context: this.#context };
    const last = (of: Course): Judged =>
      lastSayings({ taken, progress }, of, this.#ids, this.#manifest, posteriors, judges);
    const outcome = outcomeOf({
      speechSteps: this.#speechSteps,
      alignedSpeech,
      scores: judged.map((phone) => phone.score),
      margins: taken.map(({ features }) => marginOf(features, this.#manifest.phones.length)),
      omittedPhones: progress.reduce((sum, word) => sum + word.omitted, 0),
      omitted: last(course).progress.map((word) => word.omitted > 0),
    });
    if (outcome === "silence" || outcome === "mismatch")
      return { taken, progress, insertions: [], asides: [], outcome };
    const whole = withMisplaced(course, this.#ids, posteriors);
    const insertions = insertionsOf(whole, this.#words, posteriors);
    return { ...last(whole), insertions, asides: whole.asides, outcome };
  }
}
