// What must be there before anything runs, done at need and told on stderr. Plain JavaScript for Node 20 without a single
// dependency, because it runs before the installation that it performs.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import { delimiter, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache");
const bin = join(root, "node_modules", ".bin");

/** What the worker's own build needs on Debian; their run-time libraries come along. */
export const workerPackages = [
  "g++",
  "make",
  "flatbuffers-compiler",
  "libflatbuffers-dev",
  "libuv1-dev",
  "libssl-dev",
  "libsrtp2-dev",
];

/** A problem that the person at the keyboard can solve: printed without a stack. */
export class SetupError extends Error {}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Brings the checkout to the state in which it can run, and does nothing at all where that is so already.
 * @param {{ worker?: boolean, web?: boolean }} wanted the mediasoup worker, the built page; both by default
 * @returns {Promise<{ node: string, env: NodeJS.ProcessEnv }>} the Node 22 to run with, and the variables to run it under
 * @throws {SetupError} saying what is missing and what to do
 */
export async function setup({ worker = true, web = true } = {}) {
  if (!dependenciesInstalled()) await locked(installDependencies, dependenciesInstalled);
  const node = findNode();
  const env = { ...process.env, PATH: [dirname(node), bin, process.env.PATH].join(delimiter) };
  const given = process.env.MEDIASOUP_WORKER_BIN;
  const own = join(cache, `mediasoup-worker-${mediasoupVersion()}`, "mediasoup-worker");
  if (given && worker && !workerRuns(given)) {
    throw new SetupError(
      `MEDIASOUP_WORKER_BIN names ${given}, which is not a mediasoup worker that runs on this machine.`,
    );
  }
  if (!given) {
    if (worker && !workerRuns(own))
      await locked(
        () => installWorker(own),
        () => workerRuns(own),
      );
    if (existsSync(own)) env.MEDIASOUP_WORKER_BIN = own;
  }
  if (web && !webBuilt()) await locked(() => buildWeb(node, env), webBuilt);
  return { node, env };
}

/**
 * Runs a program in the foreground as if it were this process: same terminal, signals passed on, same exit status.
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function become(file, args, env) {
  const child = spawn(file, args, { cwd: root, env, stdio: "inherit" });
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT", "SIGHUP"])) {
    // Ctrl-C reaches the whole foreground group by itself; passed on as well, it would count as the second one, which forces exit.
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on("error", (error) => {
    say(`${file} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (signal ? (os.constants.signals[signal] ?? 0) : 0)));
}

/**
 * Runs the body of a script and turns a SetupError into a plain message and exit status 1.
 * @param {() => Promise<void>} body
 */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`\n${error.message}`);
    process.exitCode = 1;
  }
}

/**
 * Debian packages of a list that are not installed; null where dpkg does not exist.
 * @param {string[]} packages
 */
export function missingPackages(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const query = spawnSync("dpkg-query", ["-W", "-f=${Package} ${db:Status-Status}\n", ...packages], {
    encoding: "utf8",
  });
  if (query.error) return null;
  const installed = new Set(
    query.stdout.split("\n").flatMap((line) => (line.endsWith(" installed") ? line.split(" ")[0] : [])),
  );
  return packages.filter((name) => !installed.has(name));
}

/**
 * Installs Debian packages as root, or by sudo where that asks for no password (or a person can type it).
 * @param {string[]} packages
 * @param {string} purpose completes "… is needed for"
 * @throws {SetupError} with the command to run by hand, where this process may not install or apt-get fails
 */
export function installPackages(packages, purpose) {
  const missing = missingPackages(packages) ?? packages;
  if (missing.length === 0) return;
  const command = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", ...missing];
  const install = `${command.slice(0, 4).join(" ")} ${missing.join(" ")}`;
  const byHand = `As root, on Debian or Ubuntu:\n\n  apt-get update && ${install}\n`;
  const Purpose = purpose.charAt(0).toUpperCase() + purpose.slice(1);
  if (spawnSync("apt-get", ["--version"]).error) {
    throw new SetupError(`${Purpose} needs packages of this system, and there is no apt-get here. ${byHand}`);
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && spawnSync("sudo", process.stdin.isTTY ? ["-v"] : ["-n", "true"], { stdio: "inherit" }).status !== 0) {
    throw new SetupError(`${Purpose} needs packages that this user may not install. ${byHand}`);
  }
  say(`Installing Debian packages for ${purpose}: ${missing.join(" ")}`);
  /** @param {string[]} args */
  const apt = (args) => {
    const [file = "", ...rest] = isRoot ? args : ["sudo", "--preserve-env=DEBIAN_FRONTEND", ...args];
    // Its output goes to stderr: stdout belongs to the program that is being prepared.
    return spawnSync(file, rest, {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  };
  // A fresh image has no package lists: then apt-get's complaint about unknown packages is not worth showing.
  const known = spawnSync("apt-get", ["install", "--simulate", ...missing], { stdio: "ignore" }).status === 0;
  if (known && apt(command).status === 0) return;
  apt(["apt-get", "update"]);
  if (apt(command).status !== 0) throw new SetupError(`apt-get could not install what ${purpose} needs. ${byHand}`);
}

/** The packages in node_modules are the ones package-lock.json names: compared with npm's own record of what it installed. */
function dependenciesInstalled() {
  const wanted = readJson(join(root, "package-lock.json"))?.packages ?? {};
  const installed = readJson(join(root, "node_modules", ".package-lock.json"))?.packages ?? {};
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    if (!installed[path]) return entry.optional === true;
    return installed[path].version === entry.version && existsSync(join(root, path, "package.json"));
  });
}

