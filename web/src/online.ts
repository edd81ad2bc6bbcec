import type { Connection } from "#client";
import { limits } from "#protocol";

type Link = Pick<Connection, "call" | "on" | "onState">;

/** Who of the people one follows is online. An immutable set of user ids, another one on each change. */
export class Online {
  readonly #link: Link;
  readonly #listeners = new Set<() => void>();
  readonly #stops: (() => void)[];
  readonly #groups = new Map<string, readonly string[]>();
  #watched: readonly string[] = [];
  #online: ReadonlySet<string> = new Set();

  constructor(link: Link) {
    this.#link = link;
    this.#stops = [
      link.on("presence.changed", ({ userId, online }) => {
        const next = new Set(this.#online);
        if (online) next.add(userId);
        else next.delete(userId);
        this.#set(next);
      }),
      // Nobody is known to be online while one is not oneself.
      link.onState(({ kind }) => (kind === "connected" ? this.#ask() : this.#set(new Set()))),
    ];
  }

  readonly snapshot = (): ReadonlySet<string> => this.#online;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Follows these people for one part of the page, instead of those before; the server's limit cuts the list. */
  watch(part: string, userIds: readonly string[]): void {
    this.#groups.set(part, userIds);
    const wanted = [...new Set([...this.#groups.values()].flat())].slice(0, limits.presenceWatch);
    if (wanted.length === this.#watched.length && wanted.every((id) => this.#watched.includes(id))) return;
    this.#watched = wanted;
    this.#ask();
  }

  /** Idempotent. */
  close(): void {
    for (const stop of this.#stops) stop();
    this.#listeners.clear();
  }

  #ask(): void {
    const asked = this.#watched;
    if (asked.length === 0) return;
    this.#link.call("presence.watch", { userIds: [...asked] }).then(
      ({ online }) => asked === this.#watched && this.#set(new Set(online)),
      // Decoration: the next connection asks again.
      () => undefined,
    );
  }

  #set(online: ReadonlySet<string>): void {
    if (online.size === 0 && this.#online.size === 0) return;
    this.#online = online;
    for (const listener of [...this.#listeners]) listener();
  }
}
