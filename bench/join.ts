import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Connection, type RoomLink, RoomSession, request } from "#client";
import { listen, PEER_RATE, speak, webRtcInNode } from "../cli/node-peer.ts";

const LIMIT_MS = 20_000;

/**
 * Time from a fresh peer's join call to its first audio packet, in a room where somebody speaks; server, speaker and joiners on
 * this machine. A packet counts once its sound comes out of the decoder: WebRTC's own packet counters are up to 50 ms late.
 * `--joins N` (30).
 */
export async function run(args: string[]): Promise<object> {
  const { values } = parseArgs({ args, options: { joins: { type: "string", default: "30" } } });
  const joins = Number(values.joins);
  const dataDir = await mkdtemp(join(tmpdir(), "parlance-bench-"));
  const { server, url } = await startServer(dataDir);
  try {
    const peer = webRtcInNode();
    const connection = await connect(url, "Speaker");
    const { room } = await connection.call("room.create", { topic: "Bench" });
    const speaking = new RoomSession(connection, room.id, peer);
    await speaking.join();
    const tone = Int16Array.from(
      { length: PEER_RATE },
      (_, i) => 8_000 * Math.sin((2 * Math.PI * 440 * i) / PEER_RATE),
    );
    const speaker = speak(tone, { loop: true });
    await speaking.publish(speaker.track);

    const measured: Measured[] = [];
    for (let at = 0; at <= joins; at += 1) {
      const one = await joinOnce(await connect(url, `Joiner ${at}`), room.id, peer);
      // The first one pays for code that is loaded and compiled.
      if (at > 0) measured.push(one);
      console.error(`join ${at}/${joins}: ${Math.round(one.audioMs)} ms`);
    }
    speaker.stop();
    await speaking.leave();
    connection.close();
    const times = measured.map((one) => one.audioMs);
    const roundTrips = Math.max(...measured.map((one) => one.roundTrips));
    return { bench: "join", joins, p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95), roundTrips };
  } finally {
    const exited = once(server, "exit");
    if (server.exitCode === null && server.kill("SIGTERM")) await exited;
    await rm(dataDir, { recursive: true, force: true });
  }
}

type Measured = { audioMs: number; roundTrips: number };

async function joinOnce(
  connection: Connection,
  roomId: string,
  peer: Pick<ConstructorParameters<typeof RoomSession>[2] & object, "handlerName">,
): Promise<Measured> {
  let roundTrips = 0;
  const counting: RoomLink = {
    on: connection.on.bind(connection),
    onState: connection.onState.bind(connection),
    ready: connection.ready.bind(connection),
    call: (name, input) => {
      roundTrips += 1;
      return connection.call(name, input);
    },
  };
  const session = new RoomSession(counting, roomId, peer);
  let ear: ReturnType<typeof listen> | undefined;
  session.subscribe(() => {
    const [first] = session.snapshot().tracks;
    if (first) ear ??= listen(first.track);
  });
  const calledAt = performance.now();
  await session.join();
  let heardAt: number | undefined;
  for (; heardAt === undefined; heardAt = ear?.heardAt()) {
    if (performance.now() - calledAt > LIMIT_MS) throw new Error(`no audio in ${LIMIT_MS} ms`);
    await sleep(2);
  }
  const measured = { audioMs: heardAt - calledAt, roundTrips };
  ear?.stop();
  await session.leave();
  connection.close();
  return measured;
}

async function connect(url: string, name: string): Promise<Connection> {
  const { accessToken } = await request(url, "signInAsGuest", { name });
  const connection = new Connection(url, { token: () => accessToken });
  await connection.ready();
  return connection;
}

async function startServer(dataDir: string): Promise<{ server: ChildProcess; url: string }> {
  const server = spawn(process.execPath, [join(import.meta.dirname, "../src/main.ts")], {
    env: {
      ...process.env,
      PORT: "0",
      HOST: "127.0.0.1",
      DATA_DIR: dataDir,
      LOG_LEVEL: "error",
      PARLANCE_MEDIA_ADDRESS: "127.0.0.1",
      // One client process stands for many people here.
      PARLANCE_SIGN_INS_PER_MINUTE: "100000",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
    createInterface(server.stdout).on("line", (line) => {
      const ready = /ready at (http\S+)/.exec(line)?.[1];
      if (ready) resolve(ready);
    });
  });
  return { server, url };
}

/** Nearest rank, rounded to 0.1. */
function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(10 * (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN)) / 10;
}
