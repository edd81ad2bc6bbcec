import { z } from "zod";
import { limits } from "./limits.ts";

const id = z.string().regex(/^[!-~]{1,64}$/, "1 to 64 printable ASCII characters");
/** What the database can hold and give back unchanged. */
const wellFormed = z.string().regex(/^[^\0\p{Cs}]*$/u, "no NUL characters or lone surrogates");
/**
 * One line of text, trimmed. What can't be seen must not pass for a name: no control characters, none that turn the
 * direction of the writing for what follows, and something that shows (joiners and the like inside of words are fine).
 */
const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(
      /^(?=.*[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800])[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u,
      "something that can be seen, and no control characters",
    );
const score = z.number().min(0).max(100);
const ms = z.number().min(0);

/** BCP 47, such as "en" or "es-MX". */
const languageTag = z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "a BCP 47 language tag");

export const fields = {
  id,
  languageTag,
  wellFormed,
  line,
  score,
  ms,
  userName: line(limits.userName),
  password: z.string().min(limits.passwordMin).max(limits.password),
  seq: z.int().min(0),
  emoji: z
    .string()
    .max(64)
    .regex(/^\p{RGI_Emoji}$/v, "one emoji"),
  /** Text that may hold line breaks. */
  text: (max: number) => wellFormed.trim().min(1).max(max),
};

export const user = z.object({
  id,
  name: z.string(),
  kind: z.enum(["guest", "account", "external"]),
  role: z.enum(["member", "moderator", "admin"]),
});
export type User = z.infer<typeof user>;
/** What one person may know of another. */
export const publicUser = user.pick({ id: true, name: true });
export type PublicUser = z.infer<typeof publicUser>;

export const peer = z.object({
  id,
  userId: id,
  name: z.string(),
  muted: z.boolean(),
  /** Whether a microphone is published. */
  publishing: z.boolean(),
});
export type Peer = z.infer<typeof peer>;

export const room = z.object({
  id,
  topic: z.string(),
  /** BCP 47 tag of the language spoken. */
  language: z.string(),
  /** How many are inside, as last known; the roster is authoritative. */
  peers: z.int(),
  capacity: z.int(),
});
export type Room = z.infer<typeof room>;

/** Who is in a room at `seq`. `epoch` changes when the sequence starts anew (another owner after a crash). */
export const roster = z.object({ room, epoch: z.string(), seq: fields.seq, peers: z.array(peer) });
export type Roster = z.infer<typeof roster>;

export const roomEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("peerJoined"), peer }),
  z.object({ type: z.literal("peerLeft"), peerId: id, reason: z.enum(["left", "lost", "removed", "replaced"]) }),
  z.object({ type: z.literal("peerChanged"), peer }),
  z.object({ type: z.literal("said"), peerId: id, name: z.string(), text: z.string(), atMs: z.number() }),
  z.object({ type: z.literal("closed"), reason: z.enum(["empty", "deleted"]) }),
]);
export type RoomEvent = z.infer<typeof roomEvent>;
export const sequencedRoomEvent = z.object({ roomId: id, epoch: z.string(), seq: fields.seq, event: roomEvent });
export type SequencedRoomEvent = z.infer<typeof sequencedRoomEvent>;

/** Opaque mediasoup structures: checked by mediasoup itself, only bounded here by the message size. */
const opaque = z.record(z.string(), z.unknown());
export const rtp = {
  capabilities: opaque,
  parameters: opaque,
  dtls: opaque,
  ice: opaque,
};
export const transport = z.object({
  id,
  iceParameters: opaque,
  iceCandidates: z.array(opaque),
  dtlsParameters: opaque,
});
export type TransportOptions = z.infer<typeof transport>;
export const consumer = z.object({
  id,
  producerId: id,
  peerId: id,
  kind: z.enum(["audio", "video"]),
  rtpParameters: opaque,
});
export type ConsumerOptions = z.infer<typeof consumer>;
export const iceServer = z.object({
  urls: z.array(z.string()),
  username: z.string().optional(),
  credential: z.string().optional(),
});
export type IceServer = z.infer<typeof iceServer>;

export const message = z.object({
  id,
  conversationId: id,
  /** 1, 2, 3 … without gaps in each conversation. */
  seq: z.int().min(1),
  /** 0 as it was sent; then the conversation's version that its last change made. Of two states the higher one is newer. */
  version: fields.seq,
  clientId: id,
  senderId: id,
  /** Empty once it is deleted. */
  text: z.string(),
  /** Server clock, ms since 1970. */
  sentAtMs: z.number(),
  editedAtMs: z.number().nullable(),
  pinnedAtMs: z.number().nullable(),
  /** "all": nobody has it any more, the server neither; "me": it is hidden from the one who asked. */
  deletedFor: z.enum(["all", "me"]).nullable(),
  reactions: z.array(z.object({ userId: id, emoji: z.string() })),
  /** seq of the message that it answers. */
  replyTo: z.int().min(1).nullable(),
  /** seq of the other's message whose text it says as it should be. */
  corrects: z.int().min(1).nullable(),
});
export type Message = z.infer<typeof message>;

