import type { RoomActor, RoomCall } from "../rooms/room-service.ts";

/** What a node that does not run a room answers: look its owner up again. */
export type Moved = { moved: true };

/** What nodes ask each other, and what they get. */
export type NodeCalls = {
  "room.invoke": {
    body: { name: RoomCall; actor: RoomActor; request: { roomId: string } };
    data: Moved | { moved: false; data: unknown };
  };
  /** Asks for a connection's microphone, which then comes as `tap.packet` notes. */
  "tap.open": { body: { tapId: string; roomId: string; connectionId: string }; data: Moved | { moved: false } };
};

/** What nodes tell each other without an answer. */
export type NodeNotes = {
  "room.disconnected": { connectionId: string; removed: boolean };
  /** After trouble: all connections of the sender that have a place on the receiver. */
  "room.connections": { connectionIds: string[] };
  /** An Opus packet, base64. */
  "tap.packet": { tapId: string; payload: string; sequenceNumber: number; timestamp: number };
  "tap.close": { tapId: string };
  /** The microphone is gone. */
  "tap.ended": { tapId: string };
};
