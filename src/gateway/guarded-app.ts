import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_socket_context_t,
  WebSocket,
  WebSocketBehavior,
} from "uWebSockets.js";
import { type ErrorBody, type ErrorCode, errors, limits } from "#protocol";

/** A client's first message, its CONNECT packet with the token, may be this long. */
const CONNECT_BYTES = 10_000;
/** Messages of one connection in a second, and at once: far above 50 frames and a few calls, far below what hurts. */
const FLOOD = { perSecond: 5_000, burst: 10_000 };
/** How often the unsent bytes of every socket are looked at. */
const SWEEP_MS = 500;
/** Seconds without a byte from the client, which answers a ping every 15 s. */
const IDLE_S = 60;
/** Close codes of our own (RFC 6455 leaves 4000-4999 to applications). */
export const closeCodes = { unexpectedMessage: 4_001, slowReader: 4_008, flood: 4_029 } as const;

/** What engine.io keeps on a socket. */
type Transport = object;
type UserData = { transport: Transport };
type Socket = WebSocket<UserData>;

export type GuardEnd = "slowReader" | "limit";

/** The state of one WebSocket below socket.io. */
export type Guard = {
  /** Set once the token was accepted, with how to push why it ends. Until then, one CONNECT packet is all a client may send. */
  authenticated: ((reason: GuardEnd) => void) | undefined;
  connectSeen: boolean;
  closing: boolean;
  address: string;
  /** When the flood bucket is full again (see RateLimiter). */
  fullAtMs: number;
};

export type GuardOptions = {
  /** Unsent bytes at which a reader counts as slow. At twice as many, frames are dropped and the socket is destroyed. */
  backpressureBytes: number;
  connectionsPerAddress: number;
  addressOf: (res: HttpResponse, req: HttpRequest) => string;
  /** Whether no more connections are taken. */
  closed: () => boolean;
  onEnd: (reason: GuardEnd) => void;
  /** A connection was refused because its address has too many. */
  onRefused: () => void;
};

/**
 * What socket.io leaves open on uWebSockets.js, closed underneath it: connections per address, what may be sent before
 * authentication, floods, and readers that don't read (uWS drops their frames in silence and keeps the socket).
 */
export class GuardedApp {
  readonly #app: TemplatedApp;
  readonly #options: GuardOptions;
  readonly #guards = new WeakMap<Transport, Guard>();
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  readonly #sweeper: NodeJS.Timeout;
  #arriving = "unknown";

