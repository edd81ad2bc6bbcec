import type { Socket } from "socket.io";
import type { PushPayload, User } from "#protocol";
import type { Logger } from "../lib/logger.ts";

export type EndedReason = PushPayload<"session.ended">["reason"];

/** What the gateway keeps on an authenticated socket, in `socket.data`. */
export type ConnectionState = {
  user: User;
  sessionId: string;
  expiresAtMs: number;
  log: Logger;
  /** When its session was looked up, to tell whether a ban came after that. */
  checkedAtMs: number;
  inFlight: number;
  calls: number;
  expiry: NodeJS.Timeout | undefined;
  /** Why the server ended it, once it did. */
  ended: EndedReason | undefined;
};

export type GatewaySocket = Socket<never, never, never, ConnectionState>;

/** The socket.io rooms that a connection is in by itself; `room:` ones come and go by `Publisher.subscribe`. */
export const channels = {
  user: (id: string) => `user:${id}`,
  session: (id: string) => `session:${id}`,
  room: (id: string) => `room:${id}`,
};
