import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Finding } from "../../cli/check.ts";
import { cli } from "../support/cli.ts";
import { coturnMissing, startCoturn, type TestCoturn } from "../support/coturn.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const secret = "a-secret-of-more-than-thirty-two-characters";
let dataDir = "";
let redis: TestRedis;
let postgres: TestPostgres;
let coturn: TestCoturn;
let taken: Server;

const skip = postgresMissing() || coturnMissing();
before(async () => {
  if (skip) return;
  dataDir = await mkdtemp(join(tmpdir(), "parlance-check-"));
  taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  [redis, postgres, coturn] = await Promise.all([startRedis(), startPostgres(), startCoturn(secret)]);
});
after(async () => {
  if (skip) return;
  await Promise.all([redis.stop(), postgres.stop(), coturn.stop()]);
  taken.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function check(env: Record<string, string>) {
  const settings = {
    PORT: "0",
    HOST: "127.0.0.1",
    DATA_DIR: dataDir,
    PARLANCE_MEDIA_WORKERS: "1",
    PARLANCE_MEDIA_ADDRESS: "127.0.0.1",
    ...env,
  };
  const { code, out, err } = await cli(["check", "--json"], settings);
  assert.equal(err, "");
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: Finding[] };
  assert.equal(ok, code === 0);
  return { code, by: new Map(checks.map((finding) => [finding.name, finding])) };
}

test("[CLI-1] every part of a whole installation is looked at and works", { skip }, async () => {
  const { code, by } = await check({
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
    PARLANCE_TURN_URLS: `stun:127.0.0.1:3478,${coturn.url}`,
    PARLANCE_TURN_SECRET: secret,
    PARLANCE_MEDIA_ANNOUNCED: "203.0.113.7",
  });
  assert.deepEqual(
    [...by.values()].filter(({ status }) => status !== "ok"),
    [],
  );
  assert.equal(code, 0);
  assert.match(by.get("database")?.detail ?? "", /^PostgreSQL 15/);
  assert.match(by.get("media")?.detail ?? "", /203\.0\.113\.7:\d+/);
  assert.match(by.get("TURN")?.detail ?? "", /relays by 127\.0\.0\.1:\d+/);
});

test("[CLI-1] the demo works without them, and says what others could not reach", { skip }, async () => {
  const { code, by } = await check({});
  assert.equal(code, 0);
  assert.match(by.get("database")?.detail ?? "", /PGlite/);
  assert.equal(by.get("Redis")?.status, "off");
  assert.equal(by.get("TURN")?.status, "off");
  assert.equal(by.get("media")?.status, "warn");
  assert.match(by.get("media")?.remedy ?? "", /PARLANCE_MEDIA_ANNOUNCED/);
});

test("[CLI-1, CLI-2] what does not work has a remedy, and the status is 1", { skip }, async () => {
  const { port } = taken.address() as { port: number };
  const { code, by } = await check({
    PORT: String(port),
    DATABASE_URL: `postgresql://nobody@127.0.0.1:${port}/none`,
    REDIS_URL: "redis://127.0.0.1:1",
    MEDIASOUP_WORKER_BIN: "/bin/false",
    PARLANCE_TURN_URLS: coturn.url,
    PARLANCE_TURN_SECRET: `not-${secret}`,
    PARLANCE_MODEL_DIR: dataDir,
  });
  assert.equal(code, 1);
  for (const name of ["page and socket port", "database", "Redis", "media", "TURN", "speech model"]) {
    assert.equal(by.get(name)?.status, "fail", name);
    assert.ok(by.get(name)?.remedy, name);
    assert.ok(by.get(name)?.detail, name);
  }
});

test("[CLI-2] a wrong configuration is the only thing told", { skip }, async () => {
  const { code, by } = await check({ PARLANCE_NONSENSE: "1" });
  assert.equal(code, 1);
  assert.deepEqual([...by.keys()], ["Node", "configuration"]);
  assert.match(by.get("configuration")?.detail ?? "", /PARLANCE_NONSENSE: no such setting/);
});

test("[CLI-2] check ends with status 2 and its usage for wrong arguments", async () => {
  const { code, err } = await cli(["check", "--nonsense"]);
  assert.equal(code, 2);
  assert.match(err, /^check \[--json\]/);
});
