import type { CallReply, ErrorCode, Message } from "#protocol";
import { ParlanceError } from "./errors.ts";

/** seq of the message that one answers, or that one says as it should be. */
export type About = { readonly replyTo?: number; readonly corrects?: number };

/** A message of one's own that is not in the thread yet. */
export type OutgoingMessage = {
  readonly clientId: string;
  readonly text: string;
  readonly about: About;
  readonly writtenAtMs: number;
  readonly status: "sending" | "failed";
  /** Why the server would not take it. */
  readonly error: ErrorCode | null;
};

/** Messages that wait in one conversation; a further one is refused. */
const LIMIT = 100;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];

export type OutgoingOptions = {
  send: (draft: { clientId: string; text: string } & About) => Promise<CallReply<"chat.send">>;
  connected: () => boolean;
  stored: (message: Message, version: number) => void;
  changed: () => void;
};

/**
 * The messages one has written in a conversation, sent one after the other in the order of writing. Each keeps its client id
 * until the server has stored it, so that however often it is sent it arrives once. What the server refuses waits as
 * failed, and holds up nothing.
 */
export class Outgoing {
  readonly #options: OutgoingOptions;
  #items: readonly OutgoingMessage[] = [];
  /** Stored, but not yet in the thread: still shown, not sent again. */
  readonly #storedSeq = new Map<string, number>();
  #sending = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  get items(): readonly OutgoingMessage[] {
    return this.#items;
  }

  /** @throws ParlanceError RATE_LIMITED when too many wait already */
  add(text: string, about: About = {}): string {
    if (this.#items.length >= LIMIT)
      throw new ParlanceError({ code: "RATE_LIMITED", message: "Too many messages are waiting.", retryable: true });
    const clientId = randomId();
    this.#set([...this.#items, { clientId, text, about, writtenAtMs: Date.now(), status: "sending", error: null }]);
    this.wake();
    return clientId;
  }

  /** Tries a failed one again. */
  retry(clientId: string): void {
    this.#replace(clientId, { status: "sending", error: null });
    this.wake();
  }

  /** Gives a failed one up. */
  discard(clientId: string): void {
    this.#set(this.#items.filter((item) => item.clientId !== clientId || item.status === "sending"));
  }

  /** The thread holds messages up to `lastSeq`, of which `clientIds` are one's own. */
  settle(clientIds: ReadonlySet<string>, lastSeq: number): void {
    const arrived = (id: string) =>
      clientIds.has(id) || (this.#storedSeq.get(id) ?? Number.POSITIVE_INFINITY) <= lastSeq;
    const gone = this.#items.filter((item) => arrived(item.clientId));
    if (gone.length === 0) return;
    for (const { clientId } of gone) this.#storedSeq.delete(clientId);
    this.#items = this.#items.filter((item) => !gone.includes(item));
  }

  /** Sends what waits; call it when the connection is back. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#attempt = 0;
    void this.#run();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) await this.#sendOne(next);
    } finally {
      this.#sending = false;
    }
  }

  #next(): OutgoingMessage | undefined {
    if (this.#closed || this.#timer !== undefined || !this.#options.connected()) return undefined;
    return this.#items.find((item) => item.status === "sending" && !this.#storedSeq.has(item.clientId));
  }

  async #sendOne({ clientId, text, about }: OutgoingMessage): Promise<void> {
    try {
      const { message, version } = await this.#options.send({ clientId, text, ...about });
      this.#attempt = 0;
      if (this.#items.some((item) => item.clientId === clientId)) this.#storedSeq.set(clientId, message.seq);
      if (!this.#closed) this.#options.stored(message, version);
    } catch (error) {
      const code = error instanceof ParlanceError ? error.code : "INTERNAL";
      if (error instanceof ParlanceError && error.retryable) this.#later(error);
      else this.#replace(clientId, { status: "failed", error: code });
    }
  }

  #later(error: ParlanceError): void {
    if (this.#closed) return;
    const asked = Number(error.details?.retryAfterMs) || 0;
    const delay = Math.max(asked, RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)] ?? 0);
    this.#attempt += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, delay);
  }

  #replace(clientId: string, change: Partial<OutgoingMessage>): void {
    this.#set(this.#items.map((item) => (item.clientId === clientId ? { ...item, ...change } : item)));
  }

  #set(items: readonly OutgoingMessage[]): void {
    this.#items = items;
    if (!this.#closed) this.#options.changed();
  }
}

/** 128 random bits. Not `randomUUID()`, which a page without HTTPS does not have. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
