import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Connection, DrillSession, request } from "#client";
import { synthesise } from "../test/support/voice.ts";
import type { LoadAnswer, LoadOrder } from "./drill/load.ts";
import { type Percentiles, percentiles } from "./drill/percentiles.ts";
import { SENTENCES } from "./drill/sentences.ts";

const LEVELS = [1, 10, 20, 30, 45, 60, 80, 100, 130, 160, 200, 250, 300];
const HOLD_MS = 6_000;
/** New speakers need a moment before they are measured. */
const SETTLE_MS = 1_500;
const LATENCY_LIMIT_MS = 300;

type Server = { child: ChildProcess; url: string; stop(): Promise<void> };
type Level = {
  speakers: number;
  first: Percentiles;
  final: Percentiles;
  result: Percentiles;
  cpuMs: number;
  scoringCpuMs: number;
  loadCpuMs: number;
  wallMs: number;
  rssMb: number;
  senderLagMs: number;
};

/** Live speakers of one core that sherpa-onnx publishes for its streaming zipformer of 20 M parameters. */
const SHERPA_SPEAKERS = 26;

/**
 * Live speakers at the pace of microphones against a real server with one scoring thread, more of them level by level, from
 * a process of their own. `latencyMs` runs from a phone's end in the audio to its first judgement at the client, at the last
 * level where its p99 stayed under 300 ms (or with one speaker, where it never did); `finalLatencyMs` is the same for final
 * judgements, `resultLatencyMs` runs from the end of the reading to its result.
 */
export async function run(args: string[]): Promise<object> {
  const { values } = parseArgs({ args, options: { max: { type: "string", default: String(LEVELS.at(-1)) } } });
  const begunAtMs = performance.now();
  const server = await startServer();
  const readyMs = performance.now() - begunAtMs;
  const load = fork(join(import.meta.dirname, "drill/load.ts"));
  const loaded = once(load, "message");
  const ask = async (order: LoadOrder): Promise<unknown> => {
    const answer = once(load, "message");
    load.send(order);
    return (await answer)[0];
  };
  const levels: Level[] = [];
  try {
    const firstScoreMs = await firstScore(server.url);
    await loaded;
    await ask({ url: server.url });
    for (const count of LEVELS.filter((level) => level <= Number(values.max))) {
      await ask({ speakers: count });
      await pause(SETTLE_MS);
      const level = await measure(server, count, ask);
      levels.push(level);
      console.error(
        `${count} speakers: first ${show(level.first)}, final ${show(level.final)}, result ${show(level.result)} ms, sender lag ${level.senderLagMs} ms`,
      );
      // Past the limit twice: not a hiccup.
      if (levels.length > 2 && levels.slice(-2).every(({ first }) => first.p99 > LATENCY_LIMIT_MS)) break;
    }
    return { startToReadyMs: Math.round(readyMs), readyToFirstScoreMs: Math.round(firstScoreMs), ...figures(levels) };
  } finally {
    load.disconnect();
    await server.stop();
  }
}

/** From a server that is ready to the first phone it judges, with audio as fast as it takes it. */
async function firstScore(url: string): Promise<number> {
  const [text = ""] = SENTENCES;
  const pcm = await synthesise(text);
  const startedAtMs = performance.now();
  const { accessToken } = await request(url, "signInAsGuest", { name: "First" });
  const connection = new Connection(url, { token: () => accessToken });
  await connection.ready();
  const session = new DrillSession(connection);
  const judged = new Promise((resolve) => session.onEvent(resolve));
  await session.start({ text });
  session.feed(pcm);
  await judged;
  const tookMs = performance.now() - startedAtMs;
  await session.cancel();
  connection.close();
  return tookMs;
}

