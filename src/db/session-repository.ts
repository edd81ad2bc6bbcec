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
    return this.#db
      .selectFrom("sessions")
      .select(["id", "userId", "refreshHash", "createdAtMs", "expiresAtMs", "revokedAtMs"])
      .where("id", "=", id)
      .executeTakeFirst();
  }

  async rotate(id: string, presentedHash: string, newHash: string, expiresAtMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable("sessions")
      .set({ refreshHash: newHash, previousHash: presentedHash, expiresAtMs })
      .where("id", "=", id)
      .where((where) => where.or([where("refreshHash", "=", presentedHash), where("previousHash", "=", presentedHash)]))
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

  async purge(endedBeforeMs: number, limit: number): Promise<number> {
    const ended = this.#db
      .selectFrom("sessions")
      .select("id")
      .where((where) => where.or([where("expiresAtMs", "<", endedBeforeMs), where("revokedAtMs", "<", endedBeforeMs)]))
      .limit(limit);
    const { numDeletedRows } = await this.#db.deleteFrom("sessions").where("id", "in", ended).executeTakeFirst();
    return Number(numDeletedRows);
  }
}
