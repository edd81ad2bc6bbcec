import { z } from "zod";
import { firstLanguage } from "./first-languages.ts";
import { limits } from "./limits.ts";
import {
  attempt,
  attemptSummary,
  consumer,
  conversation,
  drillItem,
  expectedWord,
  fields,
  iceServer,
  language,
  message,
  phoneProgress,
  practiceDay,
  practiceTarget,
  publicUser,
  room,
  roster,
  rtp,
  sequencedRoomEvent,
  timeZone,
  transport,
} from "./models.ts";

/** Sustained calls per second and burst, per user and call. */
type Rate = { perSecond: number; burst: number };
const calm: Rate = { perSecond: 5, burst: 20 };
const brisk: Rate = { perSecond: 20, burst: 60 };

function call<Q extends z.ZodType, R extends z.ZodType>(summary: string, request: Q, reply: R, rate: Rate = calm) {
  return { summary, request, reply, rate };
}
const nothing = z.strictObject({});

/** A message of a conversation. */
const oneMessage = { conversationId: fields.id, seq: z.int().min(1) };
/** What a change of a message is answered with. */
const changed = z.object({ message, afterVersion: fields.seq });

const roomSync = z.union([
  z.object({ kind: z.literal("events"), events: z.array(sequencedRoomEvent) }),
  z.object({ kind: z.literal("snapshot"), roster }),
]);

/** Frames of this connection, or the microphone that it publishes in a room. */
const audioSource = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("socket"), sampleRate: z.number() }),
    z.strictObject({ kind: z.literal("room"), roomId: fields.id }),
  ])
  .default({ kind: "socket", sampleRate: 16_000 });

