import type { Redis } from "ioredis";
import { Emitter } from "../lib/emitter.ts";
import type { Logger } from "../lib/logger.ts";
import { blockingRead, READ_BLOCK_MS } from "./redis.ts";

/** Entries kept for a node that lost Redis for a moment. */
const STREAM_LENGTH = 10_000;
/** An inbox nobody reads or writes goes after this time; a dead node's leaves nothing behind. */
const INBOX_MS = 60_000;
/** Letters that wait while Redis is away. */
const POSTING_LIMIT = 10_000;
const READ_COUNT = 200;
const RETRY_MS = 250;

type BusEvents = {
  /** A user came online or went offline in the cluster. */
  presence: [userId: string, online: boolean];
  /** A node left or was declared dead; it may be this one. */
  nodeDead: [nodeId: string];
  /** Something sent to this node; `sentAtMs` on Redis's clock. */
  letter: [letter: unknown, sentAtMs: number];
};

/**
 * What nodes tell each other beside broadcasts to clients: events for all and letters to one node, both as Redis streams, read
 * by position, so that a broken connection loses nothing (docs/adr/0002-streams-adapter.md).
 */
export class Bus extends Emitter<BusEvents> {
  readonly #commands: Redis;
  readonly #publisher: Redis;
  readonly #reader: Redis;
  readonly #prefix: string;
  readonly #nodeId: string;
  readonly #log: Logger;
  #posting = 0;
  #closed = false;

  /**
   * @param options.commands fails at once while Redis is away
   * @param options.publisher keeps commands until Redis is back
   * @param options.reader for blocking reads; the bus disconnects it
   */
  constructor(options: {
    commands: Redis;
    publisher: Redis;
    reader: Redis;
    prefix: string;
    nodeId: string;
    log: Logger;
  }) {
    super();
    this.#commands = options.commands;
    this.#publisher = options.publisher;
    this.#reader = options.reader;
    this.#prefix = options.prefix;
    this.#nodeId = options.nodeId;
    this.#log = options.log;
  }

  /** Resolves once everything that is sent from now on will arrive. */
  async start(): Promise<void> {
    const streams = [`${this.#prefix}events`, this.#inbox(this.#nodeId)];
    const positions = await Promise.all(
      streams.map(async (stream) => `${await this.#commands.xadd(stream, "*", "t", "boot")}`),
    );
    void this.#read(streams, positions);
  }

  /** Sends a letter to one node. Resolves when Redis has it. @throws what Redis throws, at once while it is away */
  send(nodeId: string, letter: unknown): Promise<void> {
    return this.#store(this.#commands, nodeId, letter);
  }

  /** Sends a letter that waits while Redis is away. @throws Error when too many wait already */
  async post(nodeId: string, letter: unknown): Promise<void> {
    if (this.#posting >= POSTING_LIMIT) throw new Error("too many letters wait for Redis");
    this.#posting += 1;
    try {
      await this.#store(this.#publisher, nodeId, letter);
    } finally {
      this.#posting -= 1;
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#reader.disconnect();
  }

  async #store(redis: Redis, nodeId: string, letter: unknown): Promise<void> {
    const inbox = this.#inbox(nodeId);
    const stored = redis.xadd(inbox, "MAXLEN", "~", STREAM_LENGTH, "*", "letter", JSON.stringify(letter));
    redis.pexpire(inbox, INBOX_MS).catch(() => {});
    await stored;
  }

  #inbox(nodeId: string): string {
    return `${this.#prefix}inbox:${nodeId}`;
  }

  async #read(streams: string[], positions: string[]): Promise<void> {
    while (!this.#closed) {
      try {
        const batches = await blockingRead(this.#reader, () =>
          this.#reader.xread("COUNT", READ_COUNT, "BLOCK", READ_BLOCK_MS, "STREAMS", ...streams, ...positions),
        );
        for (const [stream, entries] of batches ?? []) {
          for (const [id, fields] of entries) {
            positions[streams.indexOf(stream)] = id;
            this.#deliver(id, fields);
          }
        }
      } catch (error) {
        if (this.#closed) return;
        this.#log.warn({ err: error }, "reading from Redis failed");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #deliver(id: string, [field, value = "", , subject = ""]: string[]): void {
    try {
      if (field === "letter") this.emit("letter", JSON.parse(value), Number(id.split("-", 1)[0]));
      else if (value === "online" || value === "offline") this.emit("presence", subject, value === "online");
      else if (value === "dead") this.emit("nodeDead", subject);
    } catch (error) {
      this.#log.error({ err: error }, "a message between nodes failed");
    }
  }
}
