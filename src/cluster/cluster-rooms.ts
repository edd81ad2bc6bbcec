import type { CallReply, CallRequest, Publisher } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { OpusPacket } from "../rooms/ports.ts";
import type { RoomActor, RoomCall, RoomService } from "../rooms/room-service.ts";
import type { Bus } from "./bus.ts";
import { ClusterTaps, type OwnTaps } from "./cluster-taps.ts";
import type { Membership } from "./membership.ts";
import type { NodeCalls } from "./node-calls.ts";
import type { RedisRoomDirectory } from "./redis-room-directory.ts";
import type { Rpc } from "./rpc.ts";

/** The part of LocalRooms that a cluster needs. */
export interface OwnRooms extends RoomService, OwnTaps {
  /** Drops a room that another node runs now; those inside hear `room.mediaLost` and join again, there. */
  abandon(roomId: string): Promise<void>;
}

/** Where a connection is: its rooms with their owners, and every node that must hear when it closes. */
type Away = { rooms: Map<string, string>; nodes: Set<string> };

/** How often the owner is looked up again when a room is on the move. */
const MOVES = 3;

/**
 * Rooms of the whole cluster as the gateway sees them. The first who joins makes their node the owner; calls from people
 * on other nodes are relayed there, pushes come back by the publisher. When an owner dies, each node tells its own people
 * `room.mediaLost`; the first who joins again makes a new owner.
 */
export class ClusterRooms implements RoomService, OwnTaps {
  readonly #local: OwnRooms;
  readonly #directory: RedisRoomDirectory;
  readonly #membership: Membership;
  readonly #rpc: Rpc;
  readonly #taps: ClusterTaps;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  /** This node's connections that have, or had, places on other nodes. */
  readonly #away = new Map<string, Away>();
  /** Connections of other nodes that have entered a room here and are still open: node -> connections. */
  readonly #guests = new Map<string, Set<string>>();

