import type { ColumnType, Generated, Kysely } from "kysely";
import type { Message, User } from "#protocol";

/** JSON, written as text: what no query looks into; null for nothing, and in rows from before there was any. */
type Details = ColumnType<Record<string, unknown> | null, string | null | undefined, never>;

/** The columns as migrations/ make them, in camelCase. Times ending in `Ms` are ms since 1970. */
export type Tables = {
  users: {
    id: string;
    name: string;
    /** `nameKey(name)`: what names are compared by. */
    nameKey: string;
    kind: User["kind"];
    role: User["role"];
    passwordHash: string | null;
    bannedAtMs: number | null;
    issuer: string | null;
    subject: string | null;
    createdAt: ColumnType<Date, never, never>;
  };
  sessions: {
    id: string;
    userId: string;
    refreshHash: string;
    /** Of the token that was traded for the one of `refreshHash`. */
    previousHash: ColumnType<string | null, string | undefined, string>;
    createdAtMs: number;
    expiresAtMs: number;
    revokedAtMs: number | null;
  };
  secrets: { name: string; value: string };
  audit: {
    id: Generated<number>;
    atMs: number;
    action: "ban" | "unban";
    userId: string;
    byUserId: string | null;
    reason: string | null;
  };
  conversations: {
    id: string;
    /** Of a direct conversation: both user ids, sorted. */
    directKey: string | null;
    lastSeq: Generated<number>;
    /** Messages above it are committed and not yet handed to the hub. */
    publishedSeq: Generated<number>;
    /** Each change of a message takes the next one. */
    version: Generated<number>;
    /** Changes above it are committed and not yet handed to the hub. */
    publishedVersion: Generated<number>;
    activeAtMs: number;
  };
  conversationMembers: {
    conversationId: string;
    userId: string;
    readSeq: Generated<number>;
    muted: Generated<boolean>;
  };
  messages: {
    conversationId: string;
    seq: number;
    id: string;
    senderId: string;
    clientId: string;
    text: string;
    sentAtMs: number;
    version: Generated<number>;
    editedAtMs: number | null;
    deletedAtMs: number | null;
    pinnedAtMs: number | null;
    replyTo: number | null;
    corrects: number | null;
    reactions: ColumnType<Message["reactions"], string | undefined, string>;
    /** Ids of those who deleted it for themselves. */
    hiddenFrom: ColumnType<string[], string | undefined, string>;
  };
  rooms: {
    id: string;
    topic: string;
    language: string;
    capacity: number;
    createdBy: string;
    createdAtMs: number;
    closedAtMs: number | null;
  };
  drills: { id: string; position: number; language: string; text: string; level: string; focus: string };
  attempts: {
    id: string;
    userId: string;
    drillId: string | null;
    language: string;
    text: string;
    startedAtMs: number;
    outcome: string;
    accuracy: number;
    fluency: number;
    completeness: number;
    total: number;
    audioMs: number;
    prosody: ColumnType<number | null, number | null | undefined>;
    /** Of a result: `insertions` where there are any, and `speaking`. */
    details: Details;
    /** A `SpeakerProfile`. */
    profile: Details;
  };
  attemptWords: {
    attemptId: string;
    wordIndex: number;
    text: string;
    score: number;
    errorType: string;
    startMs: number;
    endMs: number;
    /** Of a word: `stress`. */
    details: Details;
  };
  attemptPhones: {
    attemptId: string;
    wordIndex: number;
    phoneIndex: number;
    phone: string;
    score: number;
    band: string;
    startMs: number;
    endMs: number;
    heard: string | null;
    /** Of a phone: `nBest` and `feedback`. */
    details: Details;
  };
};

export type Db = Kysely<Tables>;
