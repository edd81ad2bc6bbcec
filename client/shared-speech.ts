import type { PushPayload } from "#protocol";
import type { Connection } from "./connection.ts";
import { type SpokenGroups, SpokenLog } from "./spoken-groups.ts";

export type SharedSpeaker = { readonly speechId: string; readonly userId: string; readonly groups: SpokenGroups };

/** What people in a room say, as far as they share it: everybody who shares now, in the order in which they began. */
export class SharedSpeech {
  readonly #roomId: string;
  readonly #listeners = new Set<() => void>();
  readonly #stops: (() => void)[];
  readonly #logs = new Map<string, { userId: string; log: SpokenLog }>();
  #snapshot: readonly SharedSpeaker[] = [];

  constructor(link: Pick<Connection, "on" | "onState">, roomId: string) {
    this.#roomId = roomId;
    this.#stops = [
      link.on("speech.phoneme", (push) => this.#take(push, (log) => log.add(push))),
      link.on("speech.pause", (push) => this.#take(push, (log) => log.pause())),
      link.on("speech.ended", ({ speechId }) => this.#forget(speechId)),
      // What ends meanwhile is not told.
      link.onState(({ kind }) => kind !== "connected" && this.#forget(...this.#logs.keys())),
    ];
  }

  /** Bound, so that it can be handed on as it is. */
  readonly snapshot = (): readonly SharedSpeaker[] => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Listens no more. Idempotent. */
  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#listeners.clear();
  }

  #take({ speechId, userId, roomId }: PushPayload<"speech.pause">, change: (log: SpokenLog) => void): void {
    if (roomId !== this.#roomId) return;
    let own = this.#logs.get(speechId);
    if (!own) {
      own = { userId, log: new SpokenLog() };
      this.#logs.set(speechId, own);
    }
    change(own.log);
    this.#changed();
  }

  #forget(...speechIds: string[]): void {
    for (const speechId of speechIds) this.#logs.delete(speechId);
    this.#changed();
  }

  #changed(): void {
    this.#snapshot = [...this.#logs].map(([speechId, { userId, log }]) => ({ speechId, userId, groups: log.groups }));
    for (const listener of [...this.#listeners]) listener();
  }
}
