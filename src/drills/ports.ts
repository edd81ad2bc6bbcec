import type { Attempt, AttemptSummary, DrillItem } from "#protocol";

export interface DrillRepository {
  list(): Promise<DrillItem[]>;
  byId(id: string): Promise<DrillItem | undefined>;
}

export interface AttemptRepository {
  /** Writes the attempt with all its words and phones in one transaction; the same id again changes nothing. */
  insert(userId: string, attempt: Attempt): Promise<void>;
  /** The newest first. */
  history(userId: string, range: { beforeMs?: number; limit: number }): Promise<AttemptSummary[]>;
  byId(userId: string, attemptId: string): Promise<Attempt | undefined>;
}

/** A word of the sentence with its pronunciations (ARPAbet without stress, the first one canonical). */
export type ExpectedWord = { text: string; pronunciations: string[][] };

/** Judges one learner's audio; made by the phonemes folder. */
export interface ScoringStream {
  /** 16 kHz mono PCM of any length. */
  push(pcm: Int16Array): void;
  /** An Opus packet from an RTP track (48 kHz clock). */
  pushOpus(payload: Uint8Array, rtp: { sequenceNumber: number; timestamp: number }): void;
  /** No more audio: final events and the result follow. */
  end(): void;
  /** Stops at once, without a result. Idempotent. */
  close(): void;
}
