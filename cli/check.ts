import { constants, existsSync } from "node:fs";
import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { type Config, ConfigError, parseConfig } from "../src/config.ts";
import { createLogger } from "../src/lib/logger.ts";
import type { Command } from "./command.ts";

/** `off`: not configured, and nothing asks for it. `warn`: works, but not for everybody. */
export type Finding = { name: string; status: "ok" | "warn" | "fail" | "off"; detail: string; remedy?: string };

type Check = { name: string; look: (config: Config) => Promise<Omit<Finding, "name">>; remedy: string };

const usage = "check [--json]: looks at this host with the settings of the environment";
const TURN_LIMIT_MS = 8_000;
const quiet = createLogger("silent");
const voiceRemedy =
  "Install espeak-ng, or set PARLANCE_REFERENCE_VOICES to voices of its list (espeak-ng --voices) or to off.";

/** What each part needs to work here; a look that throws is a failure with the check's remedy. */
const checks: Check[] = [
  { name: "page and socket port", look: lookAtPort, remedy: "Set PORT and HOST to an address that is free here." },
  {
    name: "database",
    look: lookAtDatabase,
    remedy: "Set DATABASE_URL to a PostgreSQL that runs, or DATA_DIR to a folder that may be written.",
  },
  {
    name: "Redis",
    look: lookAtRedis,
    remedy: "Set REDIS_URL to a Redis 6.2 or later that runs, or leave it out for one process.",
  },
  {
    name: "media",
    look: lookAtMedia,
    remedy:
      "Run npm start once to install the worker (or set MEDIASOUP_WORKER_BIN), and keep PARLANCE_MEDIA_PORT and the ones after it free.",
  },
  {
    name: "TURN",
    look: lookAtTurn,
    remedy:
      "Is coturn running, are its ports open, and is its static-auth-secret PARLANCE_TURN_SECRET? See coturn/turnserver.conf.",
  },
  {
    name: "reference voice",
    look: lookAtReferenceVoice,
    remedy: voiceRemedy,
  },
  {
    name: "speech model",
    look: lookAtModel,
    remedy: "Set PARLANCE_MODEL_DIR to a folder of language packs, such as models.",
  },
];

/** Looks at every part of this host that the configuration names, one after the other; at none after a wrong configuration. */
export async function* findings(env: Record<string, string | undefined>): AsyncGenerator<Finding> {
  yield lookAtNode();
  let config: Config;
  try {
    config = parseConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy = "See docs/configuration.md.";
    yield { name: "configuration", status: "fail", detail: error.message.replaceAll("\n", "; "), remedy };
    return;
  }
  yield { name: "configuration", status: "ok", detail: `${config.PARLANCE_MODE} mode` };
  for (const { name, look, remedy } of checks) {
    const found = await look(config).catch((error) => ({ status: "fail" as const, detail: messageOf(error), remedy }));
    yield { name, ...found };
  }
}

/** The `check` command: says what works on this host. Status 1 if something required does not, 2 for wrong arguments. */
export const check: Command = async (args) => {
  const json = args.length === 1 && args[0] === "--json";
  if (args.length > 0 && !json) {
    console.error(usage);
    return 2;
  }
  const found: Finding[] = [];
  for await (const finding of findings(process.env)) {
    found.push(finding);
    if (json) continue;
    console.log(`${finding.status.padEnd(4)}  ${finding.name.padEnd(20)}  ${finding.detail}`);
    if (finding.remedy) console.log(`${"".padEnd(28)}→ ${finding.remedy}`);
  }
  const ok = found.every(({ status }) => status !== "fail");
  if (json) console.log(JSON.stringify({ ok, checks: found }, null, 2));
  return ok ? 0 : 1;
};

function lookAtNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const detail = `${process.versions.node} at ${process.execPath}`;
  if (major === 22 && minor >= 18) return { name: "Node", status: "ok", detail };
  return {
    name: "Node",
    status: "fail",
    detail,
    remedy: "Use npm run cli, which brings Node 22 along, or install it.",
  };
}

async function lookAtPort(config: Config): Promise<Omit<Finding, "name">> {
  const address = `${config.HOST}:${config.PORT}`;
  if (await runsHere(config)) return { status: "ok", detail: `${address}: a Parlance server answers there` };
  await new Promise<void>((free, reject) => {
    const server = createServer().once("error", reject);
    server.listen(config.PORT, config.HOST, () => server.close(() => free()));
  });
  return { status: "ok", detail: `${address} is free` };
}

