import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { randomUUID } from "node:crypto";
import type { Registry } from "prom-client";
import {
  type EndpointName,
  type EndpointReply,
  type EndpointRequest,
  endpoints,
  errors,
  limits,
  PROTOCOL_VERSION,
  type Reply,
  toAzureAssessment,
} from "#protocol";
import type { Accounts, Identity } from "../accounts/accounts.ts";
import type { Config } from "../config.ts";
import type { Drills } from "../drills/drills.ts";
import type { ReferenceAudio } from "../drills/reference-audio.ts";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Rate, RateLimiter } from "../lib/rate-limiter.ts";
import { errorReply } from "./error-reply.ts";
import { HttpExchange } from "./http-exchange.ts";
import type { HubMetrics } from "./hub-metrics.ts";
import { originAllowed } from "./origins.ts";
import { parseRequest } from "./parse-request.ts";
import type { ReadinessCheck } from "./ports.ts";
import { StaticFiles } from "./static-files.ts";

/** Requests of one address, all endpoints together: a whole school behind one address still gets in. */
const REST_RATE: Rate = { perSecond: 50, burst: 200 };
const READINESS_LIMIT_MS = 2_000;
/** Reference audio of one user: a lesson's words one after the other, but no copy of the voice. */
const REFERENCE_RATE: Rate = { perSecond: 2, burst: 20 };
const SIGN_INS = new Set<EndpointName>(["signInAsGuest", "signUp", "signIn"]);

export type HttpSideOptions = {
  config: Pick<Config, "PARLANCE_ORIGINS" | "PARLANCE_SIGN_INS_PER_MINUTE" | "PARLANCE_GUESTS" | "PARLANCE_ACCOUNTS">;
  log: Logger;
  accounts: Accounts;
  nodeId: string;
  metrics: HubMetrics;
  registry: Registry;
  limiter: RateLimiter;
  readiness: Record<string, ReadinessCheck>;
  referenceAudio: Pick<ReferenceAudio, "languages" | "speak">;
  drills: Pick<Drills, "attempt" | "languages">;
  addressOf: (res: HttpResponse, req: HttpRequest) => string;
  webRoot: string;
};

/** Answers an endpoint; `identity` is there where the endpoint's `auth` asks for it. */
type Action<E extends EndpointName> = (
  input: EndpointRequest<E>,
  identity: Identity,
) => Promise<EndpointReply<E>> | EndpointReply<E>;

/** Everything on the port that is no socket: REST, health, metrics and the page. */
export class HttpSide {
  readonly #options: HttpSideOptions;
  readonly #actions: { [E in EndpointName]: Action<E> };
  readonly #byRoute: ReadonlyMap<string, EndpointName>;

