import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { Agent, get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { Connection, request } from "#client";
import type { PushPayload } from "#protocol";
import { guest, startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const root = join(import.meta.dirname, "../..");
let server: TestServer;
let scratch = "";
/** Closed at the end however a test ends: an open one would keep this process alive. */
const opened: Connection[] = [];

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "parlance-operations-"));
  server = await startServer({ LOG_LEVEL: "trace" });
});
after(async () => {
  for (const connection of opened) connection.close();
  await server.stop();
  await rm(scratch, { recursive: true, force: true });
});

async function signIn(url: string, name: string) {
  const person = await guest(url, name);
  opened.push(person.connection);
  return person;
}

/** Starts the server's own program with settings that it may refuse. */
async function startedWith(env: Record<string, string>) {
  const child = spawn(process.execPath, ["src/main.ts"], {
    cwd: root,
    env: { ...process.env, PORT: "0", DATA_DIR: join(scratch, "refused"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exit = once(child, "exit");
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { out, err, status: status as number | null };
}

function ended(connection: Connection): Promise<PushPayload<"session.ended">> {
  return new Promise((resolve) => {
    connection.on("session.ended", resolve);
  });
}

function getJson(url: string, agent: Agent): Promise<{ status: number | undefined; body: unknown }> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, async (response) => {
      resolve({ status: response.statusCode, body: JSON.parse(await text(response)) });
    }).on("error", reject);
  });
}

test("[OPS-4] without a setting the server keeps its database and its keys under DATA_DIR, the keys for its owner alone", async () => {
  const { mode } = await stat(join(server.dataDir, "token-key"));
  assert.equal(mode & 0o077, 0);
  assert.ok((await stat(join(server.dataDir, "database"))).isDirectory());
});

