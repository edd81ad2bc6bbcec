import { randomUUID } from "node:crypto";
import type {
  CallReply,
  CallRequest,
  ConsumerOptions,
  IceServer,
  Publisher,
  PushPayload,
  RoomEvent,
  Room as RoomInfo,
  Roster,
  SequencedRoomEvent,
} from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Media, MediaPeer, MediaRoom, Opaque, OpusPacket } from "./ports.ts";
import type { RoomActor } from "./room-service.ts";

/** Events that a client may ask for again; one that missed more gets a snapshot. */
const HISTORY = 500;

export type RoomOptions = {
  info: Omit<RoomInfo, "peers">;
  media: Media;
  publisher: Publisher;
  /** TURN and STUN for a user. */
  iceServers: (userId: string) => IceServer[];
  /** How long a place outlives its connection. */
  graceMs: number;
  log: Logger;
  /** The number of people inside changed. */
  onPeers: (count: number) => void;
};

/** A place in the room: it belongs to a user, and to the connection that holds it now. */
type Place = {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  connectionId: string;
  muted: boolean;
  publishing: boolean;
  media: MediaPeer | undefined;
  /** Runs while the connection is away. */
  grace: NodeJS.Timeout | undefined;
};

type Removal = Extract<RoomEvent, { type: "peerLeft" }>["reason"];

/**
 * Who is in a voice room and what they hear of each other. It knows no socket: connections are ids, and what they must hear
 * goes to the publisher. Every change of the roster is one event with the next `seq` of this `epoch`.
 */
