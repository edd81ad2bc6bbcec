import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Connection, request } from "#client";
import type { SignedIn } from "#protocol";

const main = new URL("../../src/main.ts", import.meta.url).pathname;
const START_LIMIT_MS = 60_000;

export type TestServer = {
  url: string;
  process: ChildProcess;
  dataDir: string;
  /** All it has printed so far. */
  output(): string;
  /** SIGTERM and a wait; SIGKILL when it hangs. Idempotent. */
  stop(): Promise<void>;
};

/** A real server as a child process on a free port. It keeps `env.DATA_DIR` if one is given, else a temporary folder goes with it. */
export async function startServer(env: Record<string, string> = {}): Promise<TestServer> {
  const dataDir = env.DATA_DIR ?? (await mkdtemp(join(tmpdir(), "parlance-test-")));
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      PORT: "0",
      HOST: "127.0.0.1",
      PARLANCE_MEDIA_WORKERS: "1",
      PARLANCE_SCORING_THREADS: "1",
      PARLANCE_MEDIA_ADDRESS: "127.0.0.1",
      PARLANCE_DRAIN_MS: "200",
      LOG_LEVEL: "warn",
      ...env,
      DATA_DIR: dataDir,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  child.stderr.on("data", (chunk) => {
    printed += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`the server did not start in time:\n${printed}`));
    }, START_LIMIT_MS);
    createInterface(child.stdout).on("line", (line) => {
      printed += `${line}\n`;
      const ready = /ready at (http\S+)/.exec(line);
      if (ready?.[1]) {
        clearTimeout(timer);
        resolve(ready[1]);
      }
    });
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code ?? signal} before it was ready:\n${printed}`));
    });
  });
  return {
    url,
    process: child,
    dataDir,
    output: () => printed,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
        await exited;
        clearTimeout(timer);
      }
      if (!env.DATA_DIR) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export type Guest = SignedIn & { connection: Connection };

/** Signs in as a guest and connects. Close `connection` at the end. */
export async function guest(url: string, name: string): Promise<Guest> {
  const tokens = await request(url, "signInAsGuest", { name });
  const connection = new Connection(url, { token: () => tokens.accessToken });
  await connection.ready();
  return { ...tokens, connection };
}
