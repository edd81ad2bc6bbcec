import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

const main = new URL("../../cli/main.ts", import.meta.url).pathname;

/** Runs the parlance command to its end. */
export async function cli(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  const lines = () => out.split("\n").flatMap((line) => (line ? [JSON.parse(line)] : []));
  return { code, out, err, lines };
}
