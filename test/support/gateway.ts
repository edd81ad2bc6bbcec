import { pino } from "pino";
import { calls } from "#protocol";
import { Accounts } from "../../src/accounts/accounts.ts";
import { loadTokenKeys } from "../../src/accounts/token-keys.ts";
import { Tokens } from "../../src/accounts/tokens.ts";
import { parseConfig } from "../../src/config.ts";
import type { Database } from "../../src/db/database.ts";
import { ReferenceAudio } from "../../src/drills/reference-audio.ts";
import { type Domains, Gateway } from "../../src/gateway/gateway.ts";
import { AppError } from "../../src/lib/app-error.ts";
import { createMetrics, type Metrics } from "../../src/lib/metrics.ts";
import { embeddedDatabase } from "./database.ts";

export type TestGateway = {
  url: string;
  gateway: Gateway;
  accounts: Accounts;
  database: Database;
  tokens: Tokens;
  metrics: Metrics;
  /** What was logged, as JSON lines. */
  log: string[];
  /** Idempotent. */
  stop(): Promise<void>;
};

export type GatewayParts = Partial<Omit<Domains, "handlers">> & {
  handlers?: Partial<Domains["handlers"]>;
  webRoot?: string;
  presenceGraceMs?: number;
};

/**
 * The gateway with accounts on an embedded database and no domains behind it, in this process: for what a whole server
 * can't be made to do, like a handler that fails. Calls that a test gives no handler answer UNAVAILABLE. One at a time.
 */
export async function startGateway(env: Record<string, string> = {}, parts: GatewayParts = {}): Promise<TestGateway> {
  const keys = `test:${"k".repeat(40)}`;
  const config = parseConfig({
    PORT: "0",
    HOST: "127.0.0.1",
    PARLANCE_KEYS: keys,
    PARLANCE_SIGN_INS_PER_MINUTE: "100000",
    ...env,
  });
  const database = await embeddedDatabase();
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line) => void lines.push(line) });
  const metrics = createMetrics();
  const tokens = new Tokens(config, await loadTokenKeys(config));
  const accounts = new Accounts({ config, users: database.users, sessions: database.sessions, tokens });
  await accounts.ensureAdmin();
  const { handlers, webRoot, presenceGraceMs, ...domains } = parts;
  const gateway = new Gateway({
    config,
    log,
    metrics,
    nodeId: "test",
    accounts,
    users: database.users,
    webRoot: webRoot ?? "no-such-folder",
    ...(presenceGraceMs === undefined ? {} : { presenceGraceMs }),
  });
  const absent = Object.fromEntries(
    Object.keys(calls).map((name) => [
      name,
      () => {
        throw new AppError("UNAVAILABLE");
      },
    ]),
  );
  const stop = async () => {
    await gateway.close();
    await database.close();
  };
  const listening = gateway.listen({
    frameSinks: { "drill.frame": () => {}, "speech.frame": () => {} },
    routerRtpCapabilities: { codecs: [] },
    readiness: {},
    referenceAudio: new ReferenceAudio(undefined),
    drills: { attempt: () => Promise.reject(new AppError("ATTEMPT_NOT_FOUND")), languages: () => ({ languages: [] }) },
    ...domains,
    handlers: { ...absent, ...handlers } as Domains["handlers"],
  });
  const { url } = await listening.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url,
    gateway,
    accounts,
    database,
    tokens,
    metrics,
    log: lines,
    stop,
  };
}
