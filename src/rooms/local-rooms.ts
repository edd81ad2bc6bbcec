import type { CallReply, CallRequest, IceServer, Publisher } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Media, OpusPacket, RoomDirectory, StoredRoom } from "./ports.ts";
import { Room } from "./room.ts";
import type { RoomActor, RoomCall, RoomService } from "./room-service.ts";

export type LocalRoomsOptions = {
  /** Finds a stored room, closed or not. */
  findRoom: (roomId: string) => Promise<StoredRoom | undefined>;
  directory: RoomDirectory;
  media: Media;
  publisher: Publisher;
  iceServers: (userId: string) => IceServer[];
  /** How long a place outlives its connection. */
  graceMs: number;
  log: Logger;
  metrics: Metrics;
};

/** How long a running room without people keeps its media and history, in ms. */
const EMPTY_MS = 30_000;
/** How long a closed connection is remembered, in ms: longer than any call takes. */
const GONE_MS = 60_000;

/** Rooms that one connection may be in at once: more than anybody listens to, few enough to bound its transports. */
const ROOMS_PER_CONNECTION = 8;

type Calls = { [C in RoomCall]: (room: Room, actor: RoomActor, request: CallRequest<C>) => Promise<CallReply<C>> };

const calls: Calls = {
  "room.join": (room, actor, { rtpCapabilities }) => room.join(actor, rtpCapabilities),
  "room.resume": (room, actor, request) => room.resume(actor, request),
  "room.sync": async (room, actor, request) => room.sync(actor, request),
  "room.leave": async (room, actor) => {
    await room.leave(actor);
    return {};
  },
  "room.connectTransport": async (room, actor, request) => {
    await room.connectTransport(actor, request);
    return {};
  },
  "room.restartIce": async (room, actor, { transportId }) => ({
    iceParameters: await room.restartIce(actor, transportId),
  }),
  "room.produce": async (room, actor, request) => ({ producerId: await room.produce(actor, request) }),
  "room.setMuted": async (room, actor, { muted }) => {
    await room.setMuted(actor, muted);
    return {};
  },
  "room.say": async (room, actor, { text }) => ({ seq: room.say(actor, text) }),
};

/** The rooms that run in this process. They are made by the first who joins and forgotten some time after the last has left. */
export class LocalRooms implements RoomService {
  readonly #options: LocalRoomsOptions;
  readonly #rooms = new Map<string, Promise<Room>>();
  /** Rooms that are made, by id. */
  readonly #open = new Map<string, Room>();
  readonly #emptyTimers = new Map<string, NodeJS.Timeout>();
  /** Connections that closed a short while ago: a call of theirs that ends later must not leave a place behind. */
  readonly #gone = new Map<string, { removed: boolean; timer: NodeJS.Timeout }>();
  readonly #joinSeconds;
  #closed = false;

