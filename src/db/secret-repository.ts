import type { SecretRepository } from "../accounts/ports.ts";
import type { Db } from "./tables.ts";

export class DbSecretRepository implements SecretRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async keep(name: string, fresh: string): Promise<string> {
    await this.#db
      .insertInto("secrets")
      .values({ name, value: fresh })
      .onConflict((conflict) => conflict.column("name").doNothing())
      .execute();
    const kept = await this.#db
      .selectFrom("secrets")
      .select("value")
      .where("name", "=", name)
      .executeTakeFirstOrThrow();
    return kept.value;
  }
}
