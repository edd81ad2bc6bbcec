import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "./check.ts";

/** The order they run in, and how many files at once: a browser with its server fills two cores. */
const suites = [
  { name: "unit", atOnce: 2 },
  { name: "contract", atOnce: 2 },
  { name: "integration", atOnce: 2 },
  { name: "browser", atOnce: 1 },
];
const FILE_LIMIT_MS = 300_000;
/** Of a failing file's own output, the end. */
const OUTPUT_SHOWN = 6_000;

type Outcome = { outcome: "passed" | "failed" | "skipped"; name: string; reason: string; error: string };
type FileReport = { file: string; tookMs: number; outcomes: Outcome[]; output: string };

const running = new Set<number>();
const root = join(import.meta.dirname, "..");
const reporter = join(import.meta.dirname, "test-reporter.mjs");
const scratch = mkdtempSync(join(tmpdir(), "parlance-suites-"));

/** Tests choose their own settings: what this shell happens to hold must not leak into them. */
function testEnvironment(): NodeJS.ProcessEnv {
  const settings = /^(PARLANCE_.*|PORT|HOST|DATA_DIR|DATABASE_URL|REDIS_URL|LOG_LEVEL|NODE_OPTIONS|NODE_TEST_CONTEXT)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.test(name)));
}

function testFiles(suite: string): string[] {
  const folder = join(root, "test", suite);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `test/${suite}/${file}`)
    .sort();
}

/** Ends a test file with all the servers, browsers and databases it started: they share its process group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

async function runFile(file: string): Promise<FileReport> {
  const startedAt = performance.now();
  const results = join(scratch, file.replaceAll("/", "_"));
  const child = spawn(
    process.execPath,
    [`--test-reporter=${reporter}`, `--test-reporter-destination=${results}`, file],
    {
      cwd: root,
      env: testEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    },
  );
  if (child.pid) running.add(child.pid);
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-2 * OUTPUT_SHOWN);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (child.pid) killGroup(child.pid);
  }, FILE_LIMIT_MS);
  const ended = await new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(String(signal ?? code)));
  });
  clearTimeout(timer);
  if (child.pid) {
    killGroup(child.pid);
    running.delete(child.pid);
  }
  const outcomes = existsSync(results)
    ? readFileSync(results, "utf8")
        .split("\n")
        .filter((line) => line.endsWith("}"))
        .map((line) => JSON.parse(line) as Outcome)
    : [];
  const fault = (error: string) => outcomes.push({ outcome: "failed", name: "(the file itself)", reason: "", error });
  if (late) fault(`did not end within ${FILE_LIMIT_MS / 1000} s; a test or something it left open hangs`);
  else if (ended !== "0" && !outcomes.some((one) => one.outcome === "failed")) fault(`ended with ${ended}`);
  else if (outcomes.length === 0) fault("holds no test");
  return { file, tookMs: performance.now() - startedAt, outcomes, output };
}

function count(outcomes: Outcome[], outcome: Outcome["outcome"]): number {
  return outcomes.filter((one) => one.outcome === outcome).length;
}

function summary(outcomes: Outcome[]): string {
  const skipped = count(outcomes, "skipped");
  const base = `${count(outcomes, "passed")} passed, ${count(outcomes, "failed")} failed`;
  return skipped > 0 ? `${base}, ${skipped} skipped` : base;
}

function tell(report: FileReport, progress: string): void {
  const failed = report.outcomes.filter((one) => one.outcome === "failed");
  const mark = failed.length > 0 ? "FAIL" : "ok  ";
  console.log(
    `${mark} ${progress} ${report.file}: ${summary(report.outcomes)} (${(report.tookMs / 1000).toFixed(1)} s)`,
  );
  for (const { name, reason } of report.outcomes.filter((one) => one.outcome === "skipped")) {
    console.log(`     skipped: ${name}${reason ? ` — ${reason}` : ""}`);
  }
  for (const { name, error } of failed) console.log(`     failed: ${name}\n${error.replace(/^/gm, "       ")}`);
  if (failed.length > 0 && report.output.trim() !== "") {
    console.log(`     its output ends with:\n${report.output.trim().slice(-OUTPUT_SHOWN).replace(/^/gm, "       ")}`);
  }
}

/**
 * Runs all checks and suites, or only the test files whose path holds one of the patterns. The last line printed is
 * `N passed, N failed`, with `, N skipped` where some were.
 */
async function main(patterns: string[]): Promise<number> {
  const chosen = suites.map(({ name, atOnce }) => ({
    atOnce,
    files: testFiles(name).filter((file) => patterns.length === 0 || patterns.some((part) => file.includes(part))),
  }));
  const total = chosen.reduce((sum, { files }) => sum + files.length, 0);
  const reports: FileReport[] = [];
  const outcomes: Outcome[] = [];
  if (patterns.length === 0) {
    for (const { name, ok, output } of await runChecks()) {
      outcomes.push({ outcome: ok ? "passed" : "failed", name, reason: "", error: output });
    }
  }
  for (const { atOnce, files } of chosen) {
    const waiting = [...files];
    const lane = async () => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const report = await runFile(file);
        reports.push(report);
        outcomes.push(...report.outcomes);
        tell(report, `[${reports.length}/${total}]`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  }
  const slowest = reports.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, 5);
  if (reports.length > 5) {
    console.log("\nslowest:");
    for (const { file, tookMs } of slowest) console.log(`  ${(tookMs / 1000).toFixed(1)} s  ${file}`);
  }
  const failures = reports.filter(({ outcomes }) => count(outcomes, "failed") > 0);
  if (failures.length > 0) console.log(`\nfailed:\n${failures.map(({ file }) => `  ${file}`).join("\n")}`);
  if (total === 0) console.log(`\nno test file matches ${patterns.join(" ") || "test/*/*.test.ts"}`);
  console.log(`\n${summary(outcomes)}`);
  return total === 0 || count(outcomes, "failed") > 0 ? 1 : 0;
}

process.on("exit", () => {
  for (const pid of running) killGroup(pid);
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));
