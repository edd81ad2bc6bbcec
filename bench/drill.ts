import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Connection, request } from "#client";
import { synthesise } from "../test/support/voice.ts";
import { LiveSpeaker, type Sample } from "./drill/live-speaker.ts";

const SENTENCES = [
  "She had your dark suit in greasy wash water all year",
  "The birch canoe slid on the smooth planks",
  "Please call Stella and ask her to bring these things",
  "The quick brown fox jumps over the lazy dog",
];
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
  cpuMs: number;
  scoringCpuMs: number;
  wallMs: number;
  rssMb: number;
  senderLagMs: number;
};
type Percentiles = { p50: number; p95: number; p99: number };

/**
 * Live speakers at the pace of microphones against a real server with one scoring thread, more of them level by level.
 * `latencyMs` runs from a phone's end in the audio to its first judgement at the client, at the last level where its p99
 * stayed under 300 ms (or with one speaker, where it never did); `final` is the same for final judgements.
 */
export async function run(args: string[]): Promise<object> {
  const { values } = parseArgs({ args, options: { max: { type: "string", default: String(LEVELS.at(-1)) } } });
  const voices = await Promise.all(
    SENTENCES.map(async (text, i) => ({ text, pcm: await synthesise(text, { voice: i % 2 ? "rms" : "slt" }) })),
  );
  const server = await startServer();
  const speakers: LiveSpeaker[] = [];
  const levels: Level[] = [];
  try {
    for (const count of LEVELS.filter((level) => level <= Number(values.max))) {
      while (speakers.length < count) speakers.push(await connect(server.url, speakers.length, voices));
      await pause(SETTLE_MS);
      const level = await measure(server, speakers);
      levels.push(level);
      console.error(
        `${count} speakers: first ${show(level.first)}, final ${show(level.final)} ms, sender lag ${level.senderLagMs} ms`,
      );
      // Past the limit twice: not a hiccup.
      if (levels.length > 2 && levels.slice(-2).every(({ first }) => first.p99 > LATENCY_LIMIT_MS)) break;
    }
    return figures(levels);
  } finally {
    for (const speaker of speakers) speaker.stop();
    await server.stop();
  }
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
    /** Speakers at that level for each scoring core that is busy with them. */
    speakersPerCore: good ? Math.round(good.speakers / busy) : 0,
    /** Speakers at that level: what this machine held with its load generator beside the server. */
    liveSpeakers: good?.speakers ?? 0,
    cpuPercentPerSpeaker: round((100 * at.cpuMs) / at.wallMs / at.speakers),
    scoringCpuPercentPerSpeaker: round((100 * busy) / at.speakers),
    /** Against one speaker, when the server is warm; a start's garbage would hide it. */
    mbPerSpeaker: round((at.rssMb - alone.rssMb) / Math.max(1, at.speakers - alone.speakers)),
    levels: levels.map(({ speakers, first, senderLagMs }) => ({ speakers, p99: first.p99, senderLagMs })),
  };
}

async function measure(server: Server, speakers: LiveSpeaker[]): Promise<Level> {
  const samples: Sample[] = [];
  let lag = 0;
  for (const speaker of speakers) speaker.onSample = (sample) => samples.push(sample);
  for (const speaker of speakers) speaker.takeLag();
  const startedAtMs = performance.now();
  const before = await cpuOf(server);
  await pause(HOLD_MS);
  const cpu = await cpuOf(server);
  const wallMs = performance.now() - startedAtMs;
  for (const speaker of speakers) {
    speaker.onSample = undefined;
    lag = Math.max(lag, speaker.takeLag());
  }
  const of = (final: boolean) => percentiles(samples.filter((one) => one.final === final).map((one) => one.latencyMs));
  return {
    speakers: speakers.length,
    first: of(false),
    final: of(true),
    cpuMs: cpu.all - before.all,
    scoringCpuMs: cpu.scoring - before.scoring,
    wallMs,
    rssMb: await rssOf(server),
    senderLagMs: Math.round(lag),
  };
}

function percentiles(values: number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

const show = ({ p50, p95, p99 }: Percentiles) => `${p50}/${p95}/${p99}`;

async function connect(url: string, index: number, voices: { text: string; pcm: Int16Array }[]): Promise<LiveSpeaker> {
  const { accessToken } = await request(url, "signInAsGuest", { name: `Speaker ${index}` });
  const connection = new Connection(url, { token: () => accessToken });
  await connection.ready();
  return new LiveSpeaker(connection, voices, index);
}

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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