  constructor(options: LocalRoomsOptions) {
    this.#options = options;
    const { metrics } = options;
    metrics.gauge("rooms", "Voice rooms that run in this process.", () => this.#open.size);
    metrics.gauge("room_peers", "People in voice rooms that run in this process.", () =>
      [...this.#open.values()].reduce((sum, room) => sum + room.size, 0),
    );
    this.#joinSeconds = metrics.histogram("room_join_seconds", "Server time of a room.join.");
  }

  async invoke<C extends RoomCall>(name: C, actor: RoomActor, request: CallRequest<C>): Promise<CallReply<C>> {
    const startedAt = performance.now();
    if (name === "room.join") this.#assertMayJoin(actor.connectionId, request.roomId);
    const room = name === "room.join" ? await this.#start(request.roomId) : await this.#running(name, request.roomId);
    try {
      return await calls[name](room, actor, request);
    } finally {
      const gone = this.#gone.get(actor.connectionId);
      if (gone) room.disconnected(actor.connectionId, gone.removed);
      if (name === "room.join") {
        this.#joinSeconds.observe((performance.now() - startedAt) / 1000);
        if (room.empty) this.#closeWhenStillEmpty(room);
      }
    }
  }

  disconnected(connectionId: string, removed = false): void {
    clearTimeout(this.#gone.get(connectionId)?.timer);
    const timer = setTimeout(() => this.#gone.delete(connectionId), GONE_MS).unref();
    this.#gone.set(connectionId, { removed, timer });
    for (const room of this.#open.values()) room.disconnected(connectionId, removed);
  }

  /** Copies a connection's microphone out of a room, for a drill or free speech. @throws AppError NOT_IN_ROOM, NO_MICROPHONE_TRACK */
  async tap(roomId: string, connectionId: string, onPacket: OpusPacket, onEnded?: () => void): Promise<() => void> {
    const room = this.#open.get(roomId);
    if (!room) throw new AppError("NOT_IN_ROOM");
    return room.tap(connectionId, onPacket, onEnded);
  }

  /** Drops a room that another node runs now; those inside hear `room.mediaLost` and join again, there. */
  async abandon(roomId: string): Promise<void> {
    const room = this.#open.get(roomId);
    room?.abandon();
    if (room) await this.#forget(room);
  }

  /** Ends all rooms here and opens no more. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#gone.values()) clearTimeout(timer);
    await Promise.all([...this.#open.values()].map((room) => this.#forget(room)));
  }

  /** Single-flight: whoever joins at once gets the same room. */
  #start(roomId: string): Promise<Room> {
    if (this.#closed) return Promise.reject(new AppError("DRAINING"));
    clearTimeout(this.#emptyTimers.get(roomId));
    const running = this.#rooms.get(roomId);
    if (running) return running;
    const starting = this.#create(roomId);
    this.#rooms.set(roomId, starting);
    starting.catch(() => this.#rooms.delete(roomId));
    return starting;
  }

  #assertMayJoin(connectionId: string, roomId: string): void {
    let inside = 0;
    for (const room of this.#open.values()) if (room.id !== roomId && room.has(connectionId)) inside += 1;
    if (inside >= ROOMS_PER_CONNECTION)
      throw new AppError("FORBIDDEN", `One connection may be in ${ROOMS_PER_CONNECTION} rooms; leave one first.`);
  }

  async #create(roomId: string): Promise<Room> {
    const stored = await this.#options.findRoom(roomId);
    if (!stored || stored.closedAtMs !== null) throw new AppError("ROOM_NOT_FOUND");
    const { media, publisher, iceServers, graceMs, log } = this.#options;
    const { id, topic, language, capacity } = stored;
    const room: Room = new Room({
      info: { id, topic, language, capacity },
      media,
      publisher,
      iceServers,
      graceMs,
      log,
      onPeers: (count) => {
        this.#tell(this.#options.directory.setPeers(id, count));
        if (count === 0) this.#closeWhenStillEmpty(room);
      },
    });
    this.#open.set(id, room);
    return room;
  }

  async #running(name: RoomCall, roomId: string): Promise<Room> {
    const room = this.#open.get(roomId);
    if (room) return room;
    if (name === "room.resume") throw new AppError("PEER_GONE");
    const stored = await this.#options.findRoom(roomId);
    throw new AppError(stored && stored.closedAtMs === null ? "NOT_IN_ROOM" : "ROOM_NOT_FOUND");
  }

  #closeWhenStillEmpty(room: Room): void {
    clearTimeout(this.#emptyTimers.get(room.id));
    const timer = setTimeout(() => {
      if (room.empty) this.#tell(this.#forget(room));
    }, EMPTY_MS);
    this.#emptyTimers.set(room.id, timer.unref());
  }

  async #forget(room: Room): Promise<void> {
    if (this.#open.get(room.id) !== room) return;
    clearTimeout(this.#emptyTimers.get(room.id));
    this.#emptyTimers.delete(room.id);
    this.#open.delete(room.id);
    this.#rooms.delete(room.id);
    room.close();
    await this.#options.directory.release(room.id);
  }

  /** The directory is a convenience for lists: its failures are logged, calls go on. */
  #tell(done: Promise<void>): void {
    done.catch((error: unknown) => this.#options.log.warn({ err: error }, "the room directory could not be told"));
  }
}