function figures(levels: Level[]): object {
  const good = levels.findLast(({ first }) => first.p99 <= LATENCY_LIMIT_MS);
  const alone = levels[0];
  const at = good ?? alone;
  if (!at || !alone) throw new Error("nothing was measured");
  const busy = at.scoringCpuMs / at.wallMs;
  const round = (value: number) => Math.round(value * 100) / 100;
  return {
    latencyMs: at.first,
    finalLatencyMs: at.final,
    resultLatencyMs: at.result,
    /** Speakers at that level for each scoring core that is busy with them. */
    speakersPerCore: good ? Math.round(good.speakers / busy) : 0,
    timesSherpaOnnx: good ? round(good.speakers / busy / SHERPA_SPEAKERS) : 0,
    /** Speakers at that level: what this machine held with its load generator beside the server. */
    liveSpeakers: good?.speakers ?? 0,
    cpuPercentPerSpeaker: round((100 * at.cpuMs) / at.wallMs / at.speakers),
    scoringCpuPercentPerSpeaker: round((100 * busy) / at.speakers),
    /** Against one speaker, when the server is warm; a start's garbage would hide it. */
    mbPerSpeaker: round((at.rssMb - alone.rssMb) / Math.max(1, at.speakers - alone.speakers)),
    loadGeneratorCpuPercentPerSpeaker: round((100 * at.loadCpuMs) / at.wallMs / at.speakers),
    /** Of the machine at the end: with other work beside it, latencies are that work's as well. */
    loadAverage: loadavg().map(round),
    levels: levels.map(({ speakers, first, senderLagMs }) => ({ speakers, p99: first.p99, senderLagMs })),
  };
}

async function measure(server: Server, speakers: number, ask: (order: LoadOrder) => Promise<unknown>): Promise<Level> {
  await ask("begin");
  const startedAtMs = performance.now();
  const before = await cpuOf(server);
  await pause(HOLD_MS);
  const cpu = await cpuOf(server);
  const wallMs = performance.now() - startedAtMs;
  const { samples, lagMs, cpuMs } = (await ask("report")) as LoadAnswer;
  const of = (kind: "first" | "final" | "result") =>
    percentiles(samples.filter((one) => one.kind === kind).map((one) => one.latencyMs));
  return {
    speakers,
    first: of("first"),
    final: of("final"),
    result: of("result"),
    cpuMs: cpu.all - before.all,
    scoringCpuMs: cpu.scoring - before.scoring,
    loadCpuMs: cpuMs,
    wallMs,
    rssMb: await rssOf(server),
    senderLagMs: Math.round(lagMs),
  };
}

const show = ({ p50, p95, p99 }: Percentiles) => `${p50}/${p95}/${p99}`;

async function startServer(): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), "parlance-bench-"));
  const child = spawn(process.execPath, [join(import.meta.dirname, "../src/main.ts")], {
    env: {
      ...process.env,
      ...{ PORT: "0", HOST: "127.0.0.1", DATA_DIR: dataDir, LOG_LEVEL: "warn", PARLANCE_DRAIN_MS: "0" },
      ...{ PARLANCE_SCORING_THREADS: "1", PARLANCE_SCORING_STREAMS: "2000", PARLANCE_MEDIA_WORKERS: "1" },
      ...{ PARLANCE_CONNECTIONS_PER_ADDRESS: "10000", PARLANCE_SIGN_INS_PER_MINUTE: "100000" },
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
    createInterface(child.stdout).on("line", (line) => {
      const ready = /ready at (http\S+)/.exec(line)?.[1];
      if (ready) resolve(ready);
    });
  });
  const stop = async () => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(timer);
    await rm(dataDir, { recursive: true, force: true });
  };
  return { child, url, stop };
}

/** CPU time used so far, in ms: of the whole server, and of its busiest thread besides the main one, which scores. Linux. */
async function cpuOf({ child }: Server): Promise<{ all: number; scoring: number }> {
  const folder = `/proc/${child.pid}/task`;
  const times = await Promise.all(
    (await readdir(folder)).map(async (thread) => {
      const stat = await readFile(`${folder}/${thread}/stat`, "utf8").catch(() => "");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // utime and stime, in ticks of 10 ms.
      return { main: thread === String(child.pid), ms: 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) };
    }),
  );
  return {
    all: times.reduce((sum, { ms }) => sum + ms, 0),
    scoring: Math.max(...times.filter(({ main }) => !main).map(({ ms }) => ms)),
  };
}

async function rssOf({ child }: Server): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
