import { availableParallelism } from "node:os";
import { z } from "zod";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const list = z.string().transform((text) => text.split(",").flatMap((part) => part.trim() || []));
const secret = z.string().min(32, "at least 32 characters");
const keyRing = z.string().transform((text, context) => {
  const keys = text.split(",").map((pair) => {
    // Without a colon there is no id: the secret must not become one, for ids travel in every token's header.
    const at = Math.max(0, pair.indexOf(":"));
    return { id: pair.slice(0, at).trim(), secret: pair.slice(at + 1).trim() };
  });
  if (keys.some((key) => !/^[\w-]{1,32}$/.test(key.id) || key.secret.length < 32))
    context.addIssue("must be id:secret pairs, comma-separated, with secrets of at least 32 characters");
  return keys;
});

/**
 * Every setting, by the environment variable it is read from. `.env.example` and docs/configuration.md are made from
 * this table. An unknown variable that starts with PARLANCE_ is fatal, so that a typing error can't pass in silence.
 */
export const settings = {
  PORT: setting("TCP port of the page, the REST part and the socket; 0 takes any free one.", count(0, 65_535), 3_000),
  HOST: setting("Address to listen on.", z.string(), "0.0.0.0"),
  DATA_DIR: setting("Folder of the embedded database and of generated secrets.", z.string().min(1), "data"),
  DATABASE_URL: setting(
    "PostgreSQL; without it the embedded PGlite in DATA_DIR.",
    z.url({ protocol: /^postgres(ql)?$/ }),
  ),
  REDIS_URL: setting("Redis, for more than one process.", z.url({ protocol: /^rediss?$/ })),
  MEDIASOUP_WORKER_BIN: setting("The mediasoup worker binary, where it is not the package's own.", z.string().min(1)),
  LOG_LEVEL: setting(
    "Least level that is logged.",
    z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    "info",
  ),
  PARLANCE_MODE: setting(
    "production refuses to start without PARLANCE_KEYS and without a fixed origin list.",
    z.enum(["demo", "production"]),
    "demo",
  ),
  PARLANCE_NODE_ID: setting("Name of this process in a cluster; random by default.", z.string().regex(/^[\w-]{1,32}$/)),
  PARLANCE_KEYS: setting(
    "Token keys as id:secret,id:secret. The first signs, all verify: put a new one first, drop the old one a day later. Generated for the demo and kept in DATA_DIR, or in the PostgreSQL of DATABASE_URL.",
    keyRing,
  ),
  PARLANCE_JWKS_URL: setting("Key set of an external token issuer whose users may connect.", z.url()),
  PARLANCE_JWKS_ISSUER: setting("`iss` that external tokens must carry.", z.string().min(1)),
  PARLANCE_JWKS_AUDIENCE: setting("`aud` that external tokens must carry.", z.string().min(1), "parlance"),
  PARLANCE_ACCESS_TOKEN_MS: setting("Life of an access token.", count(1_000, 86_400_000), 900_000),
  PARLANCE_SESSION_MS: setting("Life of a session without a refresh.", count(60_000, 31_536_000_000), 2_592_000_000),
  PARLANCE_GUESTS: setting("Whether one may sign in with a name alone.", flag, true),
  PARLANCE_ACCOUNTS: setting("Whether one may make an account.", flag, true),
  PARLANCE_ADMIN_PASSWORD: setting(
    "Where set, an account `admin` with this password and the admin role exists.",
    z.string().min(12),
  ),
  PARLANCE_ORIGINS: setting(
    "Browser origins that may connect, comma-separated and exact. By default only the page this server serves itself.",
    list,
    [] as string[],
  ),
  PARLANCE_TRUST_PROXY: setting(
    "Whether X-Forwarded-For's last entry is the client's address (one proxy in front that sets it).",
    flag,
    false,
  ),
  PARLANCE_CONNECTIONS_PER_USER: setting("Connections of one user at once.", count(1, 10_000), 20),
  PARLANCE_CONNECTIONS_PER_ADDRESS: setting("Connections from one address at once.", count(1, 1_000_000), 500),
  PARLANCE_SIGN_INS_PER_MINUTE: setting("Sign-ins and sign-ups from one address in a minute.", count(1, 1_000_000), 60),
  PARLANCE_BACKPRESSURE_BYTES: setting(
    "Unsent bytes at which a slow reader is closed and told to resync.",
    count(65_536, 67_108_864),
    1_048_576,
  ),
  PARLANCE_MEDIA_WORKERS: setting(
    "mediasoup workers, one core each.",
    count(1, 128),
    Math.max(1, availableParallelism() - 1),
  ),
  PARLANCE_MEDIA_ADDRESS: setting("Address media listens on.", z.string(), "0.0.0.0"),
  PARLANCE_MEDIA_ANNOUNCED: setting(
    "Address or name that clients send media to; by default the machine's own addresses.",
    z.string().min(1),
  ),
  PARLANCE_MEDIA_PORT: setting(
    "First media port, UDP and TCP; each worker takes the next. 0 takes any free ones.",
    count(0, 65_000),
    0,
  ),
  PARLANCE_ROOM_CAPACITY: setting("People in one room at the most.", count(2, 10_000), 100),
  PARLANCE_ROOM_GRACE_MS: setting("How long a place in a room outlives its connection.", count(0, 600_000), 15_000),
  PARLANCE_TURN_URLS: setting("TURN and STUN addresses for clients, comma-separated.", list, [] as string[]),
  PARLANCE_TURN_SECRET: setting("coturn's static-auth-secret, for time-limited credentials.", secret),
  PARLANCE_SCORING_THREADS: setting(
    "Worker threads that score speech.",
    count(1, 128),
    Math.max(1, availableParallelism() - 1),
  ),
  PARLANCE_SCORING_STREAMS: setting(
    "Live speakers per scoring thread at the most; more get SCORING_UNAVAILABLE.",
    count(1, 2_000),
    200,
  ),
  PARLANCE_MODEL_DIR: setting(
    "Folder of the language packs, or of the only one that is wanted.",
    z.string().min(1),
    "models",
  ),
  PARLANCE_REFERENCE_VOICES: setting(
    "espeak-ng voices for reference audio, comma-separated, one for each language, which is the voice's name up to its first hyphen; `off` for none. Without espeak-ng there are none either.",
    list.transform((names) => names.filter((name) => name !== "off")),
    ["en-us", "es"],
  ),
  PARLANCE_DRAIN_MS: setting("How long running drills and calls may go on after SIGTERM.", count(0, 3_600_000), 10_000),
} as const;

