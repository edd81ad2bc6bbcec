import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { io, type Socket } from "socket.io-client";
import { startRedis, type TestRedis } from "../test/support/redis.ts";
import type { NodeCommand, NodeReport } from "./adapters-node.ts";

const KILLS = 20;
const MESSAGES_PER_KILL = 5;
const OUTAGE_MS = 2_000;
const OUTAGE_MESSAGES = 20;
const RATE = 1_000;
const RATE_SECONDS = 8;

const variants = [
  { name: "pubsub", adapter: "pubsub", warm: true },
  { name: "streamsCold", adapter: "streams", warm: false },
  { name: "streamsWarm", adapter: "streams", warm: true },
  { name: "parlance", adapter: "parlance", warm: false },
];

/**
 * The socket.io Redis adapters on uWebSockets.js: node A publishes into a room, a client on node B (and one on A) count.
 * Per variant: messages (and notes from hub to hub) lost over kills of B's subscriber connections with publishes at once, over kills of A's publishing
 * connection, and over an outage of Redis; how late A's own client got its messages in that outage; and CPU of both nodes
 * per broadcast and the latency from A to B's client at a steady rate.
 */
export async function run(_args: string[]): Promise<object> {
  const results: Record<string, object> = {};
  for (const variant of variants) results[variant.name] = await measure(variant);
  return { kills: KILLS, messagesPerKill: MESSAGES_PER_KILL, outageMs: OUTAGE_MS, ratePerSecond: RATE, ...results };
}

async function measure({ adapter, warm }: { adapter: string; warm: boolean }) {
  const redis = await startRedis();
  const a = await startNode(adapter, redis, "A");
  const b = await startNode(adapter, redis, "B");
  const atA = await listen(a.port);
  const atB = await listen(b.port);
  let next = 0;
  const publish = (count: number) => {
    a.send({ kind: "publish", from: next, count });
    next += count;
  };
  try {
    await sleep(300);
    if (warm) {
      publish(1);
      await sleep(200);
    }

    let notes = 0;
    const subscriberKills = await lossOver(atB, publish, KILLS, async () => {
      const struck = await kill(redis, b.pid, "read");
      a.send({ kind: "note", n: notes++ });
      return struck;
    });
    const notesLost = notes - atB.notes.size;
    // From here on every variant is warm, so that the rest compares steady states.
    publish(1);
    await sleep(300);
    const publisherKills = await lossOver(atB, publish, KILLS, () => kill(redis, a.pid, "write"));
    const load = await steady(a, b, atB, publish);
    const outage = await overOutage(redis, atA, atB, publish);
    return { subscriberKills, notesLost, publisherKills, outage, load };
  } finally {
    for (const close of [atA.close, atB.close, a.close, b.close]) close();
    await redis.stop();
  }
}

type Ear = { got: { n: number; lateMs: number }[]; notes: Set<number>; close(): void };

async function lossOver(ear: Ear, publish: (count: number) => void, kills: number, strike: () => Promise<number>) {
  const before = ear.got.length;
  let struck = 0;
  for (let i = 0; i < kills; i++) {
    struck += (await strike()) > 0 ? 1 : 0;
    publish(MESSAGES_PER_KILL);
    await sleep(400);
  }
  await sleep(1_000);
  const got = new Set(ear.got.slice(before).map(({ n }) => n)).size;
  const sent = kills * MESSAGES_PER_KILL;
  return { struck, sent, lost: sent - got, duplicates: ear.got.length - before - got };
}

async function overOutage(redis: TestRedis, atA: Ear, atB: Ear, publish: (count: number) => void) {
  const before = { a: atA.got.length, b: atB.got.length };
  await redis.kill();
  for (let i = 0; i < OUTAGE_MESSAGES; i++) {
    publish(1);
    await sleep(OUTAGE_MS / OUTAGE_MESSAGES);
  }
  await redis.start();
  await sleep(4_000);
  const local = atA.got.slice(before.a);
  return {
    sent: OUTAGE_MESSAGES,
    lostAtOtherNode: OUTAGE_MESSAGES - new Set(atB.got.slice(before.b).map(({ n }) => n)).size,
    lostAtOwnNode: OUTAGE_MESSAGES - local.length,
    ownNodeLatestMs: Math.round(Math.max(...local.map(({ lateMs }) => lateMs))),
  };
}

