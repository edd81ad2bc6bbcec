import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const conf = new URL("../../coturn/turnserver.conf", import.meta.url).pathname;

export type TestCoturn = { url: string; process: ChildProcess; output(): string; stop(): Promise<void> };

/** Why coturn tests can't run here; false where they can. */
export function coturnMissing(): string | false {
  return spawnSync("turnserver", ["--version"]).error ? "turnserver (Debian: coturn) is not installed" : false;
}

/** A real coturn with the project's own configuration, on the loopback address and a free port. */
export async function startCoturn(secret: string): Promise<TestCoturn> {
  const dir = await mkdtemp(join(tmpdir(), "parlance-coturn-"));
  const port = await freePort();
  const args = [
    ...["-c", conf, "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", `--listening-port=${port}`],
    // Media is on the loopback address here, which the configuration closes.
    ...["--allow-loopback-peers", "--allowed-peer-ip=127.0.0.1", "--no-tls", "--no-dtls"],
    ...[`--static-auth-secret=${secret}`, `--pidfile=${join(dir, "pid")}`, `--userdb=${join(dir, "db")}`],
  ];
  const child = spawn("turnserver", args, { stdio: ["ignore", "pipe", "pipe"], cwd: dir });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      printed += chunk;
    });
  const deadline = performance.now() + 15_000;
  while (!(await answersStun(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`coturn did not start:\n${printed}`);
    }
  }
  return {
    url: `turn:127.0.0.1:${port}?transport=udp`,
    process: child,
    output: () => printed,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Whether a STUN binding request (RFC 8489) is answered within 100 ms. Its log is no sign: it comes late, in blocks. */
async function answersStun(port: number): Promise<boolean> {
  const request = Buffer.alloc(20);
  request.writeUInt16BE(1, 0);
  request.writeUInt32BE(0x2112a442, 4);
  const socket = createSocket("udp4");
  const answered = new Promise<boolean>((resolve) => {
    socket.on("message", () => resolve(true));
    socket.on("error", () => resolve(false));
    setTimeout(() => resolve(false), 100);
  });
  socket.send(request, port, "127.0.0.1");
  const result = await answered;
  socket.close();
  return result;
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}
