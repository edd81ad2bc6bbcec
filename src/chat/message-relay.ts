import type { Publisher } from "#protocol";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { messageFor } from "./message-for.ts";
import type { OutboxEntry, OutboxRepository } from "./ports.ts";

/** Messages per turn: they and their members are in memory at once. */
const BATCH = 200;
/** How soon another node takes over what one stored and did not publish, as it crashed in between. */
const SWEEP_MS = 1_000;

export type MessageRelayOptions = {
  outbox: OutboxRepository;
  publisher: Pick<Publisher, "publish">;
  log: Logger;
  metrics: Metrics;
};

/**
 * Hands stored messages and their changes to the hub, for every connection of every member: at once after `nudge()`, and by a sweep for
 * what another node or an earlier life of this one left. The queue is the database's; at most one drain runs here.
 */
export class MessageRelay {
  readonly #options: MessageRelayOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #delay;
  readonly #failures;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: MessageRelayOptions) {
    this.#options = options;
    this.#delay = options.metrics.histogram("chat_publish_seconds", "From a message's sending to its publishing.");
    this.#failures = options.metrics.counter("chat_publish_failures_total", "Turns of the message relay that failed.");
    this.#timer = setInterval(() => this.nudge(), SWEEP_MS);
    this.#timer.unref();
  }

  /** There may be something to publish. */
  nudge(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // A nudge may have come between the last look and here.
      if (this.#again) this.nudge();
    });
  }

  /** Waits for what is stored to be published. Idempotent. */
  async close(): Promise<void> {
    this.nudge();
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        const count = await this.#options.outbox.drain(BATCH, (entry) => this.#publish(entry));
        if (count >= BATCH) this.#again = true;
      } catch (error) {
        // The sweep tries again; nothing is lost, as the mark in the database has not moved.
        this.#again = false;
        this.#failures.inc();
        this.#options.log.error({ err: error }, "messages could not be published");
      }
    }
  }

  #publish(entry: OutboxEntry): void {
    for (const user of entry.memberIds) {
      const message = messageFor(user, entry.message);
      if (entry.kind === "new")
        this.#options.publisher.publish({ user }, "chat.message", { message, version: entry.version });
      else this.#options.publisher.publish({ user }, "chat.changed", { message, afterVersion: entry.afterVersion });
    }
    if (entry.kind === "new") this.#delay.observe(Math.max(0, Date.now() - entry.message.sentAtMs) / 1_000);
  }
}
