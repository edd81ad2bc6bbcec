import { randomUUID } from "node:crypto";
import type { Room } from "#protocol";
import type { Logger } from "../lib/logger.ts";
import type { RoomDirectory, RoomRepository, StoredRoom } from "./ports.ts";

export type RoomCatalogOptions = {
  rooms: RoomRepository;
  directory: RoomDirectory;
  /** People in a room at the most. */
  capacity: number;
  /** Whether the topics of `lobby` are always open, so that a newcomer finds somewhere to go. */
  lobby: boolean;
  log: Logger;
  /** How long a room that people made may stay empty, in ms. */
  emptyMs?: number;
};

/** Rooms that a list holds at the most: it fits one message, and nobody reads further. */
const LISTED = 200;
/** Open rooms that are looked at: more than people make before empty ones are closed again. */
const KNOWN = 10_000;
const EMPTY_MS = 5 * 60_000;
const SWEEP_MS = 60_000;

const lobby = [
  ["lobby-coffee", "Coffee break: small talk"],
  ["lobby-travel", "Travel stories"],
  ["lobby-work", "English at work"],
  ["lobby-sounds", "Tricky sounds: practise together"],
] as const;

/** Which rooms there are to enter. */
export class RoomCatalog {
  readonly #options: RoomCatalogOptions;
  readonly #lobby: StoredRoom[];
  /** When a room was first seen empty; it is closed when it still is `emptyMs` later. */
  readonly #emptySince = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: RoomCatalogOptions) {
    this.#options = options;
    this.#lobby = options.lobby
      ? lobby.map(([id, topic]) => ({
          id,
          topic,
          language: "en",
          capacity: options.capacity,
          createdBy: "lobby",
          createdAtMs: 0,
          closedAtMs: null,
        }))
      : [];
    this.#timer = setInterval(() => {
      this.sweep(Date.now()).catch((error: unknown) => options.log.warn({ err: error }, "empty rooms were not closed"));
    }, SWEEP_MS).unref();
  }

  /** Up to 200 open rooms: first the busiest, then the newest, the lobby's last. */
  async list(): Promise<Room[]> {
    const stored = [...(await this.#options.rooms.listOpen(KNOWN)), ...this.#lobby];
    const counts = await this.#options.directory.peerCounts(stored.map((room) => room.id));
    const rooms = stored.map((room) => describe(room, counts.get(room.id) ?? 0));
    return rooms.sort((a, b) => b.peers - a.peers).slice(0, LISTED);
  }

  async create(userId: string, request: { topic: string; language: string }): Promise<Room> {
    const room: StoredRoom = {
      id: randomUUID(),
      ...request,
      capacity: this.#options.capacity,
      createdBy: userId,
      createdAtMs: Date.now(),
      closedAtMs: null,
    };
    await this.#options.rooms.insert(room);
    return describe(room, 0);
  }

  async find(roomId: string): Promise<StoredRoom | undefined> {
    return this.#lobby.find((room) => room.id === roomId) ?? (await this.#options.rooms.byId(roomId));
  }

  /** Closes rooms that have been empty for long. It may run on several nodes at once. */
  async sweep(nowMs: number): Promise<void> {
    const open = await this.#options.rooms.listOpen(KNOWN);
    const counts = await this.#options.directory.peerCounts(open.map((room) => room.id));
    const empty = new Set(open.filter((room) => !counts.get(room.id)).map((room) => room.id));
    for (const id of this.#emptySince.keys()) if (!empty.has(id)) this.#emptySince.delete(id);
    for (const id of empty) {
      const since = this.#emptySince.get(id) ?? nowMs;
      this.#emptySince.set(id, since);
      if (nowMs - since < (this.#options.emptyMs ?? EMPTY_MS)) continue;
      await this.#options.rooms.close(id, nowMs);
      this.#emptySince.delete(id);
    }
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }
}

function describe({ id, topic, language, capacity }: StoredRoom, peers: number): Room {
  return { id, topic, language, capacity, peers };
}
