import type { Session, SessionRepository } from "../accounts/ports.ts";
import type { Db } from "./tables.ts";

export class DbSessionRepository implements SessionRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async insert(session: Session): Promise<void> {
    const { id, userId, refreshHash, createdAtMs, expiresAtMs, revokedAtMs } = session;
    await this.#db
      .insertInto("sessions")
      .values({ id, userId, refreshHash, createdAtMs, expiresAtMs, revokedAtMs })
      .execute();
  }

  async byId(id: string): Promise<Session | undefined> {
    return this.#db.selectFrom("sessions").selectAll().where("id", "=", id).executeTakeFirst();
  }

  async rotate(id: string, oldHash: string, newHash: string, expiresAtMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable("sessions")
      .set({ refreshHash: newHash, expiresAtMs })
      .where("id", "=", id)
      .where("refreshHash", "=", oldHash)
      .where("revokedAtMs", "is", null)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  async revoke(id: string, atMs: number): Promise<void> {
    await this.#db
      .updateTable("sessions")
      .set({ revokedAtMs: atMs })
      .where("id", "=", id)
      .where("revokedAtMs", "is", null)
      .execute();
  }
}
