export { Connection, type ConnectionOptions, type ConnectionState } from "./connection.ts";
export { ParlanceError } from "./errors.ts";
export { request } from "./rest.ts";
export {
  type RoomLeftReason,
  RoomSession,
  type RoomSessionOptions,
  type RoomSnapshot,
  type RoomStats,
} from "./room.ts";
export type { RemoteTrack } from "./room-media.ts";
export type { RoomLine } from "./roster.ts";
export { browserTokenStorage, Session, type SessionState, type SignedOutReason, type TokenStorage } from "./session.ts";
