import type { ExpectedWord, OpusPacket, ScoreEvent, SpeakerProfile, SpeechEvent } from "../drills/ports.ts";

/** What a scoring thread is started with. */
export type ThreadData = {
  /** Folders of the language packs. */
  packDirs: string[];
};

/**
 * Pool → thread. PCM itself never crosses: it lies in the stream's growable shared memory, and `pcm` tells how many
 * samples are there. So the pool keeps the audio for a replay at no cost, and no thread copies it.
 */
export type ToThread =
  | {
      type: "open";
      stream: number;
      words: ExpectedWord[];
      language: string;
      earlier: readonly SpeakerProfile[];
      pcm: SharedArrayBuffer | null;
    }
  /** Free speech, whose shared memory is a ring. Times count from `fromMs` before the first audio. */
  | { type: "listen"; stream: number; pcm: SharedArrayBuffer | null; fromMs: number }
  | { type: "pcm"; stream: number; samples: number }
  | { type: "opus"; stream: number; packets: OpusPacket[] }
  | { type: "end"; stream: number }
  | { type: "close"; stream: number }
  | { type: "ping"; sentAtMs: number }
  | { type: "exit" };

/** What a thread gets of these: the news of all its streams' audio together, newest number of samples by stream. */
export type ThreadInbox = Exclude<ToThread, { type: "pcm" }> | { type: "pcm"; samples: Map<number, number> };

/** Thread → pool. */
export type FromThread =
  /** The languages of the packs that were loaded; `broken` says of each other one why it was not. */
  | { type: "ready"; languages: string[]; broken: string[] }
  | { type: "events"; events: { stream: number; event: ScoreEvent | SpeechEvent }[] }
  | { type: "progress"; judged: { stream: number; judgedMs: number }[] }
  | { type: "failed"; stream: number; reason: string }
  | { type: "pong"; sentAtMs: number };