  constructor(options: HttpSideOptions) {
    const { accounts, config, nodeId, referenceAudio, drills } = options;
    this.#options = options;
    this.#byRoute = new Map(
      Object.entries(endpoints).map(([name, { method, path }]) => [`${method} ${path}`, name as EndpointName]),
    );
    this.#actions = {
      serverInfo: () => ({
        protocolVersion: PROTOCOL_VERSION,
        guests: config.PARLANCE_GUESTS,
        accounts: config.PARLANCE_ACCOUNTS,
        nodeId,
        referenceLanguages: [...referenceAudio.languages],
      }),
      signInAsGuest: (input) => accounts.signInAsGuest(input),
      signUp: (input) => accounts.signUp(input),
      signIn: (input) => accounts.signIn(input),
      refresh: (input) => accounts.refresh(input),
      signOut: async (_, identity) => {
        await accounts.signOut(identity);
        return {};
      },
      referenceAudio: (input, { user }) => {
        this.#limit("reference", user.id, REFERENCE_RATE);
        return referenceAudio.speak(input);
      },
      azureAssessment: async ({ attemptId, alphabet }, { user }) => {
        const { attempt } = await drills.attempt({ userId: user.id }, attemptId);
        const pack = drills.languages().languages.find(({ language }) => language === attempt.language);
        return toAzureAssessment(attempt, alphabet, pack?.sounds);
      },
      ban: async (input, { user }) => {
        await accounts.ban(user, input);
        return {};
      },
      unban: async (input, { user }) => {
        await accounts.unban(user, input);
        return {};
      },
      kick: async (input, { user }) => {
        await accounts.kick(user, input);
        return {};
      },
    };
  }

  async attach(app: TemplatedApp): Promise<void> {
    const files = await StaticFiles.load(this.#options.webRoot);
    app.any("/*", (res, req) => {
      const address = this.#options.addressOf(res, req);
      const exchange = new HttpExchange(res, req);
      this.#route(exchange, address, files).catch((error: unknown) => {
        const body = errorReply(error, { id: randomUUID(), log: this.#options.log });
        sendReply(exchange, { ok: false, error: body }, {});
      });
    });
  }

  async #route(exchange: HttpExchange, address: string, files: StaticFiles): Promise<void> {
    const { method, path } = exchange;
    if (path.startsWith("/api/")) return this.#api(exchange, address);
    if (method !== "GET" && method !== "HEAD") throw new AppError("NOT_FOUND");
    if (path === "/healthz") return sendJson(exchange, 200, { ok: true });
    if (path === "/readyz") return this.#ready(exchange);
    if (path === "/metrics") {
      const { registry } = this.#options;
      return exchange.respond(200, { "content-type": registry.contentType }, await registry.metrics());
    }
    if (!files.serve(exchange)) throw new AppError("NOT_FOUND");
  }

  async #api(exchange: HttpExchange, address: string): Promise<void> {
    const { origin, host } = exchange.headers;
    const mayUse = originAllowed(origin, host, this.#options.config.PARLANCE_ORIGINS);
    const cors: Record<string, string> = { vary: "Origin" };
    if (mayUse && origin) cors["access-control-allow-origin"] = origin;
    if (exchange.method === "OPTIONS" && mayUse) {
      return exchange.respond(204, {
        ...cors,
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "7200",
      });
    }
    const name = this.#byRoute.get(`${exchange.method} ${exchange.path}`);
    const request = { id: randomUUID(), log: this.#options.log };
    let reply: Reply<unknown>;
    try {
      if (!mayUse) throw new AppError("ORIGIN_NOT_ALLOWED");
      if (!name) throw new AppError("NOT_FOUND");
      reply = { ok: true, data: await this.#answer(name, exchange, address) };
    } catch (error) {
      reply = { ok: false, error: errorReply(error, request) };
    }
    const code = reply.ok ? "OK" : reply.error.code;
    this.#options.metrics.rest.inc({ name: name ?? "unknown", code });
    this.#options.log.debug({ requestId: request.id, endpoint: name, code }, "REST request");
    if (reply.ok && reply.data instanceof Uint8Array) sendWav(exchange, reply.data, cors);
    else sendReply(exchange, reply, cors);
  }

  async #answer<E extends EndpointName>(name: E, exchange: HttpExchange, address: string): Promise<unknown> {
    this.#limit("rest", address, REST_RATE);
    const perMinute = this.#options.config.PARLANCE_SIGN_INS_PER_MINUTE;
    if (SIGN_INS.has(name)) this.#limit("signIn", address, { perSecond: perMinute / 60, burst: perMinute });
    const { auth, request, method } = endpoints[name];
    const input =
      method === "GET" ? readQuery(exchange.query) : readJson(await exchange.body(limits.restBodyBytes), exchange);
    const parsed = parseRequest(request, input) as EndpointRequest<E>;
    let identity: Identity | undefined;
    if (auth !== "none") {
      identity = await this.#options.accounts.authenticate(bearer(exchange));
      if (auth === "moderator" && identity.user.role === "member") throw new AppError("FORBIDDEN");
    }
    // An action of an endpoint without `auth` never looks at it.
    return this.#actions[name](parsed, identity as Identity);
  }

  #limit(scope: "rest" | "signIn" | "reference", who: string, rate: Rate): void {
    const retryAfterMs = this.#options.limiter.take(`${scope} ${who}`, rate);
    if (retryAfterMs === 0) return;
    this.#options.metrics.rateLimited.inc({ scope });
    throw new AppError("RATE_LIMITED", undefined, { retryAfterMs });
  }

  async #ready(exchange: HttpExchange): Promise<void> {
    const checks = await Promise.all(
      Object.entries(this.#options.readiness).map(async ([name, check]) => {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error("no answer in time")), READINESS_LIMIT_MS);
        });
        try {
          return [name, (await Promise.race([check(), late])) === "degraded" ? "degraded" : "ok"] as const;
        } catch (error) {
          this.#options.log.warn({ err: error, check: name }, "not ready");
          return [name, "failing"] as const;
        } finally {
          clearTimeout(timer);
        }
      }),
    );
    const ok = checks.every(([, state]) => state !== "failing");
    sendJson(exchange, ok ? 200 : 503, { ok, checks: Object.fromEntries(checks) });
  }
}

function bearer(exchange: HttpExchange): string {
  const token = /^Bearer (\S{1,8192})$/i.exec(exchange.headers.authorization ?? "")?.[1];
  if (!token) throw new AppError("UNAUTHENTICATED");
  return token;
}

/** @throws AppError INVALID_REQUEST for a name that is there twice */
function readQuery(query: string): Record<string, string> {
  const pairs = [...new URLSearchParams(query)];
  const values = Object.fromEntries(pairs);
  if (Object.keys(values).length < pairs.length)
    throw new AppError("INVALID_REQUEST", undefined, { path: "", problem: "each parameter once" });
  return values;
}

function readJson(body: string, exchange: HttpExchange): unknown {
  if (body === "") return {};
  if (!/^application\/json\b/i.test(exchange.headers["content-type"] ?? ""))
    throw new AppError("INVALID_REQUEST", undefined, { path: "", problem: "content-type must be application/json" });
  try {
    return JSON.parse(body);
  } catch {
    throw new AppError("INVALID_REQUEST", undefined, { path: "", problem: "not JSON" });
  }
}

function sendReply(exchange: HttpExchange, reply: Reply<unknown>, headers: Record<string, string>): void {
  const retryAfterMs = reply.ok ? undefined : reply.error.details?.retryAfterMs;
  const retry: Record<string, string> =
    typeof retryAfterMs === "number" ? { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) } : {};
  sendJson(exchange, reply.ok ? 200 : errors[reply.error.code].status, reply, { ...headers, ...retry });
}

function sendWav(exchange: HttpExchange, wav: Uint8Array, headers: Record<string, string>): void {
  exchange.respond(
    200,
    {
      "content-type": "audio/wav",
      // The same words always sound the same; shared caches must not keep what a user reads.
      "cache-control": "private, max-age=86400",
      "x-content-type-options": "nosniff",
      ...headers,
      vary: "Origin, Authorization",
    },
    wav,
  );
}

function sendJson(
  exchange: HttpExchange,
  status: number,
  value: { ok: boolean; checks?: Record<string, string> } | Reply<unknown>,
  headers: Record<string, string> = {},
): void {
  const common = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  exchange.respond(status, { ...common, ...headers }, JSON.stringify(value));
}