test("[OPS-5] wrong settings stop the start with status 1 and are told in one line each", async () => {
  const { status, out, err } = await startedWith({ PARLANCE_TYPO: "secret-value", LOG_LEVEL: "loud" });
  assert.equal(status, 1);
  assert.equal(out, "");
  assert.match(err, /^Parlance can't start with this configuration:\nPARLANCE_TYPO: no such setting\nLOG_LEVEL: .+\n$/);
  assert.doesNotMatch(err, /secret-value/);
});

test("[OPS-6] production mode does not start without what it needs", async () => {
  const { status, err } = await startedWith({ PARLANCE_MODE: "production" });
  assert.equal(status, 1);
  assert.match(err, /PARLANCE_KEYS: required in production\nPARLANCE_ORIGINS: required in production/);
});

test("[OPS-3] what keeps the server from starting is said in one line, without a stack trace", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const port = `${(taken.address() as { port: number }).port}`;
  const obstacles: [env: Record<string, string>, said: RegExp][] = [
    [{ HOST: "127.0.0.1", PORT: port }, /port \d+ on 127\.0\.0\.1 can't be opened/],
    [{ DATABASE_URL: "postgres://me:secret-value@127.0.0.1:1/talk" }, /PostgreSQL can't be reached .*ECONNREFUSED/],
    [{ MEDIASOUP_WORKER_BIN: "/no/such/worker" }, /a media worker can't be started .*ENOENT/],
    [{ PARLANCE_MEDIA_ADDRESS: "127.0.0.1", PARLANCE_MEDIA_PORT: port }, /a media worker can't be started .*in use/],
  ];
  for (const [env, said] of obstacles) {
    const { status, err } = await startedWith({ PARLANCE_MEDIA_WORKERS: "1", LOG_LEVEL: "silent", ...env });
    assert.equal(status, 1, err);
    assert.match(err, /^Parlance can't start: .+\n\(LOG_LEVEL=debug says more\.\)\n$/);
    assert.match(err, said);
    assert.doesNotMatch(err, /secret-value/);
  }
  taken.close();
});

test("[OPS-8] health and readiness name the parts", async () => {
  const agent = new Agent();
  assert.deepEqual(await getJson(`${server.url}/healthz`, agent), { status: 200, body: { ok: true } });
  const ready = await getJson(`${server.url}/readyz`, agent);
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.body, {
    ok: true,
    checks: { database: "ok", media: "ok", scoring: "ok", draining: "ok" },
  });
});

test("[OPS-9] metrics count connections and calls by name and outcome", async () => {
  const { connection } = await signIn(server.url, "Counted");
  await connection.call("room.list", {});
  await assert.rejects(connection.call("room.join", { roomId: "nowhere" }), { code: "ROOM_NOT_FOUND" });
  const response = await fetch(`${server.url}/metrics`);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
  const metrics = await response.text();
  assert.match(metrics, /^parlance_connections 1$/m);
  assert.match(metrics, /^parlance_calls_total\{name="room\.list",code="OK"\} 1$/m);
  assert.match(metrics, /^parlance_calls_total\{name="room\.join",code="ROOM_NOT_FOUND"\} 1$/m);
  for (const [, name] of metrics.matchAll(/^# TYPE (\S+)/gm)) assert.match(name ?? "", /^parlance_/);
});

test("[OPS-10] the log is JSON with ids, and holds no text, password or token, even at its most talkative", async () => {
  const password = "correct-horse-battery";
  const account = await request(server.url, "signUp", { name: "Logged", password });
  await assert.rejects(request(server.url, "signIn", { name: "Logged", password: "wrong-horse-battery" }));
  const other = await signIn(server.url, "Reader");
  const connection = new Connection(server.url, { token: () => account.accessToken });
  opened.push(connection);
  await connection.ready();
  const { conversation } = await connection.call("chat.open", { userId: other.user.id });
  const clientId = "log-1";
  await connection.call("chat.send", { conversationId: conversation.id, clientId, text: "whispered-message" });
  const { room } = await connection.call("room.create", { topic: "Logs" });
  await connection.call("room.join", { roomId: room.id });
  await connection.call("room.say", { roomId: room.id, text: "whispered-in-room" });
  await connection.call("drill.start", { text: "sphinx of black quartz" });
  await assert.rejects(connection.call("chat.markRead", { conversationId: "whispered-id-0", seq: 1 }));
  const refreshed = await request(server.url, "refresh", { refreshToken: account.refreshToken });
  await until("the calls are logged", () => server.output().includes("chat.markRead"));
  const lines = server
    .output()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("Parlance is ready at "));
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.ok(entries.some((entry) => "connectionId" in entry && "userId" in entry));
  const whispers = [
    password,
    "wrong-horse-battery",
    "whispered-message",
    "whispered-in-room",
    "sphinx of black quartz",
  ];
  for (const token of [account, refreshed, other]) whispers.push(token.accessToken, token.refreshToken);
  for (const whisper of whispers) assert.ok(!server.output().includes(whisper), `${whisper} is in the log`);
});

test("[OPS-7] SIGTERM tells connections to come back, waits for a running drill, and ends with status 0", async () => {
  const draining = await startServer({ PARLANCE_DRAIN_MS: "60000" });
  try {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await getJson(`${draining.url}/healthz`, agent);
    const idle = await signIn(draining.url, "Idle");
    const speaker = await signIn(draining.url, "Speaker");
    const { attemptId } = await speaker.connection.call("drill.start", { text: "one more word" });
    const idleEnded = ended(idle.connection);
    const speakerEnded = ended(speaker.connection);
    const exited = once(draining.process, "exit");
    draining.process.kill("SIGTERM");
    assert.deepEqual(await idleEnded, { reason: "draining", reconnect: true });
    // A connection that was open before, as a load balancer's health checks have.
    const ready = await getJson(`${draining.url}/readyz`, agent);
    assert.equal(ready.status, 503);
    agent.destroy();
    await assert.rejects(getJson(`${draining.url}/healthz`, new Agent()), { code: "ECONNREFUSED" });
    assert.equal(draining.process.exitCode, null);
    await speaker.connection.call("drill.cancel", { attemptId });
    assert.deepEqual(await speakerEnded, { reason: "draining", reconnect: true });
    const [status] = await exited;
    assert.equal(status, 0, draining.output());
  } finally {
    await draining.stop();
  }
});

test("[OPS-7] a signal that comes while the server starts, or as it gets ready, ends it properly", async () => {
  for (const early of [true, false]) {
    const dataDir = join(scratch, `signal-${early}`);
    const child = spawn(process.execPath, ["src/main.ts"], {
      cwd: root,
      env: { ...process.env, PORT: "0", DATA_DIR: dataDir, LOG_LEVEL: "info", PARLANCE_MEDIA_WORKERS: "1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const sign = early ? '"migrated"' : "ready at";
    // At the very moment: the server must not get to run in between.
    let printed = "";
    child.stdout.on("data", (chunk) => {
      const signalled = printed.includes(sign);
      printed += chunk;
      // Once: every migration is told, and a second signal would end the server at once.
      if (!signalled && printed.includes(sign)) child.kill("SIGTERM");
    });
    assert.deepEqual(await exited, [0, null]);
    assert.ok(!(await readdir(dataDir)).some((file) => file.startsWith("database.lock")), "the lock is left");
  }
});

test("[OPS-7] a second signal ends at once", async () => {
  const draining = await startServer({ PARLANCE_DRAIN_MS: "600000" });
  try {
    const { connection } = await signIn(draining.url, "Speaker");
    const idle = await signIn(draining.url, "Idle");
    await connection.call("drill.start", { text: "one more word" });
    const told = ended(idle.connection);
    const exited = once(draining.process, "exit");
    draining.process.kill("SIGINT");
    await told;
    draining.process.kill("SIGINT");
    const [status] = await exited;
    assert.equal(status, 1);
  } finally {
    await draining.stop();
  }
});

test("[OPS-1, OPS-3] npm start prints the address, and a signal to npm reaches the server", async () => {
  const child = spawn("npm", ["start"], {
    cwd: root,
    env: { ...process.env, PORT: "0", DATA_DIR: join(scratch, "npm-start"), LOG_LEVEL: "silent" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  const exited = once(child, "exit");
  await until("npm start is ready", () => /ready at http/.test(printed), 240_000);
  const url = /^Parlance is ready at (\S+)$/m.exec(printed)?.[1] ?? "";
  assert.match(await (await fetch(url)).text(), /<!doctype html>/i);
  child.kill("SIGTERM");
  await exited;
  await assert.rejects(fetch(`${url}/healthz`));
});
