import { performance } from "node:perf_hooks";
import {
  type CallName,
  calls,
  type ErrorBody,
  FRAME_EVENT,
  type FrameEvent,
  type Reply,
  SPEECH_FRAME_EVENT,
} from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Rate, RateLimiter } from "../lib/rate-limiter.ts";
import type { GatewaySocket } from "./connection-state.ts";
import { errorReply } from "./error-reply.ts";
import type { CallContext, Handlers } from "./handler.ts";
import type { HubMetrics } from "./hub-metrics.ts";
import { UNREADABLE } from "./lenient-parser.ts";
import { parseRequest } from "./parse-request.ts";
import type { FrameSinks } from "./ports.ts";

/** Calls of one connection that may wait for their reply at once. */
const MAX_IN_FLIGHT = 32;
const UNKNOWN_RATE: Rate = { perSecond: 5, burst: 20 };
/** What begins something long, and so is refused while the server drains. */
const BEGINNINGS = new Set<CallName>(["room.create", "room.join", "drill.start", "speech.start"]);

export type BindOptions = {
  handlers: Handlers;
  frameSinks: FrameSinks;
  limiter: RateLimiter;
  metrics: HubMetrics;
  draining: () => boolean;
  onFlight: (change: 1 | -1) => void;
};

type AnyHandler = (request: unknown, context: CallContext) => unknown;
type Ack = (reply: Reply<unknown>) => void;

/**
 * Answers every event of a socket; nothing else touches acknowledgements.
 * rate-limit -> parse -> authorise -> handler -> reply
 */
export function bindCalls(socket: GatewaySocket, options: BindOptions): void {
  // A middleware that never passes on sees every event, whatever it is called.
  socket.use(([event, ...args]: unknown[]) => {
    if (event === FRAME_EVENT || event === SPEECH_FRAME_EVENT) takeFrame(socket, event, args, options);
    else void answer(socket, event, args, options);
  });
  // Without a listener, a packet that can't be decoded would crash the process as an unhandled "error" event.
  socket.on(
    "error" as never,
    ((error: Error) => {
      socket.data.log.debug({ err: error }, "a packet could not be decoded");
    }) as never,
  );
}

async function answer(socket: GatewaySocket, event: unknown, args: unknown[], options: BindOptions): Promise<void> {
  const { metrics } = options;
  const startedAt = performance.now();
  const known = typeof event === "string" && Object.hasOwn(calls, event);
  // Where a packet has a number and nothing else, the acknowledgement comes first.
  const bare = typeof event === "function";
  const name = known ? (event as CallName) : bare || event === UNREADABLE ? "unreadable" : "unknown";
  const ack = bare ? event : args.pop();
  if (typeof ack !== "function") {
    // There is no way to answer, so nothing is done either: a caller that can't hear errors can't be told of its limits.
    metrics.unanswerable.inc();
    return;
  }
  const state = socket.data;
  state.calls += 1;
  const request = new Request(`${socket.id}-${state.calls}`, state.log, name);
  let reply: Reply<unknown>;
  state.inFlight += 1;
  options.onFlight(1);
  try {
    reply = { ok: true, data: await run(socket, name, args, request, options) };
  } catch (error) {
    reply = { ok: false, error: errorReply(error, request) };
  } finally {
    state.inFlight -= 1;
    options.onFlight(-1);
  }
  const code = reply.ok ? "OK" : reply.error.code;
  if (!reply.ok && state.log.isLevelEnabled("debug")) request.log.debug({ code }, "call refused");
  metrics.calls.inc({ name, code });
  metrics.callSeconds.observe({ name }, (performance.now() - startedAt) / 1_000);
  (ack as Ack)(reply);
}

async function run(
  socket: GatewaySocket,
  name: CallName | "unknown" | "unreadable",
  args: unknown[],
  request: Request,
  options: BindOptions,
): Promise<unknown> {
  const { user, sessionId, inFlight } = socket.data;
  const rate = name === "unknown" || name === "unreadable" ? UNKNOWN_RATE : calls[name].rate;
  const retryAfterMs = inFlight > MAX_IN_FLIGHT ? 100 : options.limiter.take(`${user.id} ${name}`, rate);
  if (retryAfterMs > 0) {
    options.metrics.rateLimited.inc({ scope: inFlight > MAX_IN_FLIGHT ? "inFlight" : "call" });
    throw new AppError("RATE_LIMITED", undefined, { retryAfterMs });
  }
  if (name === "unreadable")
    throw new AppError("INVALID_REQUEST", undefined, { path: "", problem: "not a call in JSON" });
  if (name === "unknown") throw new AppError("UNKNOWN_CALL");
  if (args.length > 1)
    throw new AppError("INVALID_REQUEST", undefined, { path: "", problem: "one argument and an acknowledgement" });
  const input = parseRequest(calls[name].request, args[0] ?? {});
  if (options.draining() && BEGINNINGS.has(name)) throw new AppError("DRAINING");
  const context = { user, sessionId, connectionId: socket.id, request };
  const handler = options.handlers[name] as AnyHandler;
  return await handler(input, new Context(context));
}

function takeFrame(socket: GatewaySocket, event: FrameEvent, args: unknown[], options: BindOptions): void {
  const [payload] = args;
  const bytes = payload instanceof ArrayBuffer ? new Uint8Array(payload) : payload;
  try {
    if (!(bytes instanceof Uint8Array)) throw new AppError("AUDIO_FRAME_MALFORMED", "A frame is bytes.");
    options.frameSinks[event](socket.id, bytes);
    options.metrics.frames.inc({ outcome: "taken" });
  } catch (error) {
    options.metrics.frames.inc({ outcome: "rejected" });
    const body: ErrorBody = errorReply(error, { id: `${socket.id}-frame`, log: socket.data.log });
    (socket as { emit(name: string, payload: unknown): boolean }).emit(`${event}Rejected`, { error: body });
  }
}

/** Names a call in the log; the logger is made only when something is logged, for most calls log nothing. */
class Request {
  readonly id: string;
  readonly #parent: Logger;
  readonly #call: string;
  #log: Logger | undefined;

  constructor(id: string, parent: Logger, call: string) {
    this.id = id;
    this.#parent = parent;
    this.#call = call;
  }

  get log(): Logger {
    this.#log ??= this.#parent.child({ requestId: this.id, call: this.#call });
    return this.#log;
  }
}

class Context implements CallContext {
  readonly user;
  readonly sessionId;
  readonly connectionId;
  readonly #request: Request;

  constructor(from: Pick<CallContext, "user" | "sessionId" | "connectionId"> & { request: Request }) {
    this.user = from.user;
    this.sessionId = from.sessionId;
    this.connectionId = from.connectionId;
    this.#request = from.request;
  }

  get log(): Logger {
    return this.#request.log;
  }
}
