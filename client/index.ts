export { browserTokenStorage } from "./browser-token-storage.ts";
export { Connection, type ConnectionOptions, type ConnectionState } from "./connection.ts";
export type { ConversationView } from "./conversation-view.ts";
export { Conversations, type ConversationsLink, type ConversationsSnapshot } from "./conversations.ts";
export {
  type DrillEvent,
  type DrillLink,
  type DrillPhone,
  DrillSession,
  type DrillSnapshot,
  type DrillTarget,
  type DrillWord,
  drillWordOf,
} from "./drill.ts";
export { ParlanceError } from "./errors.ts";
export {
  Microphone,
  MicrophoneError,
  type MicrophoneOptions,
  type MicrophoneTrouble,
  microphoneTroubleOf,
} from "./microphone.ts";
export type { About, OutgoingMessage } from "./outgoing.ts";
export { Recording } from "./recording.ts";
export { Resampler } from "./resampler.ts";
export { request } from "./rest.ts";
export {
  type RoomLeftReason,
  type RoomLink,
  RoomSession,
  type RoomSessionOptions,
  type RoomSnapshot,
  type RoomStats,
} from "./room.ts";
export type { RemoteTrack } from "./room-media.ts";
export type { RoomLine } from "./roster.ts";
export { Session, type SessionState, type SignedOutReason } from "./session.ts";
export { type SharedSpeaker, SharedSpeech } from "./shared-speech.ts";
export { type SpeechEvent, type SpeechLink, SpeechSession, type SpeechSnapshot } from "./speech.ts";
export type { SpokenGroups, SpokenPhone } from "./spoken-groups.ts";
export type { TokenStorage } from "./token-storage.ts";
export { type DifferencePart, wordDifference } from "./word-difference.ts";
