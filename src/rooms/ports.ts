import type { ConsumerOptions, Room, TransportOptions } from "#protocol";

export type StoredRoom = Omit<Room, "peers"> & { createdBy: string; createdAtMs: number; closedAtMs: number | null };

export interface RoomRepository {
  insert(room: StoredRoom): Promise<void>;
  byId(id: string): Promise<StoredRoom | undefined>;
  /** Rooms that are not closed, the newest first. */
  listOpen(limit: number): Promise<StoredRoom[]>;
  close(id: string, atMs: number): Promise<void>;
}

/** What all nodes know of running rooms. The memory one serves a single process. */
export interface RoomDirectory {
  /** Who runs the room: the node that does, or this one from now on when nobody did. */
  claim(roomId: string): Promise<{ nodeId: string }>;
  /** This node no longer runs the room; its peer count is forgotten. Nothing happens where another node owns it. */
  release(roomId: string): Promise<void>;
  setPeers(roomId: string, peers: number): Promise<void>;
  /** Rooms nobody runs are absent. */
  peerCounts(roomIds: readonly string[]): Promise<Map<string, number>>;
}

/** Opaque WebRTC structures as they came from a client: media checks them. */
export type Opaque = Record<string, unknown>;

/** Media of a node. */
export interface Media {
  /** What a client's device must be loaded with; the same for each room and node of one version. */
  readonly routerRtpCapabilities: Opaque;
  /** @throws AppError MEDIA_UNAVAILABLE when no media worker is up */
  openRoom(): Promise<MediaRoom>;
}

export type MediaLevels = { levels: [peerId: string, dBov: number][]; activeSpeaker: string | null };

/** Media of one room. Once `lost` was called every method throws MEDIA_UNAVAILABLE, and peers are closed. */
export interface MediaRoom {
  /** @throws AppError MEDIA_UNSUPPORTED when the capabilities can't receive Opus; MEDIA_UNAVAILABLE */
  addPeer(peerId: string, rtpCapabilities: Opaque, events: MediaPeerEvents): Promise<MediaPeer>;
  onLevels(listener: (levels: MediaLevels) => void): void;
  /** Called at most once, when the media died under the room. */
  onLost(listener: () => void): void;
  close(): void;
}

export type MediaPeerEvents = { consumerClosed(consumerId: string): void };
export type OpusPacket = (payload: Uint8Array, rtp: { sequenceNumber: number; timestamp: number }) => void;

/** One person's media: a transport each way, at most one microphone, and what is received of others. */
export interface MediaPeer {
  readonly send: TransportOptions;
  readonly receive: TransportOptions;
  readonly closed: boolean;
  /** The published microphone. */
  readonly producerId: string | undefined;
  /** @throws AppError TRANSPORT_NOT_FOUND, MEDIA_UNSUPPORTED */
  connect(transportId: string, dtlsParameters: Opaque): Promise<void>;
  /** @throws AppError TRANSPORT_NOT_FOUND */
  restartIce(transportId: string): Promise<Opaque>;
  /** @throws AppError TRANSPORT_NOT_FOUND, PRODUCE_NOT_ALLOWED (video, a second microphone, the receive transport), MEDIA_UNSUPPORTED */
  produce(request: { transportId: string; kind: string; rtpParameters: Opaque; paused: boolean }): Promise<string>;
  setPaused(paused: boolean): Promise<void>;
  /** Starts receiving another peer's microphone; undefined where that is under way already, or one of the two has just gone. */
  consume(from: { peerId: string; producerId: string }): Promise<ConsumerOptions | undefined>;
  /** Everything received now. */
  consumers(): ConsumerOptions[];
  /**
   * Copies the microphone's Opus packets out; returns how to stop. `onEnded` is called once if the microphone goes before.
   * @throws AppError NO_MICROPHONE_TRACK
   */
  tap(onPacket: OpusPacket, onEnded?: () => void): Promise<() => void>;
  /** Idempotent. */
  close(): void;
}
