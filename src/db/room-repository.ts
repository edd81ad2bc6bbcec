import type { RoomRepository, StoredRoom } from "../rooms/ports.ts";
import type { Db } from "./tables.ts";

export class DbRoomRepository implements RoomRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async insert(room: StoredRoom): Promise<void> {
    const { id, topic, language, capacity, createdBy, createdAtMs, closedAtMs } = room;
    await this.#db
      .insertInto("rooms")
      .values({ id, topic, language, capacity, createdBy, createdAtMs, closedAtMs })
      .execute();
  }

  async byId(id: string): Promise<StoredRoom | undefined> {
    return this.#db.selectFrom("rooms").selectAll().where("id", "=", id).executeTakeFirst();
  }

  async listOpen(limit: number): Promise<StoredRoom[]> {
    return this.#db
      .selectFrom("rooms")
      .selectAll()
      .where("closedAtMs", "is", null)
      .orderBy("createdAtMs", "desc")
      .orderBy("id")
      .limit(limit)
      .execute();
  }

  async close(id: string, atMs: number): Promise<void> {
    await this.#db
      .updateTable("rooms")
      .set({ closedAtMs: atMs })
      .where("id", "=", id)
      .where("closedAtMs", "is", null)
      .execute();
  }
}
