import { App, type HttpRequest, type HttpResponse, us_listen_socket_close, us_socket_local_port } from "uWebSockets.js";
import { setTimeout as sleep } from "node:timers/promises";
import { Server } from "socket.io";
import { type ErrorBody, limits, PROTOCOL_VERSION, type Publisher, type PushPayload } from "#protocol";
import type { Accounts, EndReason, EndTarget, Identity } from "../accounts/accounts.ts";
import type { UserRepository } from "../accounts/ports.ts";
import type { Config } from "../config.ts";
import { AppError } from "../lib/app-error.ts";
import { Emitter } from "../lib/emitter.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { RateLimiter } from "../lib/rate-limiter.ts";
import { bindCalls } from "./bind.ts";
import { clientAddress } from "./client-address.ts";
import { type ConnectionState, channels, type EndedReason, type GatewaySocket } from "./connection-state.ts";
import { errorReply } from "./error-reply.ts";
import { GuardedApp } from "./guarded-app.ts";
import type { HandlersOf } from "./handler.ts";
import { sessionHandlers } from "./handlers/session.ts";
import { authenticateHandshake } from "./handshake.ts";
import { HttpSide, type HttpSideOptions } from "./http-side.ts";
import { type HubMetrics, hubMetrics } from "./hub-metrics.ts";
import { HubPublisher } from "./hub-publisher.ts";
import { lenientParser } from "./lenient-parser.ts";
import { MemoryPresence } from "./memory-presence.ts";
import type { FrameSinks, PresenceStore, ReadinessCheck } from "./ports.ts";
import { Presence } from "./presence.ts";

const PING_INTERVAL_MS = 15_000;
const PING_TIMEOUT_MS = 10_000;
/** A socket must have joined, token checked, this soon after it opened. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A page reload or a change of network takes this long to come back. */
const PRESENCE_GRACE_MS = 5_000;
/** For how long an end is remembered, to catch connections whose session was looked up just before it. */
const END_MEMORY_MS = 60_000;
/** Node's timers take no more. */
const MAX_TIMER_MS = 2_147_483_647;
/** uWebSockets.js: fail when the port is taken, where Linux would let two processes share it. */
const EXCLUSIVE_PORT = 1;
const CLUSTER_END = "gateway.end";

/** Whether coming back makes sense after each kind of end. */
const comeBack: Record<EndedReason, boolean> = {
  expired: true,
  signedOut: false,
  banned: false,
  kicked: false,
  draining: true,
  slowReader: true,
  limit: false,
};

export type GatewayOptions = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  nodeId: string;
  accounts: Accounts;
  users: UserRepository;
  /** Presence over all nodes; of this process alone by default. */
  presence?: PresenceStore;
  /** socket.io's adapter for several nodes. */
  adapterFactory?: unknown;
  /** Folder of the built page. */
  webRoot: string;
  /** How long a user stays online after the last connection. */
  presenceGraceMs?: number;
};

/** What the domains give the gateway once they are built, for which they need its `publisher` first. */
export type Domains = {
  handlers: HandlersOf<"room" | "chat" | "drill" | "practice" | "speech">;
  frameSinks: FrameSinks;
  routerRtpCapabilities: Record<string, unknown>;
  /** What this node needs to take traffic. */
  readiness: Record<string, ReadinessCheck>;
} & Pick<HttpSideOptions, "referenceAudio" | "drills">;

