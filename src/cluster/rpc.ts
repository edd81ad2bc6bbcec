import { randomUUID } from "node:crypto";
import type { ErrorBody, Reply } from "#protocol";
import { errors } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Bus } from "./bus.ts";
import type { Membership } from "./membership.ts";
import type { NodeCalls, NodeNotes } from "./node-calls.ts";

/** Less than a client waits for its call. A request that is found older than this is not carried out. */
const ANSWER_LIMIT_MS = 6_000;
/** Requests that wait for an answer; beyond it calls are refused at once. */
const PENDING_LIMIT = 5_000;

type Letter =
  | { kind: "request"; id: string; from: string; method: string; body: unknown }
  | { kind: "reply"; id: string; reply: Reply<unknown> }
  | { kind: "note"; from: string; method: string; body: unknown };

type Pending = {
  to: string;
  resolve: (data: unknown) => void;
  reject: (error: AppError) => void;
  timer: NodeJS.Timeout;
};

/** Calls and one-way notes from node to node, as `NodeCalls` and `NodeNotes` declare them. */
export class Rpc {
  readonly #bus: Bus;
  readonly #membership: Membership;
  readonly #log: Logger;
  readonly #seconds;
  readonly #lost;
  readonly #pending = new Map<string, Pending>();
  readonly #methods = new Map<string, (body: unknown, from: string) => Promise<unknown>>();
  readonly #notes = new Map<string, (body: unknown, from: string) => void>();

  constructor(options: { bus: Bus; membership: Membership; log: Logger; metrics: Metrics }) {
    this.#bus = options.bus;
    this.#membership = options.membership;
    this.#log = options.log;
    this.#seconds = options.metrics.histogram("cluster_call_seconds", "Calls to other nodes, answered or not.", [
      "method",
      "code",
    ]);
    this.#lost = options.metrics.counter("cluster_letters_lost_total", "Answers and notes that other nodes never got.");
    options.metrics.gauge("cluster_calls_pending", "Calls to other nodes under way.", () => this.#pending.size);
    this.#bus.on("letter", (letter, sentAtMs) => this.#receive(letter as Letter, sentAtMs));
    this.#bus.on("nodeDead", (nodeId) => {
      for (const [id, { to }] of this.#pending) if (to === nodeId) this.#settle(id, failure("UNAVAILABLE"));
    });
  }

  answer<K extends keyof NodeCalls>(
    method: K,
    handler: (body: NodeCalls[K]["body"], from: string) => Promise<NodeCalls[K]["data"]>,
  ): void {
    this.#methods.set(method, handler as (body: unknown, from: string) => Promise<unknown>);
  }

  onNote<K extends keyof NodeNotes>(method: K, handler: (body: NodeNotes[K], from: string) => void): void {
    this.#notes.set(method, handler as (body: unknown, from: string) => void);
  }

  /** @throws AppError: the other node's, UNAVAILABLE (Redis is away, the node died, too many calls), TIMEOUT */
  async call<K extends keyof NodeCalls>(
    to: string,
    method: K,
    body: NodeCalls[K]["body"],
  ): Promise<NodeCalls[K]["data"]> {
    const done = this.#seconds.startTimer({ method });
    try {
      const data = (await this.#ask(to, method, body)) as NodeCalls[K]["data"];
      done({ code: "OK" });
      return data;
    } catch (error) {
      done({ code: error instanceof AppError ? error.code : "INTERNAL" });
      throw error;
    }
  }

  /** Tells a node something; it waits for Redis when that is away, and arrives at most once. */
  note<K extends keyof NodeNotes>(to: string, method: K, body: NodeNotes[K]): void {
    this.#send(to, { kind: "note", from: this.#membership.nodeId, method, body });
  }

  /** Fails what is under way. Idempotent. */
  close(): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id, failure("UNAVAILABLE"));
  }

  #ask(to: string, method: string, body: unknown): Promise<unknown> {
    if (this.#pending.size >= PENDING_LIMIT) return Promise.reject(new AppError("UNAVAILABLE"));
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, failure("TIMEOUT")), ANSWER_LIMIT_MS);
      this.#pending.set(id, { to, resolve, reject, timer });
      const letter: Letter = { kind: "request", id, from: this.#membership.nodeId, method, body };
      this.#bus.send(to, letter).catch(() => this.#settle(id, failure("UNAVAILABLE")));
    });
  }

  #receive(letter: Letter, sentAtMs: number): void {
    if (letter.kind === "reply") this.#settle(letter.id, letter.reply);
    else if (letter.kind === "note") this.#notes.get(letter.method)?.(letter.body, letter.from);
    else if (this.#membership.redisNowMs() - sentAtMs > ANSWER_LIMIT_MS)
      this.#log.warn({ method: letter.method }, "a call from another node came too late and was dropped");
    else void this.#carryOut(letter);
  }

  async #carryOut({ id, from, method, body }: Extract<Letter, { kind: "request" }>): Promise<void> {
    const handler = this.#methods.get(method);
    let reply: Reply<unknown>;
    try {
      if (!handler) throw new AppError("UNKNOWN_CALL");
      reply = { ok: true, data: await handler(body, from) };
    } catch (error) {
      if (!(error instanceof AppError)) this.#log.error({ err: error, method }, "a call from another node failed");
      reply = error instanceof AppError ? failure(error.code, error) : failure("INTERNAL");
    }
    this.#send(from, { kind: "reply", id, reply });
  }

  #send(to: string, letter: Letter): void {
    this.#bus.post(to, letter).catch((error: unknown) => {
      this.#lost.inc();
      this.#log.warn({ err: error, to }, "a letter to another node was lost");
    });
  }

  #settle(id: string, reply: Reply<unknown>): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (reply.ok) pending.resolve(reply.data);
    else pending.reject(new AppError(reply.error.code, reply.error.message, reply.error.details));
  }
}

function failure(code: ErrorBody["code"], from?: AppError): { ok: false; error: ErrorBody } {
  const { message, retryable } = errors[code];
  return {
    ok: false,
    error: { code, message: from?.message ?? message, retryable, ...(from?.details && { details: from.details }) },
  };
}
