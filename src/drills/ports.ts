import type {
  Attempt,
  AttemptSummary,
  DrillItem,
  DrillResult,
  FirstLanguage,
  PhoneCandidate,
  PushPayload,
} from "#protocol";
import type { AppError } from "../lib/app-error.ts";

export interface DrillRepository {
  /** Those in the given languages, easiest first. */
  list(languages: readonly string[]): Promise<DrillItem[]>;
  byId(id: string): Promise<DrillItem | undefined>;
}

/** What a reading told of its speaker, for the judging of the next ones; `model` names the pack that can read the values. */
export type SpeakerProfile = { model: string; values: number[] };

export interface AttemptRepository {
  /** Writes the attempt with all its words and phones in one transaction; the same id again changes nothing. */
  insert(userId: string, attempt: Attempt, profile?: SpeakerProfile): Promise<void>;
  /** Of the user's newest attempts in a language that have one, `limit` at most; the newest last. */
  profiles(userId: string, language: string, limit: number): Promise<SpeakerProfile[]>;
  /** The newest first. */
  history(userId: string, range: { beforeMs?: number; limit: number }): Promise<AttemptSummary[]>;
  byId(userId: string, attemptId: string): Promise<Attempt | undefined>;
}

/** Readings that began in one period. */
export type PractisedTally = { period: number; attempts: number; audioMs: number; pronunciation: number };
/** How often a phone was said in one period and heard as `heard` (null: as it should be), the sum of the scores, and how many were poor. */
export type PhoneTally = {
  period: number;
  phone: string;
  heard: string | null;
  count: number;
  scores: number;
  poor: number;
};

/**
 * What a learner's readings add up to; silence and other texts are no readings. Periods are numbers into `starts`, ms since
 * 1970, never falling and not empty: each period ends where the next one begins, the last one never.
 */
export interface ProgressRepository {
  /** Periods with readings, in order; `pronunciation` is the mean of their pronunciation scores. */
  practised(userId: string, starts: readonly number[]): Promise<PractisedTally[]>;
  /** Phones that were said in the `newest` readings in that language at the most. */
  phones(userId: string, language: string, starts: readonly number[], newest: number): Promise<PhoneTally[]>;
}

/**
 * A word of the sentence with its pronunciations (names of the language pack, the first one canonical). `stress` tells of each
 * which syllable, from 0, carries the main stress; -1 where the word has but one, or where that is not known.
 */
export type ExpectedWord = { text: string; pronunciations: string[][]; stress?: number[] };

/** Turns text into words that can be judged; made by the phonemes folder. */
export interface Pronouncer {
  /** @throws AppError LANGUAGE_UNAVAILABLE, TEXT_EMPTY, TEXT_TOO_LONG, or WORD_UNPRONOUNCEABLE with `details.word` */
  words(text: string, language: string): Promise<ExpectedWord[]>;
}

/** One Opus packet of an RTP track (48 kHz clock). */
export type OpusPacket = { payload: Uint8Array; sequenceNumber: number; timestamp: number };

export type ScoreEvent =
  | ({ type: "phoneme" } & Omit<PushPayload<"drill.phoneme">, "attemptId">)
  | ({ type: "word" } & Omit<PushPayload<"drill.word">, "attemptId">)
  | ({ type: "unheard" } & Omit<PushPayload<"drill.unheard">, "attemptId">)
  | ({ type: "result"; profile?: SpeakerProfile | undefined } & DrillResult);

/** What a stream tells: judgements in order, how far the judging got, and, instead of a result, why there is none. */
export type ScoringListener = {
  onEvent(event: ScoreEvent): void;
  /** `judgedMs` never falls; at least four times a second of audio. */
  onProgress(judgedMs: number): void;
  /** The stream is over without a result. */
  onFailed(error: AppError): void;
};