export const conversation = z.object({
  id,
  members: z.array(publicUser),
  /** seq of the newest message, 0 when there is none. */
  lastSeq: fields.seq,
  /** How many changes its messages have seen: each edit, reaction, pin or deletion takes the next number. */
  version: fields.seq,
  lastMessage: message.nullable(),
  /** Each member's read mark: all up to and including this seq is read. */
  readSeq: z.record(id, fields.seq),
  /** Whether one has muted it: its messages come all the same, and are not to call for attention. */
  muted: z.boolean(),
});
export type Conversation = z.infer<typeof conversation>;

/** A sound of a language, under the name that its language pack gives it. */
export const sound = z.object({
  phone: z.string().min(1),
  ipa: z.string().min(1),
  kind: z.enum(["vowel", "diphthong", "stop", "affricate", "fricative", "nasal", "approximant", "tap", "trill"]),
  /** A word of the language that has the sound. */
  example: z.string().min(1),
});
export type Sound = z.infer<typeof sound>;

/** A language that can be practised: what its pack says of itself. */
export const language = z.object({
  language: languageTag,
  name: z.string().min(1),
  sounds: z.array(sound).min(1),
  /** How far its judgements can be trusted: measured against experts' scores of people, or on synthetic voices only. */
  quality: z.object({ basis: z.enum(["experts", "synthetic"]), summary: z.string().min(1) }),
});
export type Language = z.infer<typeof language>;

export const drillItem = z.object({
  id,
  language: languageTag,
  text: z.string(),
  level: z.string(),
  focus: z.string(),
});
export type DrillItem = z.infer<typeof drillItem>;

export const band = z.enum(["good", "fair", "poor"]);
export type Band = z.infer<typeof band>;
export const errorType = z.enum(["none", "omission", "mispronunciation"]);

/** What a phone may have been: `score` is how likely against the likeliest, which has 100. */
export const phoneCandidate = z.object({ phone: z.string(), score });
export type PhoneCandidate = z.infer<typeof phoneCandidate>;

/** What about a sound can differ from another: place, manner and voicing of consonants, the others of vowels. */
export const phoneFeature = z.enum([
  "voicing",
  "place",
  "manner",
  "height",
  "backness",
  "rounding",
  "length",
  "glide",
  "rhoticity",
]);
export type PhoneFeature = z.infer<typeof phoneFeature>;

/** What to do about a phone that was not good. */
export const phoneFeedback = z.object({
  /** `substituted`: another sound was heard. `dropped`: none was. `unclear`: it was this sound, but not a clear one. */
  fault: z.enum(["substituted", "dropped", "unclear"]),
  /** In what the sound that was heard differs from the expected one; empty unless `substituted`. */
  differs: z.array(phoneFeature),
  /** One or two short sentences for the learner. */
  hint: z.string(),
  /** Whether speakers of the learner's first language often say it so. */
  typical: z.boolean(),
});
export type PhoneFeedback = z.infer<typeof phoneFeedback>;

/** A phone as judged: by its name in the language pack (English: ARPAbet without stress); times on the audio's clock. */
export const scoredPhone = z.object({
  phone: z.string(),
  score,
  band,
  startMs: ms,
  endMs: ms,
  /** What it sounded like instead, where that was likelier than the phone itself and it was not good. */
  heard: z.string().optional(),
  /** What it may have been, the likeliest first, five at the most, the phone itself among them; for phones below good. */
  nBest: z.array(phoneCandidate).optional(),
  /** In a result, for phones below good of words that were read. */
  feedback: phoneFeedback.optional(),
});
export type ScoredPhone = z.infer<typeof scoredPhone>;
/** Which syllable (0 is the first) should have carried the stress, and which did; in a result, where both are clear. */
export const wordStress = z.object({ expected: z.int().min(0), heard: z.int().min(0), score });
export type WordStress = z.infer<typeof wordStress>;
export const scoredWord = z.object({
  text: z.string(),
  score,
  errorType,
  startMs: ms,
  endMs: ms,
  phones: z.array(scoredPhone),
  stress: wordStress.optional(),
});
export type ScoredWord = z.infer<typeof scoredWord>;

