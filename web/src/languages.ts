import type { Connection } from "#client";
import type { Language } from "#protocol";

/** The languages that can be practised here, asked once on each connection; the snapshot is empty before that is known. */
export class Languages {
  readonly #listeners = new Set<() => void>();
  readonly #stop: () => void;
  #offered: readonly Language[] = [];

  constructor(link: Pick<Connection, "call" | "onState">) {
    this.#stop = link.onState(({ kind }) => {
      if (kind !== "connected") return;
      link.call("drill.languages", {}).then(
        ({ languages }) => {
          this.#offered = languages;
          for (const listener of [...this.#listeners]) listener();
        },
        // The next connection asks again; until then English is practised.
        () => undefined,
      );
    });
  }

  readonly snapshot = (): readonly Language[] => this.#offered;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Idempotent. */
  close(): void {
    this.#stop();
    this.#listeners.clear();
  }
}
