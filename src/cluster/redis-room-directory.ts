import { AppError } from "../lib/app-error.ts";
import { Emitter } from "../lib/emitter.ts";
import type { Logger } from "../lib/logger.ts";
import type { RoomDirectory } from "../rooms/ports.ts";
import type { Membership } from "./membership.ts";
import type { Scripts } from "./scripts.ts";

/** `lost`: another node runs this room now; ours must go. Happens when this node was taken for dead and was not. */
type DirectoryEvents = { lost: [roomId: string] };

/** Which node runs which room, for all nodes: an owner has a room until it releases it or its lease ends. */
export class RedisRoomDirectory extends Emitter<DirectoryEvents> implements RoomDirectory {
  readonly #membership: Membership;
  readonly #scripts: Scripts;
  readonly #log: Logger;
  /** The rooms this node runs, with their peer counts. */
  readonly #mine = new Map<string, number>();
  #releases = 0;

  constructor(options: { membership: Membership; scripts: Scripts; log: Logger }) {
    super();
    this.#membership = options.membership;
    this.#scripts = options.scripts;
    this.#log = options.log;
    this.#membership.on("recovered", () => void this.#resync());
  }

  /** Whether this node runs the room, as far as it knows; needs no Redis. */
  isMine(roomId: string): boolean {
    return this.#mine.has(roomId);
  }

  /** @throws AppError UNAVAILABLE while Redis is away; a room that is this node's already it keeps */
  async claim(roomId: string): Promise<{ nodeId: string }> {
    const { nodeId } = this.#membership;
    for (;;) {
      const releases = this.#releases;
      const owner = await this.#run("claim", nodeId, roomId, this.#mine.get(roomId) ?? 0).catch((error: unknown) => {
        if (this.#mine.has(roomId)) return nodeId;
        throw error;
      });
      if (typeof owner !== "string") throw new AppError("UNAVAILABLE");
      if (owner !== nodeId) {
        this.#lose(roomId);
        return { nodeId: owner };
      }
      // A release that overtook the answer may have been of this very room.
      if (releases !== this.#releases) continue;
      this.#mine.set(roomId, this.#mine.get(roomId) ?? 0);
      return { nodeId };
    }
  }

  /** The living node that runs the room. @throws AppError UNAVAILABLE while Redis is away and the room is not this node's */
  async ownerOf(roomId: string): Promise<string | undefined> {
    if (this.#mine.has(roomId)) return this.#membership.nodeId;
    return ((await this.#run("owner", roomId)) as string | null) ?? undefined;
  }

  async release(roomId: string): Promise<void> {
    if (!this.#mine.delete(roomId)) return;
    this.#releases += 1;
    await this.#write("release", roomId);
  }

  /** Releases the room where nobody is inside. */
  async releaseEmpty(roomId: string): Promise<void> {
    if (this.#mine.get(roomId) === 0) await this.release(roomId);
  }

  async setPeers(roomId: string, peers: number): Promise<void> {
    if (!this.#mine.has(roomId) && (peers === 0 || (await this.claim(roomId)).nodeId !== this.#membership.nodeId))
      return;
    this.#mine.set(roomId, peers);
    await this.#write("peers", roomId, peers);
  }

  /** @throws AppError UNAVAILABLE while Redis is away */
  async peerCounts(roomIds: readonly string[]): Promise<Map<string, number>> {
    if (roomIds.length === 0) return new Map();
    const counts = (await this.#run("counts", ...roomIds)) as number[];
    return new Map(roomIds.flatMap((roomId, i) => ((counts[i] ?? -1) < 0 ? [] : [[roomId, counts[i] ?? 0] as const])));
  }

  async #run(name: "claim" | "owner" | "counts", ...args: (string | number)[]): Promise<unknown> {
    try {
      return await this.#scripts.run(name, ...args);
    } catch (error) {
      this.#log.debug({ err: error }, "the room directory is out of reach");
      // A claim whose answer was lost may have been granted.
      this.#membership.doubt();
      throw new AppError("UNAVAILABLE");
    }
  }

  /** What fails here is made good by the resync when Redis is back. */
  async #write(name: "release" | "peers", ...args: (string | number)[]): Promise<void> {
    await this.#scripts.run(name, this.#membership.nodeId, ...args).catch((error: unknown) => {
      this.#log.debug({ err: error }, "the room directory will be told when Redis is back");
      this.#membership.doubt();
    });
  }

  #lose(roomId: string): void {
    if (!this.#mine.delete(roomId)) return;
    this.#log.warn({ roomId }, "another node has taken this room over");
    this.emit("lost", roomId);
  }

  async #resync(): Promise<void> {
    const { nodeId } = this.#membership;
    try {
      for (const roomId of (await this.#scripts.run("rooms", nodeId)) as string[])
        if (!this.#mine.has(roomId)) await this.#write("release", roomId);
      for (const roomId of [...this.#mine.keys()]) {
        const owner = await this.#scripts.run("claim", nodeId, roomId, this.#mine.get(roomId) ?? 0);
        if (owner === nodeId) await this.#write("peers", roomId, this.#mine.get(roomId) ?? 0);
        else if (typeof owner === "string") this.#lose(roomId);
      }
    } catch (error) {
      this.#log.warn({ err: error }, "the room directory could not be brought in line");
      this.#membership.doubt();
    }
  }
}