  constructor(options: {
    local: OwnRooms;
    directory: RedisRoomDirectory;
    membership: Membership;
    bus: Bus;
    rpc: Rpc;
    publisher: Publisher;
    log: Logger;
  }) {
    this.#local = options.local;
    this.#directory = options.directory;
    this.#membership = options.membership;
    this.#rpc = options.rpc;
    this.#publisher = options.publisher;
    this.#log = options.log;
    this.#taps = new ClusterTaps(options);
    this.#rpc.answer("room.invoke", (body, from) => this.#serve(body, from));
    this.#rpc.onNote("room.disconnected", ({ connectionId, removed }, from) => {
      this.#guests.get(from)?.delete(connectionId);
      this.#local.disconnected(connectionId, removed);
    });
    this.#rpc.onNote("room.connections", ({ connectionIds }, from) => this.#keepOnly(from, new Set(connectionIds)));
    this.#directory.on("lost", (roomId) => {
      this.#local.abandon(roomId).catch((error: unknown) => this.#log.error({ err: error, roomId }, "abandon failed"));
    });
    this.#membership.on("recovered", () => this.#reportPlaces());
    options.bus.on("nodeDead", (nodeId) => this.#bury(nodeId));
  }

  async invoke<C extends RoomCall>(name: C, actor: RoomActor, request: CallRequest<C>): Promise<CallReply<C>> {
    for (let move = 0; move < MOVES; move++) {
      const owner = await this.#ownerFor(name, request.roomId);
      if (owner === this.#membership.nodeId) {
        this.#forget(actor.connectionId, request.roomId);
        return await this.#here(name, actor, request);
      }
      const answer = await this.#relay(owner, name, actor, request);
      if (!answer.moved) return answer.data as CallReply<C>;
    }
    throw new AppError("UNAVAILABLE");
  }

  disconnected(connectionId: string, removed = false): void {
    this.#local.disconnected(connectionId, removed);
    const nodes = this.#away.get(connectionId)?.nodes ?? [];
    this.#away.delete(connectionId);
    for (const node of nodes) this.#rpc.note(node, "room.disconnected", { connectionId, removed });
  }

  /** Copies a connection's microphone out of a room, whichever node runs it. @throws AppError as LocalRooms, UNAVAILABLE, TIMEOUT */
  tap(roomId: string, connectionId: string, onPacket: OpusPacket, onEnded?: () => void): Promise<() => void> {
    return this.#taps.tap(roomId, connectionId, onPacket, onEnded);
  }

  /** Who must answer: for a join somebody always, since this node takes a room that nobody runs. */
  async #ownerFor(name: RoomCall, roomId: string): Promise<string> {
    if (name === "room.join") return (await this.#directory.claim(roomId)).nodeId;
    // Where nobody runs the room, this node knows the right error.
    return (await this.#directory.ownerOf(roomId)) ?? this.#membership.nodeId;
  }

  async #here<C extends RoomCall>(name: C, actor: RoomActor, request: CallRequest<C>): Promise<CallReply<C>> {
    try {
      return await this.#local.invoke(name, actor, request);
    } catch (error) {
      // Taken for nothing: such as for a room that does not exist.
      if (name === "room.join") await this.#directory.releaseEmpty(request.roomId);
      throw error;
    }
  }

  async #relay(
    owner: string,
    name: RoomCall,
    actor: RoomActor,
    request: { roomId: string },
  ): Promise<NodeCalls["room.invoke"]["data"]> {
    const { connectionId } = actor;
    const { roomId } = request;
    const before = this.#away.get(connectionId)?.rooms.get(roomId);
    // Noted before the answer, so that the owner is told if the connection closes meanwhile.
    if (entering(name)) this.#note(connectionId, roomId, owner);
    try {
      const answer = await this.#rpc.call(owner, "room.invoke", { name, actor, request });
      if (answer.moved || name === "room.leave") this.#forget(connectionId, roomId);
      return answer;
    } catch (error) {
      const certain = error instanceof AppError && error.code !== "TIMEOUT" && error.code !== "UNAVAILABLE";
      if (entering(name) && certain && before !== owner) this.#forget(connectionId, roomId);
      throw error;
    }
  }

  async #serve(
    { name, actor, request }: NodeCalls["room.invoke"]["body"],
    from: string,
  ): Promise<NodeCalls["room.invoke"]["data"]> {
    if (!this.#directory.isMine(request.roomId)) return { moved: true };
    if (entering(name)) this.#guests.set(from, (this.#guests.get(from) ?? new Set()).add(actor.connectionId));
    // The asking node has checked the request against the call's schema.
    return { moved: false, data: await this.#here(name, actor, request as never) };
  }

  #bury(nodeId: string): void {
    for (const connectionId of this.#guests.get(nodeId) ?? []) this.#local.disconnected(connectionId);
    this.#guests.delete(nodeId);
    // A node that finds itself declared dead has lost all its places.
    const all = nodeId === this.#membership.nodeId;
    for (const [connectionId, { rooms, nodes }] of this.#away) {
      nodes.delete(nodeId);
      for (const [roomId, owner] of rooms) if (all || owner === nodeId) this.#tellLost(connectionId, roomId);
    }
  }

  #tellLost(connectionId: string, roomId: string): void {
    this.#forget(connectionId, roomId);
    this.#publisher.unsubscribe(connectionId, roomId).catch(() => {});
    this.#publisher.publish({ connection: connectionId }, "room.mediaLost", { roomId });
  }

  #reportPlaces(): void {
    for (const node of this.#membership.others()) {
      const connectionIds = [...this.#away].flatMap(([id, { nodes }]) => (nodes.has(node) ? [id] : []));
      this.#rpc.note(node, "room.connections", { connectionIds });
    }
  }

  #keepOnly(from: string, connected: Set<string>): void {
    const guests = this.#guests.get(from);
    for (const connectionId of guests ?? []) {
      if (connected.has(connectionId)) continue;
      guests?.delete(connectionId);
      this.#local.disconnected(connectionId);
    }
  }

  #note(connectionId: string, roomId: string, owner: string): void {
    const away = this.#away.get(connectionId) ?? { rooms: new Map(), nodes: new Set() };
    away.rooms.set(roomId, owner);
    away.nodes.add(owner);
    this.#away.set(connectionId, away);
  }

  #forget(connectionId: string, roomId: string): void {
    this.#away.get(connectionId)?.rooms.delete(roomId);
  }
}

function entering(name: RoomCall): boolean {
  return name === "room.join" || name === "room.resume";
}