  constructor(app: TemplatedApp, options: GuardOptions) {
    this.#app = app;
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  guardOf(transport: Transport): Guard {
    const guard = this.#guards.get(transport);
    if (!guard) throw new Error("a socket that engine.io did not announce");
    return guard;
  }

  /** For engine.io's `connection` event, which comes between the upgrade and `open`, in the same turn. */
  arrived(transport: Transport): void {
    const guard = { connectSeen: false, closing: false, address: this.#arriving, fullAtMs: 0 };
    this.#guards.set(transport, { authenticated: undefined, ...guard });
  }

  /** Unsent bytes over all sockets. */
  bufferedBytes(): number {
    let sum = 0;
    for (const ws of this.#sockets) sum += ws.getBufferedAmount();
    return sum;
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#sweeper);
  }

  /** The part of TemplatedApp that `io.attachApp` uses. */
  get facade() {
    const facade = {
      any: (...args: Parameters<TemplatedApp["any"]>) => {
        this.#app.any(...args);
        return facade;
      },
      ws: (pattern: string, behavior: WebSocketBehavior<UserData>) => {
        this.#app.ws(pattern, this.#guarded(behavior));
        return facade;
      },
      publish: (...args: Parameters<TemplatedApp["publish"]>) => this.#app.publish(...args),
    };
    return facade;
  }

  #guarded(behavior: WebSocketBehavior<UserData>): WebSocketBehavior<UserData> {
    return {
      ...behavior,
      compression: 0,
      idleTimeout: IDLE_S,
      // engine.io has its own ping; two would only cost.
      sendPingsAutomatically: false,
      maxPayloadLength: limits.transportBytes,
      maxBackpressure: this.#options.backpressureBytes * 2,
      upgrade: (res, req, context) => this.#upgrade(behavior, res, req, context),
      open: (ws) => {
        this.#sockets.add(ws);
        this.#count(this.guardOf(ws.getUserData().transport), 1);
        behavior.open?.(ws);
      },
      message: (ws, message, isBinary) => {
        if (!this.#admits(ws, message, isBinary)) return;
        if (!isBinary && message.byteLength > limits.messageBytes) {
          refuseCall(ws, message);
          return;
        }
        // uWS takes the memory back when this returns; socket.io hands binary on a tick later. Cut, too long an attachment
        // is still too long a frame, and socket.io, which waits for it, goes on.
        behavior.message?.(ws, isBinary ? message.slice(0, limits.messageBytes) : message, isBinary);
      },
      dropped: (ws) => {
        const guard = this.guardOf(ws.getUserData().transport);
        if (guard.closing) return;
        guard.closing = true;
        // Not from within the send that dropped it.
        setImmediate(() => {
          if (!this.#sockets.has(ws)) return;
          this.#options.onEnd("slowReader");
          ws.close();
        });
      },
      close: (ws, code, message) => {
        this.#sockets.delete(ws);
        this.#count(this.guardOf(ws.getUserData().transport), -1);
        behavior.close?.(ws, code, message);
      },
    };
  }

  #upgrade(
    behavior: WebSocketBehavior<UserData>,
    res: HttpResponse,
    req: HttpRequest,
    context: us_socket_context_t,
  ): void {
    if (this.#options.closed()) {
      refuse(res, "DRAINING");
      return;
    }
    const address = this.#options.addressOf(res, req);
    if ((this.#perAddress.get(address) ?? 0) >= this.#options.connectionsPerAddress) {
      this.#options.onRefused();
      refuse(res, "TOO_MANY_CONNECTIONS");
      return;
    }
    this.#arriving = address;
    behavior.upgrade?.(res, req, context);
  }

  #admits(ws: Socket, message: ArrayBuffer, isBinary: boolean): boolean {
    const guard = this.guardOf(ws.getUserData().transport);
    if (guard.closing) return false;
    const nowMs = Date.now();
    guard.fullAtMs = Math.max(nowMs, guard.fullAtMs) + 1_000 / FLOOD.perSecond;
    if (guard.fullAtMs - nowMs > (FLOOD.burst * 1_000) / FLOOD.perSecond) {
      this.#end(ws, guard, "limit", closeCodes.flood);
      return false;
    }
    if (guard.authenticated) return true;
    const [type, kind] = new Uint8Array(message, 0, Math.min(2, message.byteLength));
    // engine.io's "3" answers a ping; "40" is a message with socket.io's CONNECT.
    if (!isBinary && type === 0x33) return true;
    const isConnect = !isBinary && type === 0x34 && kind === 0x30 && message.byteLength <= CONNECT_BYTES;
    if (isConnect && !guard.connectSeen) {
      guard.connectSeen = true;
      return true;
    }
    guard.closing = true;
    ws.end(closeCodes.unexpectedMessage, "authenticate first");
    return false;
  }

  #sweep(): void {
    for (const ws of [...this.#sockets]) {
      const guard = this.guardOf(ws.getUserData().transport);
      if (guard.closing || ws.getBufferedAmount() <= this.#options.backpressureBytes) continue;
      this.#end(ws, guard, "slowReader", closeCodes.slowReader);
    }
  }

  #end(ws: Socket, guard: Guard, reason: GuardEnd, code: number): void {
    guard.closing = true;
    this.#options.onEnd(reason);
    guard.authenticated?.(reason);
    ws.end(code, reason);
  }

  #count(guard: Guard, by: 1 | -1): void {
    const count = (this.#perAddress.get(guard.address) ?? 0) + by;
    if (count > 0) this.#perAddress.set(guard.address, count);
    else this.#perAddress.delete(guard.address);
  }
}

/** Answers a call that is too long to be looked at, if it asks for an answer: "42", its number, and JSON. */
function refuseCall(ws: Socket, message: ArrayBuffer): void {
  const [, number] = /^42(\d{1,15})\[/.exec(Buffer.from(message, 0, 20).toString("latin1")) ?? [];
  if (number === undefined) return;
  const { message: text, retryable } = errors.PAYLOAD_TOO_LARGE;
  const details = { limitBytes: limits.messageBytes };
  const error: ErrorBody = { code: "PAYLOAD_TOO_LARGE", message: text, retryable, details };
  ws.send(`43${number}${JSON.stringify([{ ok: false, error }])}`);
}

function refuse(res: HttpResponse, code: ErrorCode): void {
  const { status, message, retryable } = errors[code];
  res.writeStatus(`${status} Refused`);
  res.writeHeader("Content-Type", "application/json");
  res.writeHeader("Retry-After", "5");
  res.end(JSON.stringify({ ok: false, error: { code, message, retryable } }));
}
