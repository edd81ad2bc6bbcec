import type { Logger } from "../lib/logger.ts";
import type { PresenceStore } from "./ports.ts";

export type PresenceOptions = {
  store: PresenceStore;
  log: Logger;
  /** How long a user stays online after the last connection of this node went, so that a reconnect does not flap. */
  graceMs: number;
  /** Tells one connection of this node. */
  tell: (connectionId: string, change: { userId: string; online: boolean }) => void;
};

/** Who of this node's connections belongs to whom, and who of them follows whom. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #connections = new Map<string, Set<string>>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  readonly #watchers = new Map<string, Set<string>>();
  readonly #watched = new Map<string, Set<string>>();
  /** Changes that come in while a watch is being answered, by connection. */
  readonly #fresh = new Map<string, Map<string, boolean>>();
  readonly #stopListening: () => void;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#stopListening = options.store.onChange((userId, online) => this.#changed(userId, online));
  }

  connected(userId: string, connectionId: string): void {
    const known = this.#connections.get(userId);
    if (known) {
      known.add(connectionId);
      return;
    }
    this.#connections.set(userId, new Set([connectionId]));
    const leaving = this.#leaving.get(userId);
    clearTimeout(leaving);
    if (!this.#leaving.delete(userId)) this.#attempt(this.#options.store.enter(userId));
  }

  disconnected(userId: string, connectionId: string): void {
    this.#unwatch(connectionId);
    const known = this.#connections.get(userId);
    if (!known?.delete(connectionId) || known.size > 0) return;
    this.#connections.delete(userId);
    const timer = setTimeout(() => {
      this.#leaving.delete(userId);
      this.#attempt(this.#options.store.leave(userId));
    }, this.#options.graceMs);
    this.#leaving.set(userId, timer);
  }

  /** Replaces whom the connection follows; resolves to those of them who are online now. */
  async watch(connectionId: string, userIds: readonly string[]): Promise<string[]> {
    this.#unwatch(connectionId);
    const followed = new Set(userIds);
    this.#watched.set(connectionId, followed);
    for (const userId of followed) {
      const watchers = this.#watchers.get(userId);
      if (watchers) watchers.add(connectionId);
      else this.#watchers.set(userId, new Set([connectionId]));
    }
    const fresh = new Map<string, boolean>();
    this.#fresh.set(connectionId, fresh);
    try {
      const online = new Set(await this.#options.store.online([...followed]));
      // The reply overtakes the pushes of these changes in a client's eyes, so it must know them.
      for (const [userId, isOnline] of fresh) {
        if (isOnline) online.add(userId);
        else online.delete(userId);
      }
      return [...online];
    } finally {
      if (this.#fresh.get(connectionId) === fresh) this.#fresh.delete(connectionId);
    }
  }

  /** This node's users leave at once. Idempotent. */
  async close(): Promise<void> {
    this.#stopListening();
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    const users = [...this.#connections.keys(), ...this.#leaving.keys()];
    this.#connections.clear();
    this.#leaving.clear();
    await Promise.allSettled(users.map((userId) => this.#options.store.leave(userId)));
  }

  #unwatch(connectionId: string): void {
    for (const userId of this.#watched.get(connectionId) ?? []) {
      const watchers = this.#watchers.get(userId);
      watchers?.delete(connectionId);
      if (watchers?.size === 0) this.#watchers.delete(userId);
    }
    this.#watched.delete(connectionId);
  }

  #changed(userId: string, online: boolean): void {
    for (const connectionId of this.#watchers.get(userId) ?? []) {
      this.#fresh.get(connectionId)?.set(userId, online);
      this.#options.tell(connectionId, { userId, online });
    }
  }

  #attempt(change: Promise<void>): void {
    change.catch((error: unknown) => this.#options.log.warn({ err: error }, "presence could not be stored"));
  }
}
