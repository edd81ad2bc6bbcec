import type { PresenceStore } from "./ports.ts";

/** Presence of a single process. */
export class MemoryPresence implements PresenceStore {
  readonly #online = new Set<string>();
  readonly #listeners = new Set<(userId: string, online: boolean) => void>();

  async enter(userId: string): Promise<void> {
    if (this.#online.has(userId)) return;
    this.#online.add(userId);
    this.#tell(userId, true);
  }

  async leave(userId: string): Promise<void> {
    if (this.#online.delete(userId)) this.#tell(userId, false);
  }

  async online(userIds: readonly string[]): Promise<string[]> {
    return userIds.filter((id) => this.#online.has(id));
  }

  onChange(listener: (userId: string, online: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(userId: string, online: boolean): void {
    for (const listener of this.#listeners) listener(userId, online);
  }
}
