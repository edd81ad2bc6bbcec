import { z } from "zod";
import { errorBody } from "./errors.ts";
import {
  band,
  consumer,
  drillResult,
  errorType,
  fields,
  message,
  phoneCandidate,
  rtp,
  sequencedRoomEvent,
  unheardReason,
  user,
} from "./models.ts";

function push<P extends z.ZodType>(summary: string, payload: P) {
  return { summary, payload };
}

/** Whose speech, and the room it is shared in (null: told to the speaker alone). */
const speechOf = { speechId: fields.id, userId: fields.id, roomId: fields.id.nullable() };

/** Every push: server -> client, no acknowledgement. What must not be missed carries a sequence and can be asked for again. */
export const pushes = {
  "session.ready": push(
    "First push on every connection: who one is, and what media capabilities this server has.",
    z.object({
      user,
      connectionId: fields.id,
      protocolVersion: z.int(),
      serverTimeMs: z.number(),
      expiresAtMs: z.number(),
      routerRtpCapabilities: rtp.capabilities,
    }),
  ),
  "session.ended": push(
    "Last push before the server closes the connection. `reconnect` says whether coming back makes sense.",
    z.object({
      reason: z.enum(["expired", "signedOut", "banned", "kicked", "draining", "slowReader", "limit"]),
      reconnect: z.boolean(),
    }),
  ),
  "presence.changed": push("A followed person came or went.", z.object({ userId: fields.id, online: z.boolean() })),

  "room.event": push("Something happened in a room one is in; sequenced, without gaps.", sequencedRoomEvent),
  "room.levels": push(
    "Who is heard how loudly, about five times a second while anybody speaks; lossy.",
    z.object({
      roomId: fields.id,
      /** [peer id, dBov -127…0] of the loudest, loudest first. */
      levels: z.array(z.tuple([fields.id, z.number()])),
      activeSpeaker: fields.id.nullable(),
    }),
  ),
  "room.consumer": push("A track to receive on the receive transport.", z.object({ roomId: fields.id, consumer })),
  "room.consumerClosed": push("A received track ended.", z.object({ roomId: fields.id, consumerId: fields.id })),
  "room.mediaLost": push(
    "The room's media died on the server: join again at once for new transports.",
    z.object({ roomId: fields.id }),
  ),
  "room.removed": push(
    "This connection's place in the room is gone.",
    z.object({ roomId: fields.id, reason: z.enum(["replaced", "removed", "closed"]) }),
  ),

  "chat.message": push(
    "A message in one of one's conversations, as it was at that version of the conversation; its seq has no gaps.",
    z.object({ message, version: fields.seq }),
  ),
  "chat.changed": push(
    "A message as it is now. Nothing else changed from `afterVersion` up to the message's version.",
    z.object({ message, afterVersion: fields.seq }),
  ),
  "chat.typing": push(
    "Somebody is typing, for the next `typingMs` unless a message comes or it is said again; lossy.",
    z.object({ conversationId: fields.id, userId: fields.id }),
  ),
  "chat.muted": push(
    "One has muted a conversation or ended that, perhaps on another device; also told by `chat.list`.",
    z.object({ conversationId: fields.id, muted: z.boolean() }),
  ),
  "chat.read": push(
    "Somebody's read mark moved forward.",
    z.object({ conversationId: fields.id, userId: fields.id, seq: fields.seq }),
  ),

  "drill.phoneme": push(
    "A phone was judged: provisionally (final: false) or for good (exactly once for each phone).",
    z.object({
      attemptId: fields.id,
      word: z.int(),
      index: z.int(),
      phone: z.string(),
      score: fields.score,
      band,
      startMs: fields.ms,
      endMs: fields.ms,
      final: z.boolean(),
      heard: z.string().optional(),
      /** As in a result; with final judgements. */
      nBest: z.array(phoneCandidate).optional(),
    }),
  ),
  "drill.word": push(
    "A word was judged, after the last of its phones.",
    z.object({
      attemptId: fields.id,
      word: z.int(),
      text: z.string(),
      score: fields.score,
      errorType,
      startMs: fields.ms,
      endMs: fields.ms,
    }),
  ),
  "drill.result": push(
    "The sentence was judged. With all of it known its scores are judged anew: they refine those pushed before.",
    z.object({ attemptId: fields.id, result: drillResult }),
  ),
  "drill.unheard": push(
    "Why little or nothing was heard in the last four seconds before `endMs`; told anew every four seconds while it lasts.",
    z.object({ attemptId: fields.id, reason: unheardReason, endMs: fields.ms }),
  ),
  "drill.progress": push(
    "How much audio has been judged, at least once a second while audio flows; a client faster than real time paces itself by it.",
    z.object({ attemptId: fields.id, judgedMs: fields.ms }),
  ),
  "drill.frameRejected": push("A drill.frame was refused.", z.object({ error: errorBody })),
  "drill.failed": push(
    "The running drill ended without a result.",
    z.object({ attemptId: fields.id, error: errorBody }),
  ),

  "speech.phoneme": push(
    "A phone that was heard in free speech: each once, in order, never taken back. `confidence` is how likely it is the phone that a careful listener expects, 0 to 1.",
    z.object({
      ...speechOf,
      phone: z.string(),
      confidence: z.number().min(0).max(1),
      startMs: fields.ms,
      endMs: fields.ms,
    }),
  ),
  "speech.pause": push(
    "300 ms of silence have followed the last phone: a group of words is over.",
    z.object({ ...speechOf, startMs: fields.ms }),
  ),
  "speech.progress": push(
    "How much audio has been heard, at least once a second while audio flows; to the speaker alone.",
    z.object({ speechId: fields.id, heardMs: fields.ms }),
  ),
  "speech.frameRejected": push("A speech.frame was refused.", z.object({ error: errorBody })),
  "speech.ended": push(
    "Free speech is listened to no more. `idle`: no audio came for long; `limit`: it went on for longer than may be; `lost`: the speaker's connection or microphone is gone.",
    z.object({
      ...speechOf,
      reason: z.enum(["stopped", "idle", "limit", "lost", "failed"]),
      audioMs: fields.ms,
      /** Why it failed. */
      error: errorBody.optional(),
    }),
  ),
} as const;

export type PushName = keyof typeof pushes;
export type PushPayload<P extends PushName> = z.output<(typeof pushes)[P]["payload"]>;

/** Whom a push is for: every connection of a user, every connection in a room, or one connection, on whichever node it is. */
export type Audience = { user: string } | { room: string } | { connection: string };

/**
 * The way out of the domain folders, across all nodes. Delivery is best effort: what must not be missed carries a sequence.
 * A connection hears `{ room }` once it is subscribed; after `unsubscribe` resolves no frame for that room reaches it.
 */
export interface Publisher {
  publish<P extends PushName>(to: Audience, name: P, payload: PushPayload<P>): void;
  subscribe(connectionId: string, room: string): Promise<void>;
  unsubscribe(connectionId: string, room: string): Promise<void>;
}