/** Sockets, REST and the page on one port. One per process: socket.io patches its adapter globally for uWebSockets.js. */
export class Gateway {
  readonly publisher: Publisher;
  /** `removed` says that its user must not come back on their own: signed out, kicked or banned. */
  readonly events = new Emitter<{ disconnected: [connectionId: string, removed: boolean] }>();
  readonly #options: GatewayOptions;
  readonly #log: Logger;
  readonly #metrics: HubMetrics;
  readonly #app = App();
  readonly #guarded: GuardedApp;
  readonly #io: Server;
  readonly #presence: Presence;
  readonly #limiter = new RateLimiter();
  readonly #perUser = new Map<string, number>();
  /** How and when all connections of a user or session were last ended, by channel, the oldest first. */
  readonly #lastEnds = new Map<string, { reason: EndReason; atMs: number }>();
  #routerRtpCapabilities: Record<string, unknown> = {};
  #listenSocket: Parameters<typeof us_listen_socket_close>[0] | undefined;
  #inFlight = 0;
  #draining = false;
  #closing: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    const { config, log, metrics, accounts } = options;
    this.#options = options;
    this.#log = log;
    this.#guarded = new GuardedApp(this.#app, {
      backpressureBytes: config.PARLANCE_BACKPRESSURE_BYTES,
      connectionsPerAddress: config.PARLANCE_CONNECTIONS_PER_ADDRESS,
      addressOf: (res, req) => this.#addressOf(res, req),
      closed: () => this.#draining,
      onEnd: (reason) => {
        if (reason === "slowReader") this.#metrics.slowReaders.inc();
        else this.#metrics.rateLimited.inc({ scope: "flood" });
      },
      onRefused: () => this.#metrics.rateLimited.inc({ scope: "address" }),
    });
    this.#io = new Server({
      transports: ["websocket"],
      serveClient: false,
      parser: lenientParser,
      maxHttpBufferSize: limits.transportBytes,
      perMessageDeflate: false,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...(options.adapterFactory ? { adapter: options.adapterFactory as never } : {}),
    });
    this.#metrics = hubMetrics(metrics, {
      connections: () => this.#io.sockets.sockets.size,
      inFlight: () => this.#inFlight,
    });
    metrics.gauge("socket_buffered_bytes", "Bytes not yet sent, over all sockets.", () =>
      this.#guarded.bufferedBytes(),
    );
    const native = (topic: string, frame: string) => void this.#app.publish(topic, frame, false);
    const publisher = new HubPublisher(this.#io, this.#metrics, options.adapterFactory ? undefined : native);
    this.publisher = publisher;
    this.#presence = new Presence({
      store: options.presence ?? new MemoryPresence(),
      log,
      graceMs: options.presenceGraceMs ?? PRESENCE_GRACE_MS,
      tell: (connection, change) => publisher.publish({ connection }, "presence.changed", change),
    });
    accounts.events.on("ended", (target, reason) => this.#endEverywhere(target, reason));
  }

  /**
   * Opens the port.
   * @throws Error when the port is taken
   */
  async listen(domains: Domains): Promise<{ url: string; port: number }> {
    const { config, log, accounts, users, nodeId, webRoot, metrics } = this.#options;
    this.#routerRtpCapabilities = domains.routerRtpCapabilities;
    const handlers = {
      ...domains.handlers,
      ...sessionHandlers({
        accounts,
        users,
        presence: this.#presence,
        extend: (connectionId, expiresAtMs) => this.#extend(connectionId, expiresAtMs),
      }),
    };
    this.#io.attachApp(this.#guarded.facade);
    this.#io.engine.on("connection", (conn: { transport: object }) => this.#guarded.arrived(conn.transport));
    this.#io.use((socket, next) => {
      const gatewaySocket = socket as GatewaySocket;
      this.#admit(gatewaySocket).then(
        () => next(),
        (error: unknown) => this.#refuse(gatewaySocket, error, next),
      );
    });
    this.#io.on("connection", (socket) => {
      const gatewaySocket = socket as GatewaySocket;
      bindCalls(gatewaySocket, {
        handlers,
        frameSinks: domains.frameSinks,
        limiter: this.#limiter,
        metrics: this.#metrics,
        draining: () => this.#draining,
        onFlight: (change) => {
          this.#inFlight += change;
        },
      });
      this.#welcome(gatewaySocket);
    });
    (this.#io as unknown as Emitter<{ [CLUSTER_END]: [EndTarget, EndReason] }>).on(CLUSTER_END, (target, reason) =>
      this.#endHere(target, reason),
    );
    const http = new HttpSide({
      config,
      log,
      accounts,
      nodeId,
      metrics: this.#metrics,
      registry: metrics.registry,
      limiter: this.#limiter,
      readiness: {
        ...domains.readiness,
        draining: () => {
          if (this.#draining) throw new AppError("DRAINING");
        },
      },
      referenceAudio: domains.referenceAudio,
      drills: domains.drills,
      addressOf: (res, req) => this.#addressOf(res, req),
      webRoot,
    });
    await http.attach(this.#app);
    const port = await this.#open(config.HOST, config.PORT);
    const host = ["0.0.0.0", "::", ""].includes(config.HOST) ? "localhost" : config.HOST;
    return { url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`, port };
  }

  /**
   * Takes no more connections and no new rooms or drills, tells everybody to reconnect elsewhere, and closes each connection
   * once it has nothing running, at the latest after `limitMs`. Idempotent.
   */
  async drain({ limitMs, busy }: { limitMs: number; busy: (connectionId: string) => boolean }): Promise<void> {
    this.#draining = true;
    this.#stopListening();
    const deadlineMs = Date.now() + limitMs;
    for (;;) {
      for (const socket of this.#sockets()) {
        if (Date.now() < deadlineMs && (socket.data.inFlight > 0 || busy(socket.id))) continue;
        this.#end(socket, "draining");
      }
      if (this.#io.sockets.sockets.size === 0) return;
      await sleep(50);
    }
  }

  /** Closes the port and every connection at once. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#draining = true;
    // io.close() would leave uWS accepting.
    this.#stopListening();
    for (const socket of this.#sockets()) this.#end(socket, "draining");
    await this.#presence.close();
    if (this.#io.engine) await this.#io.close();
    this.#guarded.close();
    this.#app.close();
  }

  async #open(host: string, port: number): Promise<number> {
    type Listen = (host: string, port: number, options: number, opened: (socket: object | false) => void) => unknown;
    const socket = await new Promise<object | false>((resolve) => {
      (this.#app.listen as unknown as Listen).call(this.#app, host, port, EXCLUSIVE_PORT, resolve);
    });
    if (!socket)
      throw new Error(`port ${port} on ${host} can't be opened: another process may have it (see PORT, HOST)`);
    this.#listenSocket = socket;
    return us_socket_local_port(socket);
  }

  #stopListening(): void {
    if (!this.#listenSocket) return;
    us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = undefined;
  }

  #addressOf(res: HttpResponse, req: HttpRequest): string {
    const trusted = this.#options.config.PARLANCE_TRUST_PROXY;
    return clientAddress(res.getRemoteAddress(), trusted ? req.getHeader("x-forwarded-for") : undefined);
  }

  async #admit(socket: GatewaySocket): Promise<void> {
    const { accounts, config } = this.#options;
    if (this.#draining) throw new AppError("DRAINING");
    const checkedAtMs = Date.now();
    const identity = await authenticateHandshake(socket.handshake, { accounts, origins: config.PARLANCE_ORIGINS });
    const { user } = identity;
    const open = this.#perUser.get(user.id) ?? 0;
    if (open >= config.PARLANCE_CONNECTIONS_PER_USER) {
      this.#metrics.rateLimited.inc({ scope: "user" });
      throw new AppError("TOO_MANY_CONNECTIONS");
    }
    if (socket.conn.readyState !== "open") throw new AppError("TIMEOUT");
    this.#perUser.set(user.id, open + 1);
    socket.conn.once("close", () => {
      const left = (this.#perUser.get(user.id) ?? 0) - 1;
      if (left > 0) this.#perUser.set(user.id, left);
      else this.#perUser.delete(user.id);
    });
    Object.assign(socket.data, this.#stateOf(socket, identity, checkedAtMs));
    this.#guarded.guardOf(socket.conn.transport).authenticated = (reason) => this.#tellEnd(socket, reason);
  }

  #stateOf(socket: GatewaySocket, identity: Identity, checkedAtMs: number): ConnectionState {
    const log = this.#log.child({ connectionId: socket.id, userId: identity.user.id });
    return { ...identity, log, checkedAtMs, inFlight: 0, calls: 0, expiry: undefined, ended: undefined };
  }

  #refuse(socket: GatewaySocket, error: unknown, next: (error: Error) => void): void {
    const body: ErrorBody = errorReply(error, { id: socket.id, log: this.#log });
    this.#metrics.connects.inc({ code: body.code });
    next(Object.assign(new Error(body.message), { data: body }));
    // The refusal goes out in the next tick.
    setImmediate(() => socket.conn.close());
  }

  #welcome(socket: GatewaySocket): void {
    const { user, sessionId, expiresAtMs, checkedAtMs } = socket.data;
    socket.on("disconnect", () => this.#gone(socket));
    void socket.join([channels.user(user.id), channels.session(sessionId)]);
    for (const channel of [channels.user(user.id), channels.session(sessionId)]) {
      // Its session was looked up before that end, and it joined too late to be closed by it.
      const end = this.#lastEnds.get(channel);
      if (end && end.atMs >= checkedAtMs) {
        this.#end(socket, end.reason);
        return;
      }
    }
    this.#metrics.connects.inc({ code: "OK" });
    this.#push(socket, "session.ready", {
      user,
      connectionId: socket.id,
      protocolVersion: PROTOCOL_VERSION,
      serverTimeMs: Date.now(),
      expiresAtMs,
      routerRtpCapabilities: this.#routerRtpCapabilities,
    });
    this.#armExpiry(socket);
    this.#presence.connected(user.id, socket.id);
    socket.data.log.debug("connected");
  }

  #gone(socket: GatewaySocket): void {
    // A client that only leaves the namespace would stay subscribed on uWS and hear on, signed out or banned.
    socket.conn.close();
    clearTimeout(socket.data.expiry);
    this.#presence.disconnected(socket.data.user.id, socket.id);
    const { ended } = socket.data;
    this.events.emit("disconnected", socket.id, ended === "signedOut" || ended === "kicked" || ended === "banned");
    socket.data.log.debug("disconnected");
  }

  #extend(connectionId: string, expiresAtMs: number): void {
    const socket = this.#io.sockets.sockets.get(connectionId) as GatewaySocket | undefined;
    if (!socket) return;
    socket.data.expiresAtMs = expiresAtMs;
    this.#armExpiry(socket);
  }

  #armExpiry(socket: GatewaySocket): void {
    clearTimeout(socket.data.expiry);
    const leftMs = socket.data.expiresAtMs - Date.now();
    socket.data.expiry = setTimeout(
      () => {
        if (Date.now() >= socket.data.expiresAtMs) this.#end(socket, "expired");
        else this.#armExpiry(socket);
      },
      Math.min(Math.max(leftMs, 1), MAX_TIMER_MS),
    );
  }

  #endEverywhere(target: EndTarget, reason: EndReason): void {
    this.#endHere(target, reason);
    if (this.#options.adapterFactory) this.#io.serverSideEmit(CLUSTER_END, target, reason);
  }

  #endHere(target: EndTarget, reason: EndReason): void {
    const channel = "userId" in target ? channels.user(target.userId) : channels.session(target.sessionId);
    this.#rememberEnd(channel, reason);
    for (const socketId of [...(this.#io.sockets.adapter.rooms.get(channel) ?? [])]) {
      const socket = this.#io.sockets.sockets.get(socketId);
      if (socket) this.#end(socket as GatewaySocket, reason);
    }
  }

  #rememberEnd(channel: string, reason: EndReason): void {
    const atMs = Date.now();
    for (const [key, end] of this.#lastEnds) {
      if (end.atMs > atMs - END_MEMORY_MS) break;
      this.#lastEnds.delete(key);
    }
    this.#lastEnds.delete(channel);
    this.#lastEnds.set(channel, { reason, atMs });
  }

  /** Last push, then the connection itself: `disconnect()` alone would leave the socket subscribed on uWS. */
  #end(socket: GatewaySocket, reason: EndedReason): void {
    this.#tellEnd(socket, reason);
    socket.disconnect(true);
  }

  #tellEnd(socket: GatewaySocket, reason: EndedReason): void {
    if (socket.data.ended) return;
    socket.data.ended = reason;
    this.#metrics.ended.inc({ reason });
    this.#push(socket, "session.ended", { reason, reconnect: comeBack[reason] });
    socket.data.log.info({ reason }, "connection ended");
  }

  #push<P extends "session.ready" | "session.ended">(socket: GatewaySocket, name: P, payload: PushPayload<P>): void {
    (socket as { emit(name: string, payload: unknown): boolean }).emit(name, payload);
  }

  #sockets(): GatewaySocket[] {
    return [...this.#io.sockets.sockets.values()] as GatewaySocket[];
  }
}
