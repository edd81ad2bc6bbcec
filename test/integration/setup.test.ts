import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const root = join(import.meta.dirname, "../..");
let scratch = "";

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "parlance-setup-"));
});
after(() => rm(scratch, { recursive: true, force: true }));

type Ended = { status: number | null; stdout: string; stderr: string };

function run(args: string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended: Ended = { status: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    ended.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    ended.stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ ...ended, status }));
  });
}

/** A checkout of its own that holds the scripts and the given files. */
async function checkout(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(scratch, name);
  await mkdir(folder, { recursive: true });
  await cp(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

test("[OPS-1] setup does and says nothing where all is there", async () => {
  const { status, stdout, stderr } = await run(["scripts/run.mjs", "cli/main.ts", "--help"], root);
  assert.equal(status, 0);
  assert.match(stdout, /^parlance COMMAND/);
  assert.equal(stderr, "");
});

test("[OPS-2] a worker that can't run is told in plain words", async () => {
  const { status, stderr } = await run(["scripts/start.mjs"], root, { MEDIASOUP_WORKER_BIN: "/bin/true" });
  assert.equal(status, 1);
  assert.match(stderr, /MEDIASOUP_WORKER_BIN names \/bin\/true, which is not a mediasoup worker/);
  assert.doesNotMatch(stderr, /\n\s+at /);
});

test("[OPS-2] packages that can't be installed are told in plain words", async () => {
  const lock = {
    name: "x",
    lockfileVersion: 3,
    packages: {
      "": { name: "x", dependencies: { "left-out": "1.0.0" } },
      "node_modules/left-out": { version: "1.0.0", resolved: "http://127.0.0.1:9/left-out-1.0.0.tgz" },
    },
  };
  const folder = await checkout("offline", {
    "package.json": JSON.stringify({ name: "x", dependencies: { "left-out": "1.0.0" } }),
    "package-lock.json": JSON.stringify(lock),
  });
  const { status, stderr } = await run(["scripts/start.mjs"], folder, {
    npm_config_registry: "http://127.0.0.1:9/",
    npm_config_cache: join(scratch, "empty-npm-cache"),
  });
  assert.equal(status, 1);
  assert.match(stderr, /^Installing npm packages/);
  assert.match(
    stderr,
    /The npm registry can't be reached \(ECONNREFUSED\), and npm's cache does not hold all packages/,
  );
  assert.doesNotMatch(stderr, /\n\s+at /);
});

test("[OPS-1] the pinned runtime is found where npm 10 left no link to it, and comes first for what runs under it", async () => {
  const runtime = `node_modules/node-${process.platform}-${process.arch}`;
  const folder = await checkout("runtime", {
    "package.json": JSON.stringify({ name: "x" }),
    "package-lock.json": JSON.stringify({ name: "x", lockfileVersion: 3, packages: { "": { name: "x" } } }),
    "node_modules/mediasoup/package.json": JSON.stringify({ version: "0.0.0" }),
    "program.mjs": `
      import { execFileSync } from "node:child_process";
      import { main, setup } from "./scripts/setup.mjs";
      await main(async () => {
        const { node, env } = await setup({ worker: false, web: false });
        console.log(JSON.stringify([node, execFileSync("/bin/sh", ["-c", "command -v node"], { env, encoding: "utf8" }).trim()]));
      });`,
  });
  await mkdir(join(folder, runtime, "bin"), { recursive: true });
  await symlink(process.execPath, join(folder, runtime, "bin/node"));
  const { stdout, stderr } = await run(["program.mjs"], folder);
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), [join(folder, runtime, "bin/node"), join(folder, runtime, "bin/node")]);
});

test("[OPS-1] two setups of one checkout at once do the work once", async () => {
  const lock = { name: "x", lockfileVersion: 3, packages: { "": { name: "x" } } };
  const folder = await checkout("twice", {
    "package.json": JSON.stringify({ name: "x" }),
    "package-lock.json": JSON.stringify(lock),
    "web/index.html": "<!doctype html>",
    "node_modules/mediasoup/package.json": JSON.stringify({ version: "0.0.0" }),
    // Stands in for the page's build, which this checkout has no packages for.
    "node_modules/vite/bin/vite.js": `
      const fs = require("node:fs");
      fs.appendFileSync("built.log", "built\\n");
      setTimeout(() => { fs.mkdirSync("web/dist", { recursive: true }); fs.writeFileSync("web/dist/index.html", ""); }, 1500);`,
    "program.mjs": `
      import { main, setup } from "./scripts/setup.mjs";
      await main(async () => { await setup({ worker: false }); console.log("done"); });`,
  });
  const both = await Promise.all([run(["program.mjs"], folder), run(["program.mjs"], folder)]);
  assert.deepEqual(
    both.map(({ status, stdout }) => [status, stdout]),
    [
      [0, "done\n"],
      [0, "done\n"],
    ],
  );
  assert.equal(await readFile(join(folder, "built.log"), "utf8"), "built\n");
});

test("[OPS-1] the lock of a setup that was killed holds nobody up, even where its process number is in use again", async () => {
  const folder = await checkout("killed", {
    "package.json": JSON.stringify({ name: "x" }),
    "package-lock.json": JSON.stringify({ name: "x", lockfileVersion: 3, packages: { "": { name: "x" } } }),
    "web/index.html": "<!doctype html>",
    "node_modules/mediasoup/package.json": JSON.stringify({ version: "0.0.0" }),
    "node_modules/vite/bin/vite.js": "",
    ".cache/setup.lock": `${process.pid} 1 another-boot`,
    "program.mjs": `
      import { main, setup } from "./scripts/setup.mjs";
      await main(async () => { await setup({ worker: false }); console.log("done"); });`,
  });
  const { status, stdout, stderr } = await run(["program.mjs"], folder);
  assert.equal(status, 0);
  assert.equal(stdout, "done\n");
  assert.equal(stderr, "Building the page …\n");
});

test("[OPS-11] the runner counts passes, failures and skips, and says what crashed or was empty", async () => {
  const head = `import { test } from "node:test";\n`;
  const folder = await checkout("runner", {
    "package.json": JSON.stringify({ type: "module" }),
    "test/unit/good.test.ts": `${head}test("one", () => {}); test("two", async (t) => { await t.test("inner", () => {}); });`,
    "test/unit/bad.test.ts": `${head}test("breaks", () => { throw new Error("as it must"); }); test("later", { skip: "not today" }, () => {});`,
    "test/contract/crash.test.ts": `throw new Error("before any test");`,
    "test/browser/empty.test.ts": "export {};",
  });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const all = await run(["scripts/suites.ts", ".test.ts"], folder);
  assert.equal(all.status, 1);
  assert.equal(all.stdout.trimEnd().split("\n").at(-1), "3 passed, 3 failed, 1 skipped");
  assert.match(all.stdout, /failed: breaks\n\s+Error: as it must/);
  assert.match(all.stdout, /skipped: later — not today/);
  assert.match(all.stdout, /test\/contract\/crash\.test\.ts[\s\S]*before any test/);
  assert.match(all.stdout, /holds no test/);
  const one = await run(["scripts/suites.ts", "good"], folder);
  assert.equal(one.status, 0);
  assert.equal(one.stdout.trimEnd().split("\n").at(-1), "3 passed, 0 failed");
  const none = await run(["scripts/suites.ts", "nothing-like-this"], folder);
  assert.equal(none.status, 1);
  assert.equal(none.stdout.trimEnd().split("\n").at(-1), "0 passed, 0 failed");
});