/**
 * Exactly what the lock file names, by `npm install` and not by `npm ci`: where a registry lacks the packages of other platforms
 * (esbuild has two dozen), npm leaves them out of the lock file it writes, and `npm ci` then refuses that file everywhere.
 */
async function installDependencies() {
  say("Installing npm packages (as package-lock.json names them, install scripts off) …");
  // npm itself must not run on the runtime inside node_modules, which it may be about to replace.
  const inside = join(root, "node_modules") + sep;
  const path = (process.env.PATH ?? "").split(delimiter).filter((entry) => !resolve(entry).startsWith(inside));
  const env = { ...process.env, PATH: path.join(delimiter) };
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel", "error"];
  // The page is built with development packages, whatever NODE_ENV says.
  args.push("--include=dev", "--include=optional");
  const silence = registrySilence(env);
  if (silence) {
    say(`The npm registry does not answer (${silence}): trying with what npm keeps in its cache …`);
    args.push("--offline");
  }
  if ((await run("npm", args, env)) !== 0) {
    throw new SetupError(
      silence
        ? `The npm registry can't be reached (${silence}), and npm's cache does not hold all packages. ` +
            "Connect this machine, or name a registry that it reaches: npm config set registry URL"
        : "npm install failed; see above.",
    );
  }
  if (!dependenciesInstalled()) {
    throw new SetupError("npm installed other packages than package-lock.json names. Does that file fit package.json?");
  }
}

/**
 * Why npm's registry does not answer; undefined where it does, be it with a refusal. Asked first, because npm install repeats
 * every request for minutes without a word.
 * @param {NodeJS.ProcessEnv} env
 */
function registrySilence(env) {
  const args = ["ping", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"];
  const { status, error, stderr } = spawnSync("npm", args, { cwd: root, env, encoding: "utf8" });
  if (status === 0 || error) return undefined;
  const code = /code (\S+)/.exec(stderr)?.[1] ?? "no reason given";
  return /^E\d+$/.test(code) ? undefined : code;
}

/** The pinned runtime from node_modules; else the running one, if its version fits. */
function findNode() {
  // Not by .bin/node: npm 10 removes that link with the package of the other processor, which claims the same name.
  const pinned = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (spawnSync(pinned, ["--version"]).status === 0) return pinned;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major === 22 && minor >= 18) return process.execPath;
  throw new SetupError(
    `Parlance runs on Node 22.18 or a later 22. The npm package that carries it is not installed or does not run here ` +
      `(${process.platform}-${process.arch}), and this is Node ${process.versions.node}: install Node 22 and start again.`,
  );
}

function mediasoupVersion() {
  return readJson(join(root, "node_modules", "mediasoup", "package.json")).version;
}

/**
 * Started without MEDIASOUP_VERSION in its environment, a worker that loads and runs exits with 41 (see its main.cpp).
 * @param {string} file
 */
export function workerRuns(file) {
  return existsSync(file) && spawnSync(file, { env: {}, stdio: "ignore", timeout: 10_000 }).status === 41;
}

