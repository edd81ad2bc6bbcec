import { randomUUID } from "node:crypto";
import { AppError } from "../lib/app-error.ts";
import type { OpusPacket } from "../rooms/ports.ts";
import type { Bus } from "./bus.ts";
import type { Membership } from "./membership.ts";
import type { RedisRoomDirectory } from "./redis-room-directory.ts";
import type { Rpc } from "./rpc.ts";

/** Copies microphones out of rooms that this node runs. */
export interface OwnTaps {
  tap(roomId: string, connectionId: string, onPacket: OpusPacket, onEnded?: () => void): Promise<() => void>;
}

/**
 * Microphones of the whole cluster, for drills and free speech: one in a room that another node runs is copied there and comes here packet
 * by packet (some 50 a second, 100 bytes each). While Redis is away packets are dropped, as on any bad line.
 */
export class ClusterTaps implements OwnTaps {
  readonly #local: OwnTaps;
  readonly #directory: RedisRoomDirectory;
  readonly #membership: Membership;
  readonly #rpc: Rpc;
  /** Taps on other nodes, by id. */
  readonly #listening = new Map<string, { owner: string; onPacket: OpusPacket; onEnded: () => void }>();
  /** Taps here for other nodes, by id. */
  readonly #serving = new Map<string, { from: string; stop: () => void }>();

  constructor(options: {
    local: OwnTaps;
    directory: RedisRoomDirectory;
    membership: Membership;
    bus: Bus;
    rpc: Rpc;
  }) {
    this.#local = options.local;
    this.#directory = options.directory;
    this.#membership = options.membership;
    this.#rpc = options.rpc;
    this.#rpc.answer("tap.open", async ({ tapId, roomId, connectionId }, from) => {
      if (!this.#directory.isMine(roomId)) return { moved: true };
      await this.#serve(tapId, from, roomId, connectionId);
      return { moved: false };
    });
    this.#rpc.onNote("tap.packet", ({ tapId, payload, sequenceNumber, timestamp }) =>
      this.#listening.get(tapId)?.onPacket(Buffer.from(payload, "base64"), { sequenceNumber, timestamp }),
    );
    this.#rpc.onNote("tap.ended", ({ tapId }) => this.#ended(tapId));
    this.#rpc.onNote("tap.close", ({ tapId }) => this.#stop(tapId));
    options.bus.on("nodeDead", (nodeId) => {
      for (const [tapId, { from }] of this.#serving) if (from === nodeId) this.#stop(tapId);
      for (const [tapId, { owner }] of this.#listening) if (owner === nodeId) this.#ended(tapId);
    });
  }

  /** @throws AppError NOT_IN_ROOM, NO_MICROPHONE_TRACK, MEDIA_UNAVAILABLE, UNAVAILABLE, TIMEOUT */
  async tap(
    roomId: string,
    connectionId: string,
    onPacket: OpusPacket,
    onEnded: () => void = () => {},
  ): Promise<() => void> {
    const owner = await this.#directory.ownerOf(roomId);
    if (owner === undefined || owner === this.#membership.nodeId)
      return this.#local.tap(roomId, connectionId, onPacket, onEnded);
    const tapId = randomUUID();
    const stop = () => {
      if (this.#listening.delete(tapId)) this.#rpc.note(owner, "tap.close", { tapId });
    };
    this.#listening.set(tapId, { owner, onPacket, onEnded });
    try {
      const { moved } = await this.#rpc.call(owner, "tap.open", { tapId, roomId, connectionId });
      if (moved) throw new AppError("NOT_IN_ROOM");
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  }

  async #serve(tapId: string, from: string, roomId: string, connectionId: string): Promise<void> {
    const serving = { from, stop: () => {} };
    this.#serving.set(tapId, serving);
    try {
      const onPacket: OpusPacket = (payload, { sequenceNumber, timestamp }) => {
        if (!this.#membership.connected) return;
        const text = Buffer.from(payload).toString("base64");
        this.#rpc.note(from, "tap.packet", { tapId, payload: text, sequenceNumber, timestamp });
      };
      serving.stop = await this.#local.tap(roomId, connectionId, onPacket, () => {
        if (this.#serving.delete(tapId)) this.#rpc.note(from, "tap.ended", { tapId });
      });
    } catch (error) {
      this.#serving.delete(tapId);
      throw error;
    }
    // Closed again while it was being opened.
    if (this.#serving.get(tapId) !== serving) serving.stop();
  }

  #ended(tapId: string): void {
    const tap = this.#listening.get(tapId);
    if (this.#listening.delete(tapId)) tap?.onEnded();
  }

  #stop(tapId: string): void {
    this.#serving.get(tapId)?.stop();
    this.#serving.delete(tapId);
  }
}
