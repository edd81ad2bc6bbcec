import type { PresenceStore } from "../gateway/ports.ts";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Bus } from "./bus.ts";
import { LEASE_MS, type Membership } from "./membership.ts";
import type { Scripts } from "./scripts.ts";

const BATCH = 500;

/**
 * Presence over all nodes. What this node has is kept here too, and is what counts: after an outage Redis is brought in
 * line with it. A dead node's people go offline when its lease ends.
 */
export class RedisPresence implements PresenceStore {
  readonly #membership: Membership;
  readonly #scripts: Scripts;
  readonly #log: Logger;
  readonly #here = new Set<string>();
  /** Who was told or reported to be online, so that those who left while Redis was away can be told after it. */
  readonly #reported = new Set<string>();
  readonly #listeners = new Set<(userId: string, online: boolean) => void>();
  #recheck: NodeJS.Timeout | undefined;

  constructor(options: { membership: Membership; scripts: Scripts; bus: Bus; log: Logger }) {
    this.#membership = options.membership;
    this.#scripts = options.scripts;
    this.#log = options.log;
    options.bus.on("presence", (userId, online) => this.#tell(userId, online));
    options.membership.on("recovered", () => void this.#resync());
  }

  async enter(userId: string): Promise<void> {
    this.#here.add(userId);
    await this.#attempt("enter", [userId]);
  }

  async leave(userId: string): Promise<void> {
    this.#here.delete(userId);
    await this.#attempt("leave", [userId]);
  }

  /** @throws AppError UNAVAILABLE while Redis is away */
  async online(userIds: readonly string[]): Promise<string[]> {
    const online = await this.#online(userIds).catch(() => {
      throw new AppError("UNAVAILABLE");
    });
    for (const userId of online) this.#reported.add(userId);
    return online;
  }

  onChange(listener: (userId: string, online: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#recheck);
  }

  #tell(userId: string, online: boolean): void {
    if (online) this.#reported.add(userId);
    else this.#reported.delete(userId);
    for (const listener of this.#listeners) listener(userId, online);
  }

  async #online(userIds: readonly string[]): Promise<string[]> {
    if (userIds.length === 0) return [];
    return (await this.#scripts.run("online", ...userIds)) as string[];
  }

  /** What fails here is made good by the resync when Redis is back. */
  async #attempt(change: "enter" | "leave", userIds: string[]): Promise<void> {
    await this.#scripts.run(change, this.#membership.nodeId, ...userIds).catch((error: unknown) => {
      this.#log.debug({ err: error }, "presence will be told when Redis is back");
      this.#membership.doubt();
    });
  }

  async #resync(): Promise<void> {
    try {
      const stored = (await this.#scripts.run("users", this.#membership.nodeId)) as string[];
      const gone = stored.filter((userId) => !this.#here.has(userId));
      await Promise.all([
        ...batches(gone).map((batch) => this.#attempt("leave", batch)),
        ...batches([...this.#here]).map((batch) => this.#attempt("enter", batch)),
      ]);
    } catch (error) {
      this.#log.warn({ err: error }, "presence could not be brought in line");
      this.#membership.doubt();
    }
    // The other nodes need a moment as well.
    clearTimeout(this.#recheck);
    this.#recheck = setTimeout(() => void this.#tellWhoLeft(), LEASE_MS).unref();
  }

  async #tellWhoLeft(): Promise<void> {
    for (const batch of batches([...this.#reported])) {
      const online = new Set(await this.#online(batch).catch(() => batch));
      for (const userId of batch) if (!online.has(userId)) this.#tell(userId, false);
    }
  }
}

function batches(all: string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < all.length; at += BATCH) parts.push(all.slice(at, at + BATCH));
  return parts;
}