async function steady(a: Node, b: Node, atB: Ear, publish: (count: number) => void) {
  const before = atB.got.length;
  const cpu = [await a.cpuUs(), await b.cpuUs()];
  const perTick = RATE / 100;
  const started = performance.now();
  for (let tick = 0; tick < RATE_SECONDS * 100; tick++) {
    publish(perTick);
    await sleep(Math.max(0, started + (tick + 1) * 10 - performance.now()));
  }
  await sleep(500);
  const sent = RATE_SECONDS * RATE;
  const got = atB.got.slice(before);
  const late = got.map(({ lateMs }) => lateMs).sort((x, y) => x - y);
  const perBroadcast = (us: number, i: number) => Math.round(((us - (cpu[i] ?? 0)) / sent) * 10) / 10;
  return {
    sent,
    lost: sent - got.length,
    latencyMs: { p50: quantile(late, 0.5), p99: quantile(late, 0.99) },
    usPerBroadcast: { publisher: perBroadcast(await a.cpuUs(), 0), receiver: perBroadcast(await b.cpuUs(), 1) },
  };
}

function quantile(sorted: number[], q: number): number {
  return Math.round((sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN) * 100) / 100;
}

/** Kills the connections of the process `pid` that receive ("read": subscribed or blocked in XREAD) or the others. */
async function kill(redis: TestRedis, pid: number, which: "read" | "write"): Promise<number> {
  const admin = new Redis(redis.url);
  try {
    const ports = await localPorts(pid);
    const lines = `${await admin.client("LIST")}`.trim().split("\n");
    let killed = 0;
    for (const line of lines) {
      const field = Object.fromEntries(line.split(" ").map((pair) => pair.split("=", 2) as [string, string]));
      if (!ports.has(Number(field.addr?.split(":").at(-1)))) continue;
      const reads = field.cmd === "xread" || field.sub !== "0" || field.psub !== "0";
      if (reads !== (which === "read")) continue;
      await admin.client("KILL", "ID", field.id ?? "");
      killed += 1;
    }
    return killed;
  } finally {
    admin.disconnect();
  }
}

/** Local TCP ports that the process holds, by /proc: connection names would not tell the two nodes apart. */
async function localPorts(pid: number): Promise<Set<number>> {
  const inodes = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode) inodes.add(inode);
  }
  const ports = new Set<number>();
  for (const line of (await readFile(`/proc/${pid}/net/tcp`, "utf8")).split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1] && inodes.has(columns[9] ?? "")) ports.add(Number.parseInt(columns[1].split(":")[1] ?? "", 16));
  }
  return ports;
}

type Node = {
  port: number;
  pid: number;
  send(command: NodeCommand): void;
  cpuUs(): Promise<number>;
  close(): void;
};

async function startNode(adapter: string, redis: TestRedis, name: string): Promise<Node> {
  const path = new URL("./adapters-node.ts", import.meta.url).pathname;
  const child: ChildProcess = fork(path, [adapter, redis.url, name], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [report] = (await once(child, "message")) as [NodeReport];
  if (report.kind !== "listening") throw new Error("unexpected report");
  return {
    port: report.port,
    pid: child.pid ?? 0,
    send: (command) => child.send(command),
    async cpuUs() {
      child.send({ kind: "cpu" } satisfies NodeCommand);
      const [answer] = (await once(child, "message")) as [NodeReport];
      return answer.kind === "cpu" ? answer.us : Number.NaN;
    },
    close: () => child.kill("SIGKILL"),
  };
}

async function listen(port: number): Promise<Ear> {
  const socket: Socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"], forceNew: true });
  const got: Ear["got"] = [];
  socket.on("n", (n: number, sentMs: number) =>
    got.push({ n, lateMs: performance.timeOrigin + performance.now() - sentMs }),
  );
  const notes = new Set<number>();
  socket.on("note", (n: number) => notes.add(n));
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return { got, notes, close: () => socket.close() };
}
