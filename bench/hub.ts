import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { request } from "#client";
import type { Order, Report } from "./hub/clients.ts";
import type { Usage } from "./hub/probe.ts";

const PEOPLE = 200;
/** Lines a second in the room; each goes to all the people, so that this is 20,000 deliveries a second. */
const PER_SECOND = 100;
const SECONDS = 4;
const ROUNDS = 5;
/** Connections over which memory is measured: idle, signed in, in no room. */
const IDLE = 2_000;

type Socket = { token: string | null; roomId: string | null };
type System = { name: "parlance" | "socketioWs" | "rawUws"; server: ChildProcess; clients: ChildProcess; url: string };

const here = import.meta.dirname;

async function startServer(name: System["name"], env: Record<string, string>): Promise<System> {
  const program =
    name === "parlance"
      ? [join(here, "../src/main.ts")]
      : [join(here, "hub/peer.ts"), name === "rawUws" ? "raw" : "socketio"];
  const server = spawn(process.execPath, ["--import", join(here, "hub/probe.ts"), ...program], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
    if (server.stdout === null) throw new Error("no output to read");
    createInterface(server.stdout).on("line", (line) => {
      const ready = /ready at (http\S+)/.exec(line)?.[1];
      if (ready) resolve(ready.replace("0.0.0.0", "127.0.0.1"));
    });
  });
  const clients = spawn(process.execPath, [join(here, "hub/clients.ts")], { stdio: ["ignore", 2, 2, "ipc"] });
  return { name, server, clients, url };
}

async function ask<T>(child: ChildProcess, message: Order | "usage" | "settle"): Promise<T> {
  const settled = new AbortController();
  const { signal } = settled;
  const answer = once(child, "message", { signal });
  const gone = once(child, "exit", { signal }).then(() => {
    throw new Error("a process under measurement has ended");
  });
  child.send(message);
  const [reply] = await Promise.race([answer, gone]);
  // Takes the other listeners off again; what they reject with then is of no interest.
  gone.catch(() => undefined);
  settled.abort();
  return reply as T;
}

/** Parlance's people are guests with a token each, in one room; the others need neither. */
async function people(system: System): Promise<Socket[]> {
  if (system.name !== "parlance") {
    return Array.from({ length: PEOPLE }, () => ({ token: system.name === "rawUws" ? null : "none", roomId: null }));
  }
  const sockets: Socket[] = [];
  let roomId: string | null = null;
  for (let at = 0; at < PEOPLE; at += 1) {
    const { accessToken } = await request(system.url, "signInAsGuest", { name: `Speaker ${at}` });
    roomId ??= await openRoom(system.url, accessToken);
    sockets.push({ token: accessToken, roomId });
  }
  return sockets;
}

async function openRoom(url: string, token: string): Promise<string> {
  const { Connection } = await import("#client");
  const connection = new Connection(url, { token: () => token });
  await connection.ready();
  const { room } = await connection.call("room.create", { topic: "Bench" });
  connection.close();
  return room.id;
}

async function kbPerConnection(system: System, sockets: Socket[]): Promise<number> {
  const idle = Array.from({ length: IDLE }, (_, at) => ({ token: sockets[at % PEOPLE]?.token ?? null, roomId: null }));
  // The first connections warm the code up; only growth after them is counted.
  await ask<Report>(system.clients, { kind: "connect", url: system.url, sockets: idle.slice(0, 200) });
  const before = await ask<Usage>(system.server, "settle");
  await ask<Report>(system.clients, { kind: "connect", url: system.url, sockets: idle.slice(200) });
  const after = await ask<Usage>(system.server, "settle");
  await ask<Report>(system.clients, { kind: "close" });
  return (after.rssBytes - before.rssBytes) / 1024 / (IDLE - 200);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/**
 * Server CPU for one delivery in a room of 200, Parlance (signed-in people, limits and metrics on) against socket.io on ws and
 * raw uWebSockets.js, in turns within one run; medians of the rounds. `ratioVsWs` is theirs / ours: above 1 we are cheaper.
 */
export async function run(_args: string[]): Promise<object> {
  const dataDir = await mkdtemp(join(tmpdir(), "parlance-bench-"));
  const systems: System[] = [];
  try {
    const env = {
      PORT: "0",
      HOST: "127.0.0.1",
      DATA_DIR: dataDir,
      LOG_LEVEL: "warn",
      PARLANCE_MEDIA_WORKERS: "1",
      PARLANCE_SCORING_THREADS: "1",
      PARLANCE_ROOM_CAPACITY: "1000",
      PARLANCE_SIGN_INS_PER_MINUTE: "100000",
      PARLANCE_CONNECTIONS_PER_ADDRESS: "100000",
      PARLANCE_CONNECTIONS_PER_USER: "100",
    };
    for (const name of ["parlance", "socketioWs", "rawUws"] as const) systems.push(await startServer(name, env));
    const costs = new Map(systems.map(({ name }) => [name, [] as number[]]));
    const memory: Record<string, number> = {};
    for (const system of systems) {
      const sockets = await people(system);
      memory[system.name] = await kbPerConnection(system, sockets);
      await ask<Report>(system.clients, { kind: "connect", url: system.url, sockets });
      console.error(
        `${system.name}: ${memory[system.name]?.toFixed(1)} KB for each idle connection; ${PEOPLE} in the room`,
      );
    }
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const { name, server, clients } of systems) {
        const before = await ask<Usage>(server, "settle");
        const { deliveries } = await ask<Report>(clients, { kind: "say", perSecond: PER_SECOND, seconds: SECONDS });
        const after = await ask<Usage>(server, "usage");
        const expected = PER_SECOND * SECONDS * PEOPLE;
        if (deliveries !== expected) throw new Error(`${name} delivered ${deliveries} of ${expected}`);
        const us = (after.cpuUs - before.cpuUs) / deliveries;
        // Round -1 warms the code up.
        if (round >= 0) costs.get(name)?.push(us);
        console.error(`round ${round}: ${name} ${us.toFixed(2)} µs for each delivery`);
      }
    }
    const us = Object.fromEntries([...costs].map(([name, values]) => [name, rounded(median(values))]));
    const ratio = (name: string) => rounded((us[name] ?? Number.NaN) / (us.parlance ?? Number.NaN));
    return {
      usPerDelivery: us,
      ratioVsWs: ratio("socketioWs"),
      ratioVsRaw: ratio("rawUws"),
      kbPerConnection: rounded(memory.parlance ?? Number.NaN),
      kbPerConnectionWs: rounded(memory.socketioWs ?? Number.NaN),
      deliveriesPerSecond: PER_SECOND * PEOPLE,
    };
  } finally {
    for (const { server, clients } of systems) {
      clients.kill();
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    }
    await rm(dataDir, { recursive: true, force: true });
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
