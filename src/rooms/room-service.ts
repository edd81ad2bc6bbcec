import type { CallName, CallReply, CallRequest } from "#protocol";

/** Who acts in a room: one connection of one user. */
export type RoomActor = { readonly userId: string; readonly name: string; readonly connectionId: string };

/** The calls that the node which owns the room must answer. */
export type RoomCall = Exclude<Extract<CallName, `room.${string}`>, "room.list" | "room.create">;

/**
 * Rooms as the gateway sees them. The local implementation runs rooms in this process; in a cluster another one finds the
 * room's owner and relays the call there, so that media lives on one node and signalling comes from any.
 */
export interface RoomService {
  invoke<C extends RoomCall>(name: C, actor: RoomActor, request: CallRequest<C>): Promise<CallReply<C>>;
  /**
   * The connection is gone: its places are kept for the grace time, media untouched. With `removed` (signed out, kicked,
   * banned) they go at once, and nobody hears another packet.
   */
  disconnected(connectionId: string, removed?: boolean): void;
}