export class Room {
  readonly #options: RoomOptions;
  readonly #epoch = randomUUID();
  readonly #places = new Map<string, Place>();
  readonly #byConnection = new Map<string, Place>();
  /** Joins under way, by connection: they hold a place for the capacity. */
  readonly #joining = new Map<string, { userId: string; done: Promise<unknown> }>();
  readonly #history: SequencedRoomEvent[] = [];
  readonly #log: Logger;
  #seq = 0;
  #media: Promise<MediaRoom> | undefined;
  #closed = false;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#log = options.log.child({ roomId: options.info.id });
  }

  get id(): string {
    return this.#options.info.id;
  }

  /** Nobody is inside, nor on the way in. */
  get empty(): boolean {
    return this.#places.size === 0 && this.#joining.size === 0;
  }

  get size(): number {
    return this.#places.size;
  }

  has(connectionId: string): boolean {
    return this.#byConnection.has(connectionId);
  }

  /**
   * Takes a place. The connection that is inside already keeps its place and gets fresh media; another connection of
   * the same user takes that user's place over. @throws AppError ROOM_FULL, MEDIA_UNSUPPORTED, MEDIA_UNAVAILABLE
   */
  async join(actor: RoomActor, rtpCapabilities: Opaque | undefined): Promise<CallReply<"room.join">> {
    const { connectionId, userId } = actor;
    for (let earlier = this.#joining.get(connectionId); earlier; earlier = this.#joining.get(connectionId))
      await earlier.done.catch(() => {});
    this.#assertRoomFor(userId);
    const known = this.#byConnection.get(connectionId);
    const id = known?.id ?? randomUUID();
    const entering = this.#prepare(id, connectionId, rtpCapabilities);
    this.#joining.set(connectionId, { userId, done: entering });
    let media: MediaPeer | undefined;
    try {
      media = await entering;
    } catch (error) {
      if (!this.#byConnection.has(connectionId)) await this.#unsubscribe(connectionId);
      throw error;
    } finally {
      this.#joining.delete(connectionId);
    }
    const place = this.#take(id, actor, media);
    const consumers = await this.#consumeAll(place);
    return {
      peerId: place.id,
      roster: this.roster(),
      media: media
        ? {
            send: media.send,
            receive: media.receive,
            consumers,
            iceServers: this.#options.iceServers(userId),
          }
        : null,
    };
  }

  /** @throws AppError PEER_GONE when the place has expired or was never this user's */
  async resume(actor: RoomActor, request: CallRequest<"room.resume">): Promise<CallReply<"room.resume">> {
    const gone = () => this.#closed || this.#places.get(request.peerId)?.userId !== actor.userId;
    if (gone()) throw new AppError("PEER_GONE");
    await this.#options.publisher.subscribe(actor.connectionId, this.id);
    const place = this.#places.get(request.peerId);
    if (!place || gone()) {
      await this.#unsubscribe(actor.connectionId);
      throw new AppError("PEER_GONE");
    }
    clearTimeout(place.grace);
    place.grace = undefined;
    if (place.connectionId !== actor.connectionId) {
      void this.#unsubscribe(place.connectionId);
      this.#byConnection.delete(place.connectionId);
      place.connectionId = actor.connectionId;
      this.#byConnection.set(place.connectionId, place);
    }
    return { sync: this.#since(request.epoch, request.afterSeq), consumers: place.media?.consumers() ?? [] };
  }

  sync(actor: RoomActor, { epoch, afterSeq }: CallRequest<"room.sync">): CallReply<"room.sync"> {
    this.#mine(actor);
    return this.#since(epoch, afterSeq);
  }

  roster(): Roster {
    return {
      room: { ...this.#options.info, peers: this.#places.size },
      epoch: this.#epoch,
      seq: this.#seq,
      peers: [...this.#places.values()].map(describe),
    };
  }

  async leave(actor: RoomActor): Promise<void> {
    const place = this.#mine(actor);
    this.#remove(place, "left");
    await this.#unsubscribe(actor.connectionId);
  }

  async connectTransport(actor: RoomActor, request: CallRequest<"room.connectTransport">): Promise<void> {
    await this.#mediaOf(actor).connect(request.transportId, request.dtlsParameters);
  }

  restartIce(actor: RoomActor, transportId: string): Promise<Opaque> {
    return this.#mediaOf(actor).restartIce(transportId);
  }

  async produce(actor: RoomActor, request: CallRequest<"room.produce">): Promise<string> {
    const place = this.#mine(actor);
    const media = this.#mediaOf(actor);
    const producerId = await media.produce({ ...request, paused: place.muted });
    // Left, or given fresh media, while the worker made it.
    if (this.#places.get(place.id)?.media !== media) throw new AppError("MEDIA_UNAVAILABLE");
    await media.setPaused(place.muted);
    place.publishing = true;
    this.#emit({ type: "peerChanged", peer: describe(place) });
    await Promise.all([...this.#places.values()].map((listener) => this.#offer(place, listener)));
    return producerId;
  }

  async setMuted(actor: RoomActor, muted: boolean): Promise<void> {
    const place = this.#mine(actor);
    if (place.muted === muted) return;
    place.muted = muted;
    this.#emit({ type: "peerChanged", peer: describe(place) });
    await place.media?.setPaused(muted);
  }

  say(actor: RoomActor, text: string): number {
    const place = this.#mine(actor);
    return this.#emit({ type: "said", peerId: place.id, name: place.name, text, atMs: Date.now() });
  }

  /** Copies a connection's microphone out. @throws AppError NOT_IN_ROOM, NO_MICROPHONE_TRACK */
  async tap(connectionId: string, onPacket: OpusPacket, onEnded?: () => void): Promise<() => void> {
    const place = this.#byConnection.get(connectionId);
    if (!place) throw new AppError("NOT_IN_ROOM");
    if (!place.media) throw new AppError("NO_MICROPHONE_TRACK");
    return place.media.tap(onPacket, onEnded);
  }

  /** Keeps the connection's place for the grace time, or with `removed` takes it away at once. */
  disconnected(connectionId: string, removed: boolean): void {
    const place = this.#byConnection.get(connectionId);
    if (!place) return;
    clearTimeout(place.grace);
    if (removed) this.#remove(place, "removed");
    else place.grace = setTimeout(() => this.#remove(place, "lost"), this.#options.graceMs);
  }

  /** Ends the room here, since another node runs it now: those inside are told to join again, there. */
  abandon(): void {
    for (const { connectionId } of this.#places.values())
      this.#publishTo(connectionId, "room.mediaLost", { roomId: this.id });
    this.close();
  }

  /** Ends the room for everybody inside. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const place of this.#places.values()) {
      clearTimeout(place.grace);
      place.media?.close();
    }
    this.#places.clear();
    this.#byConnection.clear();
    this.#media?.then(
      (media) => media.close(),
      () => {},
    );
  }

  #assertRoomFor(userId: string): void {
    const inside = [...this.#places.values()].map((place) => place.userId);
    const joining = [...this.#joining.values()].map((join) => join.userId);
    const others = new Set([...inside, ...joining].filter((id) => id !== userId));
    if (others.size >= this.#options.info.capacity) throw new AppError("ROOM_FULL");
  }

  /** The part of a join that takes time. */
  async #prepare(id: string, connectionId: string, rtpCapabilities: Opaque | undefined) {
    // The subscription comes before the snapshot: an event falls into one of them, never between.
    await this.#options.publisher.subscribe(connectionId, this.id);
    const media = rtpCapabilities ? await this.#addMedia(id, rtpCapabilities) : undefined;
    if (this.#closed || media?.closed) throw new AppError("MEDIA_UNAVAILABLE");
    return media;
  }

  /** The synchronous part of a join: whatever of the same user was inside makes way. */
  #take(id: string, actor: RoomActor, media: MediaPeer | undefined): Place {
    const held = this.#byConnection.get(actor.connectionId);
    if (held) {
      held.media?.close();
      held.media = media;
      clearTimeout(held.grace);
      held.grace = undefined;
      this.#silence(held);
      return held;
    }
    for (const other of [...this.#places.values()].filter((place) => place.userId === actor.userId)) {
      const { connectionId } = other;
      this.#remove(other, "replaced");
      this.#publishTo(connectionId, "room.removed", { roomId: this.id, reason: "replaced" });
      void this.#unsubscribe(connectionId);
    }
    const place: Place = { ...actor, id, muted: false, publishing: false, media, grace: undefined };
    this.#places.set(id, place);
    this.#byConnection.set(place.connectionId, place);
    this.#emit({ type: "peerJoined", peer: describe(place) });
    this.#options.onPeers(this.#places.size);
    return place;
  }

  async #addMedia(peerId: string, rtpCapabilities: Opaque): Promise<MediaPeer> {
    const media = await this.#openMedia();
    return media.addPeer(peerId, rtpCapabilities, {
      consumerClosed: (consumerId) => {
        const place = this.#places.get(peerId);
        if (place) this.#publishTo(place.connectionId, "room.consumerClosed", { roomId: this.id, consumerId });
      },
    });
  }

  /** Opened by the first who needs it, and anew after it was lost. */
  #openMedia(): Promise<MediaRoom> {
    if (this.#media) return this.#media;
    const opening = this.#options.media.openRoom().then((media) => {
      media.onLost(() => this.#lost(opening));
      media.onLevels((levels) =>
        this.#options.publisher.publish({ room: this.id }, "room.levels", { roomId: this.id, ...levels }),
      );
      if (this.#closed) media.close();
      return media;
    });
    this.#media = opening;
    opening.catch(() => {
      if (this.#media === opening) this.#media = undefined;
    });
    return opening;
  }

  /** The worker died: people stay, their media is gone, and they are told to ask for new one. */
  #lost(media: Promise<MediaRoom>): void {
    if (this.#closed || this.#media !== media) return;
    this.#media = undefined;
    this.#log.warn({ peers: this.#places.size }, "the room's media was lost");
    for (const place of this.#places.values()) {
      place.media = undefined;
      this.#silence(place);
    }
    this.#options.publisher.publish({ room: this.id }, "room.mediaLost", { roomId: this.id });
  }

  /** The microphone went with the media it was published on. */
  #silence(place: Place): void {
    if (!place.publishing) return;
    place.publishing = false;
    this.#emit({ type: "peerChanged", peer: describe(place) });
  }

  /** All who speak already, for a newcomer's reply. */
  async #consumeAll(listener: Place): Promise<ConsumerOptions[]> {
    const { media } = listener;
    if (!media) return [];
    const speakers = [...this.#places.values()].flatMap(({ id: peerId, media: other }) =>
      other && other !== media && other.producerId ? { peerId, producerId: other.producerId } : [],
    );
    const consumers = await Promise.all(speakers.map((speaker) => media.consume(speaker)));
    return consumers.filter((consumer) => consumer !== undefined);
  }

  /** A new microphone, for one who is inside. */
  async #offer(speaker: Place, listener: Place): Promise<void> {
    const producerId = speaker.media?.producerId;
    if (speaker === listener || !listener.media || producerId === undefined) return;
    const consumer = await listener.media.consume({ peerId: speaker.id, producerId });
    if (consumer) this.#publishTo(listener.connectionId, "room.consumer", { roomId: this.id, consumer });
  }

  #remove(place: Place, reason: Removal): void {
    if (!this.#places.delete(place.id)) return;
    this.#byConnection.delete(place.connectionId);
    clearTimeout(place.grace);
    place.media?.close();
    this.#emit({ type: "peerLeft", peerId: place.id, reason });
    if (reason === "lost" || reason === "removed") void this.#unsubscribe(place.connectionId);
    this.#options.onPeers(this.#places.size);
  }

  #since(epoch: string, afterSeq: number): CallReply<"room.sync"> {
    const oldest = this.#history[0]?.seq ?? this.#seq + 1;
    if (epoch !== this.#epoch || afterSeq > this.#seq || afterSeq + 1 < oldest)
      return { kind: "snapshot", roster: this.roster() };
    return { kind: "events", events: this.#history.slice(afterSeq + 1 - oldest) };
  }

  #emit(event: RoomEvent): number {
    this.#seq += 1;
    const sequenced: SequencedRoomEvent = { roomId: this.id, epoch: this.#epoch, seq: this.#seq, event };
    this.#history.push(sequenced);
    if (this.#history.length > HISTORY) this.#history.shift();
    this.#options.publisher.publish({ room: this.id }, "room.event", sequenced);
    return this.#seq;
  }

  /** What can't be unsubscribed is told nothing new by this room; a failing hub must not fail the leave. */
  async #unsubscribe(connectionId: string): Promise<void> {
    try {
      await this.#options.publisher.unsubscribe(connectionId, this.id);
    } catch (error) {
      this.#log.warn({ err: error, connectionId }, "a connection could not be unsubscribed");
    }
  }

  #publishTo<P extends "room.consumer" | "room.consumerClosed" | "room.removed" | "room.mediaLost">(
    connection: string,
    name: P,
    payload: PushPayload<P>,
  ): void {
    this.#options.publisher.publish({ connection }, name, payload);
  }

  #mine(actor: RoomActor): Place {
    const place = this.#byConnection.get(actor.connectionId);
    if (!place || place.userId !== actor.userId) throw new AppError("NOT_IN_ROOM");
    return place;
  }

  #mediaOf(actor: RoomActor): MediaPeer {
    const { media } = this.#mine(actor);
    if (media) return media;
    throw this.#media ? new AppError("TRANSPORT_NOT_FOUND") : new AppError("MEDIA_UNAVAILABLE");
  }
}

function describe(place: Place): Roster["peers"][number] {
  return {
    id: place.id,
    userId: place.userId,
    name: place.name,
    muted: place.muted,
    publishing: place.publishing,
  };
}
