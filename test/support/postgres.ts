import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const START_LIMIT_MS = 30_000;

export type TestPostgres = {
  /** The connection string of a fresh, empty database. */
  createDatabase(): Promise<string>;
  /** Cuts all connections without a goodbye; committed data stays. */
  kill(): Promise<void>;
  /** Again, after `kill()`, on the same port. */
  start(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
};

/** Why a test on PostgreSQL can't run here, for `test(…, { skip })`. In CI it throws instead: there it must run. */
export function postgresMissing(): string | false {
  if (binFolder()) return false;
  const reason = "PostgreSQL's server programs are not installed (apt-get install postgresql)";
  if (process.env.CI) throw new Error(reason);
  return reason;
}

/** A PostgreSQL of one's own, on a free port, in a temporary folder; it dies with this process. */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = binFolder();
  if (!bin) throw new Error(postgresMissing() || "unreachable");
  const folder = mkdtempSync(join(tmpdir(), "parlance-postgres-"));
  const data = join(folder, "data");
  const port = await freePort();
  const asOwner = ownerArguments(folder);

  execFileSync("setpriv", [
    ...asOwner,
    join(bin, "initdb"),
    "--pgdata",
    data,
    ...["--username", "parlance", "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C"],
  ]);
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
    max_connections: 100,
    // The machine does not crash in these tests, only processes do.
    fsync: "off",
  };
  let child: ChildProcess | undefined;
  const address = (name: string) => `postgres://parlance@127.0.0.1:${port}/${name}`;
  const start = async () => {
    const words = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const command = [...asOwner, "--pdeathsig", "INT", join(bin, "postgres"), "-D", data, ...words];
    const started = spawn("setpriv", command, { stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    let printed = "";
    started.stderr.on("data", (chunk) => {
      printed = (printed + chunk).slice(-10_000);
    });
    try {
      await answering(address("postgres"), started);
    } catch (error) {
      await stop();
      throw new Error(`PostgreSQL did not start:\n${printed}`, { cause: error });
    }
  };
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    // SIGQUIT is its immediate shutdown: connections are cut, and the next start recovers.
    child.kill("SIGQUIT");
    await exited;
  };
  const stop = async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  await start();
  return {
    async createDatabase() {
      const name = `test_${randomUUID().replaceAll("-", "")}`;
      await query(address("postgres"), `create database ${name}`);
      return address(name);
    },
    kill,
    start,
    stop,
  };
}

async function answering(address: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await query(address, "select 1");
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

async function query(connectionString: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** postgres refuses to run as root, so root runs it as the user that Debian's package made. */
function ownerArguments(folder: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  const [uid, gid] = [id("-u"), id("-g")];
  chownSync(folder, uid, gid);
  return ["--reuid", String(uid), "--regid", String(gid), "--clear-groups"];
}

function binFolder(): string | undefined {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(root, version, "bin")).find((bin) => existsSync(join(bin, "postgres")));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