/** @param {string} target */
async function installWorker(target) {
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) {
    // Left behind by a build that was killed.
    if (name.startsWith("worker-build-")) rmSync(join(cache, name), { recursive: true, force: true });
  }
  const work = mkdtempSync(join(cache, "worker-build-"));
  try {
    const built = (await downloadWorker(work)) ?? (await buildWorker(work));
    if (!workerRuns(built)) throw new SetupError("The mediasoup worker was made, but does not run on this machine.");
    mkdirSync(dirname(target), { recursive: true });
    renameSync(built, target);
    say("mediasoup worker: ready");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * mediasoup's own prebuilt binary, from the address its package uses; undefined where it can't be had within seconds.
 * @param {string} work
 */
async function downloadWorker(work) {
  if (process.env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD) return undefined;
  const version = mediasoupVersion();
  const kernel = os.platform() === "linux" ? `-kernel${os.release().split(".")[0]}` : "";
  const base =
    process.env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL ??
    "https://github.com/versatica/mediasoup/releases/download";
  say("mediasoup worker: trying the prebuilt download …");
  const giveUp = new AbortController();
  let timer = setTimeout(() => giveUp.abort(new Error("no answer within 5 s")), 5_000);
  try {
    const url = `${base}/${version}/mediasoup-worker-${version}-${os.platform()}-${os.arch()}${kernel}.tgz`;
    const response = await fetch(url, { signal: giveUp.signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    clearTimeout(timer);
    timer = setTimeout(() => giveUp.abort(new Error("not complete within 60 s")), 60_000);
    const archive = join(work, "worker.tgz");
    writeFileSync(archive, Buffer.from(await response.arrayBuffer()));
    if (spawnSync("tar", ["-xzf", archive, "-C", work]).status !== 0) throw new Error("the archive can't be unpacked");
    const binary = join(work, "mediasoup-worker");
    chmodSync(binary, 0o755);
    if (!workerRuns(binary)) throw new Error("it does not run on this machine");
    return binary;
  } catch (error) {
    const { message, cause } = /** @type {Error} */ (error);
    say(`mediasoup worker: no prebuilt one (${cause instanceof Error ? cause.message : message})`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} work */
async function buildWorker(work) {
  if (os.platform() !== "linux") {
    throw new SetupError(
      "The mediasoup worker's prebuilt download is out of reach, and only Linux can build it here. Set MEDIASOUP_WORKER_BIN.",
    );
  }
  installPackages(workerPackages, "building the mediasoup worker");
  // A compiler takes up to 0.7 GB.
  const jobs = Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.freemem() / 0.8e9)));
  say(
    `mediasoup worker: building from the package's source with ${jobs} compiler(s), about two minutes of processor time …`,
  );
  const args = ["-f", join(root, "native", "mediasoup-worker", "Makefile"), `-j${jobs}`];
  args.push(`SRC=${join(root, "node_modules", "mediasoup", "worker")}`, `OUT=${work}`);
  if ((await run("make", args)) !== 0) throw new SetupError("Building the mediasoup worker failed; see above.");
  return join(work, "mediasoup-worker");
}

const webStamp = join(cache, "web-build");

function webBuilt() {
  if (!existsSync(join(root, "web", "index.html"))) return true; // A checkout without the page runs as a bare server.
  return existsSync(join(root, "web", "dist", "index.html")) && readText(webStamp) === webSources();
}

/** A digest of everything the page is built from. */
function webSources() {
  const hash = createHash("sha256");
  for (const from of ["web", "client", "src/protocol", "package-lock.json"]) {
    for (const file of filesBelow(join(root, from)))
      hash.update(`${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex");
}

/**
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 */
async function buildWeb(node, env) {
  say("Building the page …");
  const sources = webSources();
  // Its warnings are about comments inside other packages; what is really wrong is an error and ends the build.
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const status = await run(node, [vite, "build", "web", "--logLevel", "error"], env);
  if (status !== 0) throw new SetupError("Building the page failed; see above.");
  mkdirSync(cache, { recursive: true });
  writeFileSync(webStamp, sources);
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesBelow(path) {
  /** @type {import("node:fs").Dirent[]} */
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    return existsSync(path) ? [path] : [];
  }
  return entries
    .filter((entry) => entry.name !== "dist" && entry.name !== "node_modules")
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : join(path, entry.name)));
}

/**
 * Does `work` while no other process sets up this checkout; skips it where that other one has done it meanwhile.
 * @param {() => Promise<void>} work
 * @param {() => boolean} done
 */
async function locked(work, done) {
  mkdirSync(cache, { recursive: true });
  const file = join(cache, "setup.lock");
  for (let waits = 0; ; waits += 1) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, identity(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    }
    const held = readText(file);
    const holder = Number(held.split(" ")[0]);
    if (holder > 0 && (!alive(holder) || identity(holder) !== held)) rmSync(file, { force: true });
    else if (waits === 0) say(`Waiting for the setup that process ${holder} is doing …`);
    await new Promise((wake) => setTimeout(wake, 500));
  }
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  try {
    if (!done()) await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

/**
 * Tells a process from another one that gets its number later, after a reboot or in the next container. Without /proc it is the
 * number alone.
 * @param {number} pid
 */
function identity(pid) {
  // See proc(5): the start time is the 22nd field, and the second one, in brackets, may hold spaces.
  const startedAt = readText(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[19] ?? "";
  return [pid, startedAt, readText("/proc/sys/kernel/random/boot_id").trim()].join(" ");
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * Runs a program with its output on stderr and resolves to its exit status.
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>}
 */
function run(file, args, env = process.env) {
  return new Promise((finish) => {
    const child = spawn(file, args, { cwd: root, env, stdio: ["ignore", 2, 2] });
    child.on("error", (error) => {
      say(`${file}: ${error.message}`);
      finish(127);
    });
    child.on("exit", (code) => finish(code ?? 1));
  });
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** @param {string} file */
function readJson(file) {
  const text = readText(file);
  return text === "" ? undefined : JSON.parse(text);
}
