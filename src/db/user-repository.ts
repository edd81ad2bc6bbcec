import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { PublicUser, User } from "#protocol";
import type { Account, UserRepository } from "../accounts/ports.ts";
import { AppError } from "../lib/app-error.ts";
import { nameKey } from "../lib/name-key.ts";
import type { Db } from "./tables.ts";
import { isUniqueViolation } from "./unique-violation.ts";

const columns = ["id", "name", "kind", "role", "passwordHash", "bannedAtMs"] as const;

/** Users of all three kinds. Banned people are known by id, but not found by name prefix. */
export class DbUserRepository implements UserRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async insert(user: Account): Promise<void> {
    const { id, name, kind, role, passwordHash, bannedAtMs } = user;
    try {
      await this.#db
        .insertInto("users")
        .values({ id, name, nameKey: nameKey(name), kind, role, passwordHash, bannedAtMs })
        .execute();
    } catch (error) {
      if (isUniqueViolation(error, "users_account_name_once")) throw new AppError("NAME_TAKEN");
      throw error;
    }
  }

  async upsertExternal(user: { issuer: string; subject: string; name: string; role: User["role"] }): Promise<Account> {
    const { name, role } = user;
    return this.#db
      .insertInto("users")
      .values({ ...user, id: randomUUID(), nameKey: nameKey(name), kind: "external" })
      .onConflict((conflict) =>
        conflict.constraint("users_external_once").doUpdateSet({ name, nameKey: nameKey(name), role }),
      )
      .returning(columns)
      .executeTakeFirstOrThrow();
  }

  async byId(id: string): Promise<Account | undefined> {
    return this.#db.selectFrom("users").select(columns).where("id", "=", id).executeTakeFirst();
  }

  async byAccountName(name: string): Promise<Account | undefined> {
    return this.#db
      .selectFrom("users")
      .select(columns)
      .where("kind", "=", "account")
      .where("nameKey", "=", nameKey(name))
      .executeTakeFirst();
  }

  async findByPrefix(prefix: string, limit: number): Promise<PublicUser[]> {
    return this.#db
      .selectFrom("users")
      .select(["id", "name"])
      .where(sql<boolean>`starts_with(${sql.ref("nameKey")}, ${nameKey(prefix)})`)
      .where("bannedAtMs", "is", null)
      .orderBy("nameKey")
      .orderBy("id")
      .limit(limit)
      .execute();
  }

  async publicByIds(ids: string[]): Promise<PublicUser[]> {
    if (ids.length === 0) return [];
    return this.#db.selectFrom("users").select(["id", "name"]).where("id", "in", ids).execute();
  }

  async setPassword(id: string, passwordHash: string): Promise<void> {
    await this.#db.updateTable("users").set({ passwordHash }).where("id", "=", id).execute();
  }

  async setBan(id: string, ban: { byUserId: string; reason: string; atMs: number } | null): Promise<boolean> {
    return this.#db.transaction().execute(async (trx) => {
      const known = await trx
        .updateTable("users")
        .set({ bannedAtMs: ban?.atMs ?? null })
        .where("id", "=", id)
        .returning("id")
        .executeTakeFirst();
      if (!known) return false;
      await trx
        .insertInto("audit")
        .values(
          ban
            ? { ...ban, action: "ban", userId: id }
            : { atMs: Date.now(), action: "unban", userId: id, byUserId: null, reason: null },
        )
        .execute();
      return true;
    });
  }

  async purgeGuests(madeBeforeMs: number, limit: number): Promise<number> {
    const gone = this.#db
      .selectFrom("users")
      .select("users.id")
      .where("kind", "=", "guest")
      .where("bannedAtMs", "is", null)
      .where("createdAt", "<", new Date(madeBeforeMs))
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom("sessions").select("sessions.id").whereRef("sessions.userId", "=", "users.id"))),
      )
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom("conversationMembers")
              .select("conversationMembers.userId")
              .whereRef("conversationMembers.userId", "=", "users.id"),
          ),
        ),
      )
      .limit(limit);
    const { numDeletedRows } = await this.#db.deleteFrom("users").where("id", "in", gone).executeTakeFirst();
    return Number(numDeletedRows);
  }
}
