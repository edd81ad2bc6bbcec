import { limits } from "#protocol";

export type TypingOptions = { announce: () => void; changed: () => void };

/** Who is writing in a conversation: the others until they stop or fall silent, and oneself, announced now and then while one types. */
export class Typing {
  readonly #options: TypingOptions;
  readonly #others = new Map<string, ReturnType<typeof setTimeout>>();
  #announcedAtMs = Number.NEGATIVE_INFINITY;
  #userIds: readonly string[] = [];

  constructor(options: TypingOptions) {
    this.#options = options;
  }

  /** Another object on each change. */
  get userIds(): readonly string[] {
    return this.#userIds;
  }

  heard(userId: string): void {
    clearTimeout(this.#others.get(userId));
    this.#others.set(
      userId,
      setTimeout(() => this.stopped(userId), limits.typingMs),
    );
    if (!this.#userIds.includes(userId)) this.#set();
  }

  stopped(userId: string): void {
    clearTimeout(this.#others.get(userId));
    if (this.#others.delete(userId)) this.#set();
  }

  /** One has typed; told to the others often enough that they don't forget it, and no more often. */
  typed(): void {
    const now = performance.now();
    if (now - this.#announcedAtMs < limits.typingMs / 2) return;
    this.#announcedAtMs = now;
    this.#options.announce();
  }

  /** What one typed was sent: the next letter is news again. */
  sent(): void {
    this.#announcedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Idempotent. */
  close(): void {
    for (const timer of this.#others.values()) clearTimeout(timer);
  }

  #set(): void {
    this.#userIds = [...this.#others.keys()];
    this.#options.changed();
  }
}
