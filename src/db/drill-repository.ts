import type { DrillItem } from "#protocol";
import type { DrillRepository } from "../drills/ports.ts";
import type { Db } from "./tables.ts";

const columns = ["id", "language", "text", "level", "focus"] as const;

export class DbDrillRepository implements DrillRepository {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async list(languages: readonly string[]): Promise<DrillItem[]> {
    const drills = this.#db
      .selectFrom("drills")
      .select(columns)
      .where("language", "in", [...languages]);
    return languages.length === 0 ? [] : drills.orderBy("position").orderBy("id").execute();
  }

  async byId(id: string): Promise<DrillItem | undefined> {
    return this.#db.selectFrom("drills").select(columns).where("id", "=", id).executeTakeFirst();
  }

  /** Adds the items that are new and rewrites those that changed, in the given order. Others stay: attempts refer to them. */
  async seed(items: readonly DrillItem[]): Promise<void> {
    await this.#db
      .insertInto("drills")
      .values(items.map((item, position) => ({ ...item, position })))
      .onConflict((conflict) =>
        conflict.column("id").doUpdateSet((eb) => ({
          position: eb.ref("excluded.position"),
          language: eb.ref("excluded.language"),
          text: eb.ref("excluded.text"),
          level: eb.ref("excluded.level"),
          focus: eb.ref("excluded.focus"),
        })),
      )
      .execute();
  }
}