/** Speech that the text does not have at its place: before the word of index `beforeWord` (their number: after the last one). */
export const insertion = z.object({
  /** What was said, where that is known. */
  text: z.string().nullable(),
  /** `repetition`: said again. `restart`: begun and left. `misplaced`: a word of the text, elsewhere. */
  kind: z.enum(["repetition", "restart", "misplaced", "other"]),
  beforeWord: z.int().min(0),
  startMs: ms,
  endMs: ms,
});
export type Insertion = z.infer<typeof insertion>;

/** How the sentence was spoken. */
export const speaking = z.object({
  phonesPerSecond: z.number().min(0),
  wordsPerMinute: z.number().min(0),
  /** Between the first phone and the last. */
  pauses: z.int().min(0),
  longestPauseMs: ms,
  /** Share of the spoken part that is pauses, 0 to 1. */
  pauseShare: z.number().min(0).max(1),
  /** From low to high of the voice's melody, where enough of it was voiced. */
  pitchRangeSemitones: z.number().min(0).optional(),
  /** Whether that range is under 4 semitones, as hardly any native reader's is; absent for a word or two. */
  monotone: z.boolean().optional(),
});
export type Speaking = z.infer<typeof speaking>;

/** What is wrong with the sound of a reading: nobody speaks, or too softly, or so loud that it is clipped, or a noise covers all. */
export const unheardReason = z.enum(["silence", "tooQuiet", "clipping", "noise"]);
export type UnheardReason = z.infer<typeof unheardReason>;
export const outcome = z.enum(["scored", "silence", "mismatch", "incomplete"]);
export const drillResult = z.object({
  outcome,
  accuracy: score,
  fluency: score,
  completeness: score,
  /** Stress, melody and rhythm; absent where they were not judged. */
  prosody: score.optional(),
  /** The sentence as experts would score it, as trained. */
  total: score,
  /** Accuracy, fluency, completeness and prosody in one, by the weights of `pronunciationScore`: the weakest counts most. */
  pronunciation: score,
  words: z.array(scoredWord),
  insertions: z.array(insertion).default([]),
  speaking: speaking.optional(),
  audioMs: ms,
});
export type DrillResult = z.infer<typeof drillResult>;

export const attempt = drillResult.extend({
  id,
  drillId: id.nullable(),
  /** Of the pack that judged it: whose names its phones have. */
  language: languageTag,
  text: z.string(),
  startedAtMs: z.number(),
});
export type Attempt = z.infer<typeof attempt>;
export const attemptSummary = attempt.omit({ words: true, insertions: true, speaking: true });
export type AttemptSummary = z.infer<typeof attemptSummary>;

/** The words a drill expects, so that a page can lay out its phoneme lane before the first sound. */
export const expectedWord = z.object({ text: z.string(), phones: z.array(z.string()) });

/** A day of the learner's calendar. */
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
/** A name of the IANA time zone database that this runtime knows. */
export const timeZone = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][\w+-]*(\/[\w+-]+)*$/)
  .refine(isTimeZone, "an IANA time zone, such as Europe/Prague");
function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** What was practised on one day: attempts in which the sentence was read, their audio, and the mean of their pronunciation scores. */
export const practiceDay = z.object({ day, attempts: z.int(), audioMs: ms, pronunciation: score });
export type PracticeDay = z.infer<typeof practiceDay>;

/** How one sound went, over all that was said of it in the range. */
export const phoneProgress = z.object({
  phone: z.string(),
  /** How often it was said. */
  count: z.int(),
  /** Mean score. */
  score,
  /** How often it was judged poor. */
  poor: z.int(),
  /** Mean score of the range's newer half less that of its older half; null where one of them has too little to tell. */
  change: z.number().nullable(),
  /** What was heard instead, the most frequent first. */
  heard: z.array(z.object({ phone: z.string(), count: z.int() })),
  /** By period of the range; periods without the sound are left out. */
  points: z.array(z.object({ period: z.int(), count: z.int(), score })),
});
export type PhoneProgress = z.infer<typeof phoneProgress>;

/** A sound to work on, and what to read for it. */
export const practiceTarget = z.object({
  phone: z.string(),
  count: z.int(),
  score,
  /** What was heard instead most often. */
  heard: z.string().nullable(),
  /** Everyday words with the sound. */
  words: z.array(z.string()),
  /** Words that differ in nothing but the sound and what was heard instead. */
  pairs: z.array(z.tuple([z.string(), z.string()])),
  /** The practice sentences that are fullest of it. */
  drills: z.array(drillItem),
});
export type PracticeTarget = z.infer<typeof practiceTarget>;
