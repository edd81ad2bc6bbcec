import type { RoomDirectory } from "./ports.ts";

/** The directory of a server that is alone: it owns every room. */
export class MemoryRoomDirectory implements RoomDirectory {
  readonly #nodeId: string;
  readonly #peers = new Map<string, number>();

  constructor(nodeId: string) {
    this.#nodeId = nodeId;
  }

  async claim(roomId: string): Promise<{ nodeId: string }> {
    if (!this.#peers.has(roomId)) this.#peers.set(roomId, 0);
    return { nodeId: this.#nodeId };
  }

  async release(roomId: string): Promise<void> {
    this.#peers.delete(roomId);
  }

  async setPeers(roomId: string, peers: number): Promise<void> {
    this.#peers.set(roomId, peers);
  }

  async peerCounts(roomIds: readonly string[]): Promise<Map<string, number>> {
    return new Map(
      roomIds.flatMap((id) => {
        const peers = this.#peers.get(id);
        return peers === undefined ? [] : [[id, peers] as const];
      }),
    );
  }
}
