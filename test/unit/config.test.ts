import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, parseConfig, settings } from "../../src/config.ts";

const secret = "0123456789abcdef0123456789abcdef";

function problems(env: Record<string, string>): string[] {
  try {
    parseConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split("\n");
  }
  return [];
}

test("[OPS-4] nothing set gives a demo with embedded parts", () => {
  const config = parseConfig({ PATH: "/bin", HOME: "/" });
  assert.equal(config.PORT, 3_000);
  assert.equal(config.PARLANCE_MODE, "demo");
  assert.equal(config.DATABASE_URL, undefined);
  assert.ok(Object.isFrozen(config));
});

test("[OPS-5] an unknown PARLANCE_ variable is fatal; other variables are nobody's business", () => {
  assert.deepEqual(problems({ PARLANCE_ROOM_CAPACITIY: "5" }), ["PARLANCE_ROOM_CAPACITIY: no such setting"]);
  assert.deepEqual(problems({ PARLANCE___PROTO__: "x" }), ["PARLANCE___PROTO__: no such setting"]);
  assert.deepEqual(problems({ SOMETHING_ELSE: "x", PARLANCE_URL: "http://127.0.0.1:1" }), []);
});

test("[OPS-5] all that is wrong is told at once, and values are never echoed", () => {
  const told = problems({ PORT: "70000", LOG_LEVEL: "loud", PARLANCE_TURN_SECRET: "hush", REDIS_URL: "redis://h" });
  const names = told.map((line) => line.slice(0, line.indexOf(":")));
  assert.deepEqual(names.toSorted(), ["DATABASE_URL", "LOG_LEVEL", "PARLANCE_TURN_SECRET", "PORT"]);
  assert.ok(!told.join().includes("hush"));
});

test("[OPS-5] an empty variable counts as absent", () => {
  assert.equal(parseConfig({ PORT: "", PARLANCE_KEYS: "" }).PORT, 3_000);
});

test("[OPS-6] production asks for keys, origins and a TURN secret", () => {
  assert.deepEqual(problems({ PARLANCE_MODE: "production", PARLANCE_TURN_URLS: "turn:turn.example:3478" }), [
    "PARLANCE_KEYS: required in production",
    "PARLANCE_ORIGINS: required in production",
    "PARLANCE_TURN_SECRET: required with PARLANCE_TURN_URLS",
  ]);
  const config = parseConfig({
    PARLANCE_MODE: "production",
    PARLANCE_KEYS: `new:${secret}, old:${secret}`,
    PARLANCE_ORIGINS: "https://a.example, https://b.example",
  });
  assert.deepEqual(config.PARLANCE_KEYS, [
    { id: "new", secret },
    { id: "old", secret },
  ]);
  assert.deepEqual(config.PARLANCE_ORIGINS, ["https://a.example", "https://b.example"]);
});

test("[OPS-6] short or unnamed keys are refused", () => {
  for (const keys of ["short:abc", secret, `:${secret}`, `a b:${secret}`]) {
    assert.equal(problems({ PARLANCE_KEYS: keys }).length, 1, keys);
  }
});

test("[OPS-14] .env.example with every default uncommented is a valid configuration", () => {
  const text = readFileSync(join(import.meta.dirname, "../../.env.example"), "utf8");
  const env = Object.fromEntries([...text.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  assert.deepEqual(Object.keys(env).toSorted(), Object.keys(settings).toSorted());
  assert.deepEqual(parseConfig(env), parseConfig({}));
});

test("[OPS-14] files for deployment name only settings that exist", () => {
  for (const file of ["docker-compose.yml", "Dockerfile", "README.md"]) {
    const text = readFileSync(join(import.meta.dirname, "../..", file), "utf8");
    for (const [name] of text.matchAll(/\bPARLANCE_[A-Z_]+\b/g)) {
      assert.ok(Object.hasOwn(settings, name) || name === "PARLANCE_URL", `${name} in ${file}`);
    }
  }
});
