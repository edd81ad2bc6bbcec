import { randomUUID } from "node:crypto";
import { AppError } from "../lib/app-error.ts";
import type { OpusPacket } from "../rooms/ports.ts";
import type { Bus } from "./bus.ts";
import type { Membership } from "./membership.ts";
import type { RedisRoomDirectory } from "./redis-room-directory.ts";
import type { Rpc } from "./rpc.ts";

/** Copies microphones out of rooms that this node runs. */
export interface OwnTaps {
  tap(roomId: string, connectionId: string, onPacket: OpusPacket): Promise<() => void>;
}

/**
 * Microphones of the whole cluster, for drills: one in a room that another node runs is copied there and comes here packet
 * by packet (some 50 a second, 100 bytes each). While Redis is away packets are dropped, as on any bad line.
 */
export class ClusterTaps implements OwnTaps {
  readonly #local: OwnTaps;
  readonly #directory: RedisRoomDirectory;
  readonly #membership: Membership;
  readonly #rpc: Rpc;
  /** Taps on other nodes, by id. */
  readonly #listening = new Map<string, OpusPacket>();
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
      this.#listening.get(tapId)?.(Buffer.from(payload, "base64"), { sequenceNumber, timestamp }),
    );
    this.#rpc.onNote("tap.close", ({ tapId }) => this.#stop(tapId));
    options.bus.on("nodeDead", (nodeId) => {
      for (const [tapId, { from }] of this.#serving) if (from === nodeId) this.#stop(tapId);
    });
  }

  /** @throws AppError NOT_IN_ROOM, NO_MICROPHONE_TRACK, MEDIA_UNAVAILABLE, UNAVAILABLE, TIMEOUT */
  async tap(roomId: string, connectionId: string, onPacket: OpusPacket): Promise<() => void> {
    const owner = await this.#directory.ownerOf(roomId);
    if (owner === undefined || owner === this.#membership.nodeId)
      return this.#local.tap(roomId, connectionId, onPacket);
    const tapId = randomUUID();
    const stop = () => {
      if (this.#listening.delete(tapId)) this.#rpc.note(owner, "tap.close", { tapId });
    };
    this.#listening.set(tapId, onPacket);
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
      serving.stop = await this.#local.tap(roomId, connectionId, (payload, { sequenceNumber, timestamp }) => {
        if (!this.#membership.connected) return;
        const text = Buffer.from(payload).toString("base64");
        this.#rpc.note(from, "tap.packet", { tapId, payload: text, sequenceNumber, timestamp });
      });
    } catch (error) {
      this.#serving.delete(tapId);
      throw error;
    }
    // Closed again while it was being opened.
    if (this.#serving.get(tapId) !== serving) serving.stop();
  }

  #stop(tapId: string): void {
    this.#serving.get(tapId)?.stop();
    this.#serving.delete(tapId);
  }
}