/** Whether a Parlance server already holds the configured address: then its own ports are naturally in use. */
async function runsHere(config: Config): Promise<boolean> {
  if (config.PORT === 0) return false;
  const host = config.HOST === "0.0.0.0" || config.HOST === "::" ? "127.0.0.1" : config.HOST;
  try {
    const answer = await fetch(`http://${host}:${config.PORT}/api/info`, { signal: AbortSignal.timeout(2_000) });
    return "protocolVersion" in ((await answer.json()) as { data: object }).data;
  } catch {
    return false;
  }
}

async function lookAtDatabase(config: Config): Promise<Omit<Finding, "name">> {
  if (config.DATABASE_URL) {
    const client = new pg.Client({ connectionString: config.DATABASE_URL, connectionTimeoutMillis: 5_000 });
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string; create: boolean }>(
        "select current_setting('server_version') as version, has_schema_privilege(current_schema(), 'create') as create",
      );
      if (!rows[0]?.create) throw new Error("this user may not create tables there");
      return { status: "ok", detail: `PostgreSQL ${rows[0].version}` };
    } finally {
      // Not awaited: it never ends on a connection that was not made.
      client.end().catch(() => undefined);
    }
  }
  let folder = resolve(config.DATA_DIR);
  while (!existsSync(folder)) folder = dirname(folder);
  await access(folder, constants.W_OK | constants.X_OK);
  // In memory, so that looking changes nothing and disturbs no running server.
  const embedded = new PGlite();
  await embedded.query("select 1");
  await embedded.close();
  return { status: "ok", detail: `embedded PGlite, kept in ${resolve(config.DATA_DIR)}` };
}

async function lookAtRedis(config: Config): Promise<Omit<Finding, "name">> {
  if (!config.REDIS_URL) return { status: "off", detail: "not configured: one process by itself" };
  const { openRedis, redisReady } = await import("../src/cluster/redis.ts");
  const redis = openRedis(config.REDIS_URL, "parlance-check", quiet);
  try {
    await redisReady(redis, 5_000);
    const version = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1] ?? "?";
    return { status: "ok", detail: `Redis ${version}` };
  } finally {
    redis.disconnect();
  }
}

/** Starts the configured workers on their ports and asks for a transport, as a join does. */
async function lookAtMedia(config: Config): Promise<Omit<Finding, "name">> {
  const { MediaWorkers } = await import("../src/media/media.ts");
  const { createMetrics } = await import("../src/lib/metrics.ts");
  const inUse = config.PARLANCE_MEDIA_PORT !== 0 && (await runsHere(config));
  const media = await MediaWorkers.start({
    workers: inUse ? 1 : config.PARLANCE_MEDIA_WORKERS,
    address: config.PARLANCE_MEDIA_ADDRESS,
    announced: config.PARLANCE_MEDIA_ANNOUNCED,
    port: inUse ? 0 : config.PARLANCE_MEDIA_PORT,
    workerBin: config.MEDIASOUP_WORKER_BIN,
    log: quiet,
    metrics: createMetrics(),
  });
  try {
    const room = await media.openRoom();
    const peer = await room.addPeer("check", media.routerRtpCapabilities, { consumerClosed: () => undefined });
    const candidates = peer.receive.iceCandidates.map(
      (one) => one as { protocol: string; address: string; port: number },
    );
    const addresses = [...new Set(candidates.map(({ address }) => address))];
    const detail = `worker runs; clients send to ${candidates.map((one) => `${one.protocol} ${one.address}:${one.port}`).join(", ")}`;
    if (candidates.length === 0) throw new Error("the worker offers no ICE candidate");
    if (!addresses.every(isPrivate)) return { status: "ok", detail };
    const remedy =
      "Only this machine or network can reach these. For others set PARLANCE_MEDIA_ANNOUNCED to the public address.";
    return { status: "warn", detail, remedy };
  } finally {
    await media.close();
  }
}

/** Addresses of RFC 1918, RFC 5737, RFC 6598, loopback and link-local; unique local ones in IPv6. */
function isPrivate(address: string): boolean {
  return /^(10\.|127\.|169\.254\.|192\.168\.|192\.0\.2\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe80:)/i.test(
    address,
  );
}