function setting<S extends z.ZodType>(
  summary: string,
  schema: S,
): { summary: string; schema: z.ZodOptional<S>; fallback: undefined };
function setting<S extends z.ZodType>(
  summary: string,
  schema: S,
  fallback: z.output<S>,
): { summary: string; schema: z.ZodDefault<S>; fallback: z.output<S> };
function setting<S extends z.ZodType>(summary: string, schema: S, fallback?: z.output<S>) {
  const optional = fallback === undefined ? schema.optional() : schema.default(fallback as never);
  return { summary, schema: optional, fallback };
}

type Settings = typeof settings;
/** The frozen settings, by variable name. */
export type Config = { readonly [K in keyof Settings]: z.output<Settings[K]["schema"]> };

/** Thrown with one line for each wrong variable; the process must not start. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Reads the configuration from variables. An empty variable counts as absent.
 * @throws ConfigError naming every wrong, missing or unknown variable at once
 */
export function parseConfig(env: Record<string, string | undefined>): Config {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const name of Object.keys(env)) {
    if (name.startsWith("PARLANCE_") && name !== "PARLANCE_URL" && !(name in settings))
      problems.push(`${name}: no such setting`);
  }
  for (const [name, { schema }] of Object.entries(settings)) {
    const parsed = schema.safeParse(env[name] === "" ? undefined : env[name]);
    if (parsed.success) config[name] = parsed.data;
    else problems.push(`${name}: ${parsed.error.issues.map((issue) => issue.message).join("; ")}`);
  }
  const requires = (name: keyof Settings, needed: keyof Settings) => {
    if (config[name] !== undefined && config[needed] === undefined) problems.push(`${needed}: required with ${name}`);
  };
  requires("PARLANCE_JWKS_URL", "PARLANCE_JWKS_ISSUER");
  requires("REDIS_URL", "DATABASE_URL");
  if (config.PARLANCE_MODE === "production") {
    if (!config.PARLANCE_KEYS) problems.push("PARLANCE_KEYS: required in production");
    if ((config.PARLANCE_ORIGINS as string[] | undefined)?.length === 0)
      problems.push("PARLANCE_ORIGINS: required in production");
    if ((config.PARLANCE_TURN_URLS as string[] | undefined)?.some((url) => url.startsWith("turn")))
      requires("PARLANCE_TURN_URLS", "PARLANCE_TURN_SECRET");
  }
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return Object.freeze(config) as Config;
}