/** Judges one learner's audio. */
export interface ScoringStream {
  /**
   * 16 kHz mono PCM of any length; the array may be reused afterwards.
   * @throws AppError AUDIO_OVERFLOW when it runs more than `limits.audioAheadMs` ahead of what is judged; nothing was taken
   */
  push(pcm: Int16Array): void;
  /** @throws AppError AUDIO_OVERFLOW past the longest attempt; nothing was taken */
  pushOpus(packet: OpusPacket): void;
  /** No more audio: final events and the result follow. Idempotent. */
  end(): void;
  /** Stops at once, without a result. Idempotent. */
  close(): void;
}

export type ScoringOptions = {
  /** The pack that is to judge; "en" by default. */
  language?: string;
  /** Profiles of the speaker's earlier readings, the newest last. */
  earlier?: readonly SpeakerProfile[];
};

/** Where streams come from: the pool of scoring threads. */
export interface Scoring {
  /** False for a language whose pack turned out not to load. */
  serves(language: string): boolean;
  /** @throws AppError SCORING_UNAVAILABLE when every thread is full or none works */
  open(
    words: ExpectedWord[],
    source: "pcm" | "opus",
    listener: ScoringListener,
    options?: ScoringOptions,
  ): ScoringStream;
}

/** What is heard in speech without a known text. */
export type SpeechEvent =
  | { type: "heard"; phone: string; confidence: number; startMs: number; endMs: number }
  | { type: "pause"; startMs: number }
  /** The last one: the audio is over. */
  | { type: "over"; audioMs: number };

export type SpeechListener = {
  onEvent(event: SpeechEvent): void;
  /** `heardMs` never falls; at least four times a second of audio. */
  onProgress(heardMs: number): void;
  /** The stream is over before its audio was. */
  onFailed(error: AppError): void;
};

/** Hears free speech of any length: on the same threads as the scoring. */
export interface SpeechHearing {
  /**
   * The stream's `push` and `pushOpus` throw AUDIO_OVERFLOW only when they run ahead of what was heard.
   * @throws AppError SCORING_UNAVAILABLE when every thread is full or none works
   */
  listen(source: "pcm" | "opus", listener: SpeechListener): ScoringStream;
}

/** Tells learners what to do about sounds that were not good; made by the phonemes folder. */
export interface Coach {
  /** Puts the usual confusions of the learner's first language first among candidates that are about equally likely. */
  heardBy<P extends { phone: string; heard?: string | undefined; nBest?: PhoneCandidate[] | undefined }>(
    firstLanguage: FirstLanguage | undefined,
    judged: P,
  ): P;
  /** The result with feedback on the phones below good. */
  explained(firstLanguage: FirstLanguage | undefined, result: DrillResult): DrillResult;
}

/** Listens in on the microphone that a connection publishes in a room; made by the rooms. */
export interface AudioTap {
  /**
   * Resolves to how to stop. `onEnded` is called once if the microphone goes before.
   * @throws AppError NOT_IN_ROOM, NO_MICROPHONE_TRACK or MEDIA_UNAVAILABLE
   */
  tap(
    roomId: string,
    connectionId: string,
    onPacket: (payload: Uint8Array, rtp: { sequenceNumber: number; timestamp: number }) => void,
    onEnded?: () => void,
  ): Promise<() => void>;
}

/** What a reference voice is asked for: text as it is written, or phones by the names of its language's pack. */
export type Utterance = { text: string } | { phones: string[] };

export type WavFile = Uint8Array<ArrayBuffer>;

/** A voice that says how it should sound, such as a speech synthesiser of the system. */
export interface ReferenceVoice {
  /** Languages (ISO 639) that it speaks. */
  readonly languages: readonly string[];
  /**
   * Resolves to a WAV file, 16-bit mono PCM with true lengths in its head. `speed` is 0.5 to 1, `language` one of `languages`.
   * @throws AppError TEXT_TOO_LONG past `limits.referenceMs` of audio, INVALID_REQUEST for a phone that it lacks, TIMEOUT, or
   * UNAVAILABLE when it failed
   */
  speak(what: Utterance, manner: { language: string; speed: number }): Promise<WavFile>;
}