/** Asks every TURN address for a relayed address with credentials like those a client gets. */
async function lookAtTurn(config: Config): Promise<Omit<Finding, "name">> {
  const urls = config.PARLANCE_TURN_URLS.filter((url) => /^turns?:/.test(url));
  if (urls.length === 0) {
    const remedy = "Clients behind strict firewalls need one: set PARLANCE_TURN_URLS and PARLANCE_TURN_SECRET.";
    return { status: "off", detail: "not configured", remedy };
  }
  if (!config.PARLANCE_TURN_SECRET)
    throw new Error("PARLANCE_TURN_SECRET is not set, so that clients get no credentials");
  const { iceServers } = await import("../src/rooms/ice-servers.ts");
  const relays: string[] = [];
  for (const url of urls) {
    const servers = iceServers({ urls: [url], secret: config.PARLANCE_TURN_SECRET }, "check");
    relays.push(`${url} relays by ${await relayedAddress(servers as RTCIceServer[], url)}`);
  }
  return { status: "ok", detail: relays.join(", ") };
}

async function relayedAddress(iceServers: RTCIceServer[], url: string): Promise<string> {
  const { default: wrtc } = await import("@roamhq/wrtc");
  const connection = new wrtc.RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((found, reject) => {
      let told = "";
      connection.onicecandidate = ({ candidate }) => {
        const address = / (\S+) (\d+) typ relay/.exec(candidate?.candidate ?? "");
        if (address) found(`${address[1]}:${address[2]}`);
      };
      connection.onicecandidateerror = ({ errorCode, errorText }) => {
        told = ` (${errorCode} ${errorText})`;
      };
      timer = setTimeout(() => reject(new Error(`${url} gives no relayed address${told}`)), TURN_LIMIT_MS);
      connection.createDataChannel("check");
      connection
        .createOffer()
        .then((offer) => connection.setLocalDescription(offer))
        .catch(reject);
    });
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}

/** Lets each configured voice say a word. The page does without where there is none. */
async function lookAtReferenceVoice(config: Config): Promise<Omit<Finding, "name">> {
  const names = config.PARLANCE_REFERENCE_VOICES;
  if (names.length === 0) return { status: "off", detail: "turned off" };
  const { EspeakVoice } = await import("../src/phonemes/espeak-voice.ts");
  const voice = await EspeakVoice.find(names);
  if (!voice)
    return {
      status: "warn",
      detail: `none of ${names.join(", ")}: nothing can be played as an example`,
      remedy: voiceRemedy,
    };
  for (const language of voice.languages) await voice.speak({ text: "one" }, { language, speed: 1 });
  return { status: "ok", detail: `espeak-ng speaks ${voice.languages.join(", ")}` };
}

/** Loads each pack and runs it on two seconds of silence. */
async function lookAtModel(config: Config): Promise<Omit<Finding, "name">> {
  const { packFolders } = await import("../src/phonemes/pack-folders.ts");
  const dirs = packFolders(resolve(import.meta.dirname, "..", config.PARLANCE_MODEL_DIR));
  if (dirs.length === 0) throw new Error(`no language pack in ${config.PARLANCE_MODEL_DIR}`);
  const found: string[] = [];
  for (const dir of dirs) found.push(await lookAtPack(dir));
  return { status: "ok", detail: found.join("; ") };
}

async function lookAtPack(dir: string): Promise<string> {
  const { loadPack } = await import("../workers/phoneme/pack.ts");
  const { ScoringEngine } = await import("../workers/phoneme/engine.ts");
  const pack = await loadPack(dir);
  const engine = new ScoringEngine(pack);
  const seconds = 2;
  let judged = false;
  const stream = engine.open([{ text: "any", pronunciations: [pack.phones.slice(0, 3)] }], (event) => {
    judged ||= event.type === "result";
  });
  const startedAt = performance.now();
  stream.push(new Int16Array(seconds * 16_000));
  stream.end();
  while (await engine.step());
  const speed = (seconds * 1000) / (performance.now() - startedAt);
  const { name } = pack.manifest;
  if (!judged) throw new Error(`the model of ${name} loads, but judges nothing`);
  return `${name}: ${speed.toFixed(0)} times real time for one speaker`;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
