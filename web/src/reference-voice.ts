import type { Session } from "#client";
import type { EndpointInput } from "#protocol";

/** The server's own voice, which says how it should sound. The snapshot holds the languages it speaks; none until they are known. */
export class ReferenceVoice {
  readonly #session: Session;
  readonly #listeners = new Set<() => void>();
  #languages: readonly string[] = [];

  constructor(session: Session) {
    this.#session = session;
    session.serverInfo().then(
      ({ referenceLanguages }) => {
        this.#languages = referenceLanguages;
        for (const listener of [...this.#listeners]) listener();
      },
      // What offers the voice stays hidden.
      () => undefined,
    );
  }

  readonly snapshot = (): readonly string[] => this.#languages;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** A WAV file. @throws ParlanceError */
  async say(what: EndpointInput<"referenceAudio">): Promise<ArrayBuffer> {
    const { buffer } = await this.#session.referenceAudio(what);
    return buffer as ArrayBuffer;
  }

  /** Idempotent. */
  close(): void {
    this.#listeners.clear();
  }
}