/** Every socket call: request -> reply, answered through the acknowledgement with a `Reply`. */
export const calls = {
  "session.refresh": call(
    "Puts a fresh access token on this connection before the old one expires.",
    z.strictObject({ token: z.string().max(8_192) }),
    z.object({ expiresAtMs: z.number() }),
  ),
  "user.find": call(
    "People whose name starts with the given text.",
    z.strictObject({ prefix: fields.line(limits.userName) }),
    z.object({ users: z.array(publicUser) }),
  ),
  "presence.watch": call(
    "Replaces the set of people whose presence this connection follows, and tells who of them is online now.",
    z.strictObject({ userIds: z.array(fields.id).max(limits.presenceWatch) }),
    z.object({ online: z.array(fields.id) }),
  ),

  "room.list": call("Open public rooms.", nothing, z.object({ rooms: z.array(room) })),
  "room.create": call(
    "Opens a public voice room.",
    z.strictObject({
      topic: fields.line(limits.topic),
      language: fields.languageTag.default("en"),
    }),
    z.object({ room }),
    { perSecond: 0.2, burst: 5 },
  ),
  "room.join": call(
    "Enters a room. With rtpCapabilities the reply holds all that media needs: transports, consumers, TURN credentials.",
    z.strictObject({ roomId: fields.id, rtpCapabilities: rtp.capabilities.optional() }),
    z.object({
      peerId: fields.id,
      roster,
      media: z
        .object({
          send: transport,
          receive: transport,
          consumers: z.array(consumer),
          iceServers: z.array(iceServer),
        })
        .nullable(),
    }),
  ),
  "room.resume": call(
    "Takes one's place in a room again after a reconnect, media untouched. PEER_GONE means: join again.",
    z.strictObject({ roomId: fields.id, peerId: fields.id, epoch: z.string().max(64), afterSeq: fields.seq }),
    z.object({ sync: roomSync, consumers: z.array(consumer) }),
  ),
  "room.sync": call(
    "What happened in the room after a known point; a snapshot where the history no longer reaches that far.",
    z.strictObject({ roomId: fields.id, epoch: z.string().max(64), afterSeq: fields.seq }),
    roomSync,
  ),
  "room.leave": call("Leaves the room.", z.strictObject({ roomId: fields.id }), nothing),
  "room.connectTransport": call(
    "Completes DTLS on a transport.",
    z.strictObject({ roomId: fields.id, transportId: fields.id, dtlsParameters: rtp.dtls }),
    nothing,
    brisk,
  ),
  "room.restartIce": call(
    "New ICE parameters for a transport after a network change.",
    z.strictObject({ roomId: fields.id, transportId: fields.id }),
    z.object({ iceParameters: rtp.ice }),
    brisk,
  ),
  "room.produce": call(
    "Publishes the microphone.",
    z.strictObject({
      roomId: fields.id,
      transportId: fields.id,
      kind: z.enum(["audio", "video"]),
      rtpParameters: rtp.parameters,
    }),
    z.object({ producerId: fields.id }),
    brisk,
  ),
  "room.setMuted": call(
    "Mutes or unmutes one's own microphone for everybody.",
    z.strictObject({ roomId: fields.id, muted: z.boolean() }),
    nothing,
    brisk,
  ),
  "room.say": call(
    "A line of text to everybody in the room, not kept after the room closes.",
    z.strictObject({ roomId: fields.id, text: fields.text(limits.roomText) }),
    z.object({ seq: fields.seq }),
  ),

  "chat.list": call(
    "One's conversations, the most recently active first, in pages: ask again with `next` as the cursor until it is null.",
    z.strictObject({
      cursor: z
        .string()
        .regex(/^\d{1,15}\.[!-~]{1,64}$/)
        .optional(),
    }),
    z.object({ conversations: z.array(conversation), next: z.string().nullable() }),
    brisk,
  ),
  "chat.open": call(
    "The direct conversation with a person, created at need.",
    z.strictObject({ userId: fields.id }),
    z.object({ conversation }),
  ),
  "chat.send": call(
    "Sends a message. The reply comes once it is stored for good; the same clientId again yields the same message.",
    z.strictObject({
      conversationId: fields.id,
      clientId: fields.id,
      text: fields.text(limits.messageText),
      /** seq of the message that it answers. */
      replyTo: z.int().min(1).optional(),
      /** seq of the other's message whose text it says as it should be. */
      corrects: z.int().min(1).optional(),
    }),
    z.object({ message, version: fields.seq }),
    { perSecond: 10, burst: 30 },
  ),
  "chat.edit": call(
    "Gives one's own message another text, as long as it is young and nobody has corrected it.",
    z.strictObject({ ...oneMessage, text: fields.text(limits.messageText) }),
    changed,
  ),
  "chat.delete": call(
    "Deletes a message: for oneself, or one's own as long as it is young for all, the server included.",
    z.strictObject({ ...oneMessage, for: z.enum(["me", "all"]) }),
    changed,
  ),
  "chat.react": call(
    "Puts one's reaction on a message, or takes it back.",
    z.strictObject({ ...oneMessage, emoji: fields.emoji, on: z.boolean() }),
    changed,
  ),
  "chat.pin": call(
    "Pins a message for both, or takes it down.",
    z.strictObject({ ...oneMessage, on: z.boolean() }),
    changed,
  ),
  "chat.pins": call(
    "The pinned messages, ascending; `next` is what to ask for as `afterSeq` where they are long, null at the end.",
    z.strictObject({ conversationId: fields.id, afterSeq: fields.seq.default(0) }),
    z.object({ messages: z.array(message), next: fields.seq.nullable() }),
  ),
  "chat.changes": call(
    "Messages that changed after a version of the conversation, as they are now, by version. They are all up to `version`: ask again from there until it is no more below `lastVersion`.",
    z.strictObject({
      conversationId: fields.id,
      afterVersion: fields.seq,
      limit: z.int().min(1).max(limits.historyPage).default(50),
    }),
    z.object({ messages: z.array(message), version: fields.seq, lastVersion: fields.seq }),
    brisk,
  ),
  "chat.history": call(
    "Messages of a conversation in ascending seq: those after `afterSeq`, or the last ones before `beforeSeq`; fewer than `limit` where they are long.",
    z.strictObject({
      conversationId: fields.id,
      afterSeq: fields.seq.optional(),
      beforeSeq: z.int().min(1).optional(),
      limit: z.int().min(1).max(limits.historyPage).default(50),
    }),
    z.object({
      messages: z.array(message),
      lastSeq: fields.seq,
      /** The messages are as they were at this version of the conversation, or newer. */
      version: fields.seq,
    }),
    brisk,
  ),
  "chat.typing": call(
    "Tells the other that one is typing, which counts for `typingMs`: say it again while it goes on. Nothing is kept.",
    z.strictObject({ conversationId: fields.id }),
    nothing,
    { perSecond: 1, burst: 5 },
  ),
  "chat.mute": call(
    "Mutes a conversation for oneself, or ends that. The other does not hear of it.",
    z.strictObject({ conversationId: fields.id, on: z.boolean() }),
    nothing,
  ),
  "chat.markRead": call(
    "Moves one's read mark forward; it never moves back.",
    z.strictObject({ conversationId: fields.id, seq: fields.seq }),
    nothing,
    brisk,
  ),

  "drill.languages": call(
    "The languages that can be practised here, with their sounds and how far their judgements can be trusted.",
    nothing,
    z.object({ languages: z.array(language) }),
  ),
  "drill.list": call(
    "The practice sentences on offer, in one language or in all that can be practised.",
    z.strictObject({ language: fields.languageTag.optional() }),
    z.object({ drills: z.array(drillItem) }),
  ),
  "drill.start": call(
    "Starts judging speech against a sentence: a listed drill or any text. Audio comes as drill.frame messages, or from the microphone published in a room.",
    z.strictObject({
      drillId: fields.id.optional(),
      text: fields.wellFormed.max(100_000).optional(),
      /** Of the text; "en" by default. A listed drill has its own. */
      language: fields.languageTag.optional(),
      source: audioSource,
      /** When judgements are told: at once, all of a word's with the word, or none before the result. */
      feedback: z.enum(["live", "word", "sentence"]).default("live"),
      /** The learner's: its usual confusions are thought of first where sounds are about equally likely. */
      firstLanguage: firstLanguage.optional(),
    }),
    z.object({
      attemptId: fields.id,
      language: fields.languageTag,
      text: z.string(),
      words: z.array(expectedWord),
    }),
    { perSecond: 1, burst: 10 },
  ),
  "drill.finish": call(
    "No more audio: the final scores and the result follow as pushes, the result is stored, then this is answered.",
    z.strictObject({ attemptId: fields.id }),
    z.object({ attempt }),
  ),
  "drill.cancel": call(
    "Drops the running drill; nothing is stored.",
    z.strictObject({ attemptId: fields.id }),
    nothing,
  ),
  "drill.history": call(
    "One's attempts, the newest first.",
    z.strictObject({
      beforeMs: z.number().optional(),
      limit: z.int().min(1).max(limits.historyPage).default(50),
    }),
    z.object({ attempts: z.array(attemptSummary) }),
  ),
  "drill.attempt": call(
    "One attempt with every phone.",
    z.strictObject({ attemptId: fields.id }),
    z.object({ attempt }),
  ),

  "practice.progress": call(
    "How one's practice goes, by the days of one's own calendar: what was done on which day, and how each sound went. Readings of silence or of something else don't count.",
    z.strictObject({
      timeZone,
      days: z.int().min(1).max(limits.progressDays).default(30),
      /** Whose sounds are told; days are of all languages. */
      language: fields.languageTag.default("en"),
    }),
    z.object({
      /** Days in a row with practice, up to today, or to yesterday while today has none. */
      streakDays: z.int(),
      /** The range's first day and its last, which is today. */
      firstDay: z.string(),
      today: z.string(),
      /** Days with practice, the oldest first. */
      days: z.array(practiceDay),
      /** First days of the equal periods, 14 at the most, by which `phones` tells how it went over time; the last may not be over. */
      periods: z.array(z.string()),
      /** The worst first. */
      phones: z.array(phoneProgress),
    }),
    { perSecond: 1, burst: 10 },
  ),
  "practice.list": call(
    "What to practise next: the sounds that went worst in the last 60 days, where there is enough to tell, with sentences and words that are full of them.",
    z.strictObject({ language: fields.languageTag.default("en") }),
    z.object({ targets: z.array(practiceTarget) }),
    { perSecond: 1, burst: 10 },
  ),

  "speech.start": call(
    "Tells the phones of one's own free speech, without a given text, until speech.stop. Audio comes as speech.frame messages, or from the microphone published in a room.",
    z.strictObject({
      source: audioSource,
      /** Whether everybody in the source's room sees the phones, a tutor for example; only with a room. */
      share: z.boolean().default(false),
    }),
    z.object({ speechId: fields.id }),
    { perSecond: 1, burst: 10 },
  ),
  "speech.stop": call(
    "No more audio: the last phones and speech.ended follow as pushes, then this is answered.",
    z.strictObject({ speechId: fields.id }),
    z.object({ audioMs: fields.ms }),
  ),
} as const;

export type CallName = keyof typeof calls;
/** As the client writes it (defaults may be left out). */
export type CallInput<C extends CallName> = z.input<(typeof calls)[C]["request"]>;
/** As a handler receives it. */
export type CallRequest<C extends CallName> = z.output<(typeof calls)[C]["request"]>;
export type CallReply<C extends CallName> = z.output<(typeof calls)[C]["reply"]>;
