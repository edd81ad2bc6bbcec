import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import {
  type CallInput,
  type CallName,
  type CallReply,
  type ErrorBody,
  PROTOCOL_VERSION,
  type PushName,
  type PushPayload,
  type Reply,
} from "#protocol";
import { ParlanceError } from "./errors.ts";

export type ConnectionState =
  | { kind: "connecting" }
  | { kind: "connected"; ready: PushPayload<"session.ready"> }
  | { kind: "reconnecting" }
  | { kind: "closed"; reason: PushPayload<"session.ended">["reason"] | "client" | ErrorBody["code"] };

/** Delays before reconnection attempts, in ms; the last one repeats. Each is spread by ±30% so that clients don't return in step. */
const RECONNECT_MS = [0, 300, 1_200, 2_700, 4_800, 7_000];
const CALL_TIMEOUT_MS = 10_000;

export type ConnectionOptions = {
  /** Asked on every connection attempt, so that a refreshed token is used. `refusal` is why the last attempt was refused, if it was. */
  token: (refusal?: ErrorBody["code"]) => string | Promise<string>;
  socket?: Partial<ManagerOptions & SocketOptions>;
};

/**
 * One live connection: typed calls, typed pushes, and reconnection that goes on until `close()` or until the server says
 * that coming back makes no sense. What must survive a reconnect is built on top of it with sequences.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #stateListeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { kind: "connecting" };
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refusal: ErrorBody["code"] | undefined;

  constructor(url: string, options: ConnectionOptions) {
    this.#socket = io(url, {
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      ...options.socket,
      auth: (send) => {
        Promise.resolve(options.token(this.#refusal)).then(
          (token) => send({ token, protocolVersion: PROTOCOL_VERSION }),
          () => send({ token: "", protocolVersion: PROTOCOL_VERSION }),
        );
      },
    });
    this.on("session.ready", (ready) => {
      this.#attempt = 0;
      this.#refusal = undefined;
      this.#enter({ kind: "connected", ready });
    });
    this.on("session.ended", ({ reason, reconnect }) => {
      if (!reconnect) this.#finish(reason);
    });
    this.#socket.on("disconnect", () => this.#retry());
    this.#socket.on("connect_error", (error) => {
      const body = (error as Error & { data?: ErrorBody }).data;
      this.#refusal = body?.code;
      if (body && !body.retryable && body.code !== "TOKEN_EXPIRED") this.#finish(body.code);
      else this.#retry();
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Calls `listener` now and on each change; returns how to stop. */
  onState(listener: (state: ConnectionState) => void): () => void {
    this.#stateListeners.add(listener);
    listener(this.#state);
    return () => this.#stateListeners.delete(listener);
  }

  /** Resolves once connected. @throws ParlanceError when the connection was closed for good */
  ready(): Promise<PushPayload<"session.ready">> {
    return new Promise((resolve, reject) => {
      let stop: (() => void) | undefined;
      let settled = false;
      stop = this.onState((state) => {
        if (settled || (state.kind !== "connected" && state.kind !== "closed")) return;
        settled = true;
        stop?.();
        if (state.kind === "connected") resolve(state.ready);
        else reject(unavailable(`The connection is closed (${state.reason}).`));
      });
      if (settled) stop();
    });
  }

  /** @throws ParlanceError: the server's, or UNAVAILABLE when not connected, or TIMEOUT */
  async call<C extends CallName>(
    name: C,
    input: CallInput<C>,
    options: { timeoutMs?: number } = {},
  ): Promise<CallReply<C>> {
    if (this.#state.kind !== "connected") throw unavailable("Not connected.");
    let reply: Reply<CallReply<C>>;
    try {
      reply = await this.#socket.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS).emitWithAck(name, input);
    } catch {
      if (!this.#socket.connected) throw unavailable("The connection was lost.");
      throw new ParlanceError({ code: "TIMEOUT", message: `No answer to ${name} in time.`, retryable: true });
    }
    if (!reply.ok) throw new ParlanceError(reply.error);
    return reply.data;
  }

  /** Sends bytes without acknowledgement, for drill.frame; false when not connected. */
  send(event: string, bytes: Uint8Array): boolean {
    if (!this.#socket.connected) return false;
    this.#socket.emit(event, bytes);
    return true;
  }

  /** Returns how to stop listening. */
  on<P extends PushName>(name: P, listener: (payload: PushPayload<P>) => void): () => void {
    this.#socket.on(name as string, listener as (payload: unknown) => void);
    return () => this.#socket.off(name as string, listener as (payload: unknown) => void);
  }

  /** Idempotent. */
  close(): void {
    this.#finish("client");
  }

  #retry(): void {
    if (this.#state.kind === "closed" || this.#timer !== undefined) return;
    this.#enter({ kind: "reconnecting" });
    const base = RECONNECT_MS[Math.min(this.#attempt, RECONNECT_MS.length - 1)] ?? 0;
    this.#attempt += 1;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#socket.connect();
      },
      base * (0.7 + Math.random() * 0.6),
    );
  }

  #finish(reason: Extract<ConnectionState, { kind: "closed" }>["reason"]): void {
    if (this.#state.kind === "closed") return;
    clearTimeout(this.#timer);
    this.#enter({ kind: "closed", reason });
    this.#socket.disconnect();
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state);
  }
}

function unavailable(message: string): ParlanceError {
  return new ParlanceError({ code: "UNAVAILABLE", message, retryable: true });
}
