import type { Room } from "#protocol";

export type StoredRoom = Omit<Room, "peers"> & { createdBy: string; createdAtMs: number; closedAtMs: number | null };

export interface RoomRepository {
  insert(room: StoredRoom): Promise<void>;
  byId(id: string): Promise<StoredRoom | undefined>;
  /** Rooms that are not closed, the newest first. */
  listOpen(limit: number): Promise<StoredRoom[]>;
  close(id: string, atMs: number): Promise<void>;
}
