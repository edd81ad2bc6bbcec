import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { SessionRepository, UserRepository } from "./ports.ts";

const EVERY_MS = 3_600_000;
/** After a session's end: far longer than any access token of it lives. */
const KEPT_MS = 7 * 24 * 3_600_000;
/** Rows of one statement, which holds their locks. */
const BATCH = 500;
/** Statements of each kind in one round, so that a first round on an old database does not hog it: the next one goes on. */
const BATCHES = 20;

export type HousekeepingOptions = {
  sessions: Pick<SessionRepository, "purge">;
  users: Pick<UserRepository, "purgeGuests">;
  log: Logger;
  metrics: Metrics;
};

/**
 * Deletes what nobody can use any more, at the start and every hour: sessions that ended a week ago, then guests who have
 * none left and whom nobody has written with. Each node does so; two at once do no harm.
 */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #purged;
  readonly #failures;
  #round: Promise<void> | undefined;
  #closed = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#purged = options.metrics.counter("purged_total", "Rows that housekeeping deleted.", ["kind"]);
    this.#failures = options.metrics.counter("housekeeping_failures_total", "Rounds of housekeeping that failed.");
    this.#timer = setInterval(() => void this.round(), EVERY_MS);
    this.#timer.unref();
    void this.round();
  }

  /** Resolves when a round is done, the running one where there is one; a failure is logged and left to the next one. */
  round(): Promise<void> {
    this.#round ??= this.#purge()
      .catch((error: unknown) => {
        this.#failures.inc();
        this.#options.log.error({ err: error }, "housekeeping failed");
      })
      .finally(() => {
        this.#round = undefined;
      });
    return this.#round;
  }

  /** Waits for a statement that is running. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  async #purge(): Promise<void> {
    const { sessions, users } = this.#options;
    const beforeMs = Date.now() - KEPT_MS;
    await this.#batches("sessions", () => sessions.purge(beforeMs, BATCH));
    await this.#batches("guests", () => users.purgeGuests(beforeMs, BATCH));
  }

  async #batches(kind: string, purge: () => Promise<number>): Promise<void> {
    for (let turn = 0; turn < BATCHES && !this.#closed; turn += 1) {
      const count = await purge();
      this.#purged.inc({ kind }, count);
      if (count < BATCH) return;
    }
  }
}
