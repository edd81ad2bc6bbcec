import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const steps: { name: string; args: string[] }[] = [
  { name: "types", args: ["node_modules/typescript/bin/tsc", "-p", ".", "--noEmit"] },
  {
    name: "format and lint",
    args: ["node_modules/@biomejs/biome/bin/biome", "ci", "--colors=off", "--error-on-warnings", "."],
  },
  { name: "docs are up to date", args: ["scripts/docs.ts", "--check"] },
];

export type CheckResult = { name: string; ok: boolean; output: string };

/** Type check, lint, and generated pages equal to their source; each is told on standard output as it ends. */
export async function runChecks(): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, args } of steps) {
    const { status, output } = await collect(args);
    results.push({ name, ok: status === 0, output });
    console.log(status === 0 ? `ok   ${name}` : `FAIL ${name}\n${output.replace(/^/gm, "     ")}`);
  }
  return results;
}

function collect(args: string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ status: code ?? 1, output: output.trim() }));
  });
}

if (import.meta.main) {
  const failed = (await runChecks()).filter(({ ok }) => !ok);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
