import { Emitter } from "../lib/emitter.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Scripts } from "./scripts.ts";

/** How often a node reports that it lives. */
export const BEAT_MS = 1_000;
/** A node that was silent for so long is dead: its people are offline and its rooms free. Long enough for a busy event loop. */
export const LEASE_MS = 5_000;

/**
 * `recovered`: Redis may lack what this node wrote (it was away, a write failed, or this node was taken for dead), and
 * must be brought in line.
 */
type MembershipEvents = { recovered: [] };

/**
 * This node among the others. It reports once a second, and clears away nodes that have stopped to. After an outage of
 * Redis nobody is cleared away for one lease, since the others are only just coming back too.
 */
export class Membership extends Emitter<MembershipEvents> {
  readonly nodeId: string;
  readonly #scripts: Scripts;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #nodes: string[] = [];
  #away = false;
  #doubtful = false;
  #reapFromMs = 0;
  #clockOffsetMs = 0;
  #closed = false;

  constructor(options: { nodeId: string; scripts: Scripts; log: Logger; metrics: Metrics }) {
    super();
    this.nodeId = options.nodeId;
    this.#scripts = options.scripts;
    this.#log = options.log;
    options.metrics.gauge("cluster_nodes", "Nodes of the cluster as this one sees it, itself included.", () =>
      this.#away ? 0 : this.#nodes.length,
    );
  }

  /** Redis answered the last report. */
  get connected(): boolean {
    return !this.#away;
  }

  /** Something could not be written: `recovered` will be emitted with the next report that gets through. */
  doubt(): void {
    this.#doubtful = true;
  }

  /** The other nodes, as of the last report that got through. */
  others(): string[] {
    return this.#nodes.filter((node) => node !== this.nodeId);
  }

  /** Redis's clock, as well as this node knows it. */
  redisNowMs(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  /** Enters the cluster. @throws what Redis throws */
  async start(): Promise<void> {
    await this.#report();
    this.#timer = setInterval(() => {
      this.#beating ??= this.#beat().finally(() => {
        this.#beating = undefined;
      });
    }, BEAT_MS);
  }

  /** Leaves the cluster, so that the others need not wait for the lease to end. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#beating;
    await this.#scripts.run("depart", this.nodeId).catch((error: unknown) => {
      this.#log.warn({ err: error }, "could not tell the cluster that this node leaves");
    });
  }

  async #beat(): Promise<void> {
    try {
      await this.#report();
    } catch (error) {
      if (!this.#away) this.#log.warn({ err: error }, "Redis is unreachable: this node goes on alone");
      this.#away = true;
    }
  }

  async #report(): Promise<void> {
    const [known, redisMs, overdue, nodes] = (await this.#scripts.run("beat", this.nodeId)) as [
      number,
      number,
      string[],
      string[],
    ];
    this.#clockOffsetMs = redisMs - Date.now();
    this.#nodes = nodes;
    const first = this.#timer === undefined;
    if (this.#closed) return;
    if (!first && (this.#away || !known)) {
      this.#away = false;
      this.#doubtful = true;
      this.#reapFromMs = performance.now() + LEASE_MS;
      this.#log.info("back in the cluster");
    }
    if (this.#doubtful) {
      this.#doubtful = false;
      this.emit("recovered");
    }
    if (performance.now() < this.#reapFromMs) return;
    for (const node of overdue) {
      if ((await this.#scripts.run("reap", node)) === 1) this.#log.warn({ node }, "a node died");
    }
  }
}
