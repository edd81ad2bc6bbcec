import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What `bench/NAME.ts` exports as `run`: gets what follows the name, resolves to the figures. Progress goes to stderr. */
type Bench = { run(args: string[]): Promise<object> };

const [name = "", ...args] = process.argv.slice(2);
const file = join(import.meta.dirname, `${name}.ts`);
const names = readdirSync(import.meta.dirname)
  .filter((entry) => /^[a-z]+\.ts$/.test(entry) && entry !== "main.ts")
  .map((entry) => entry.slice(0, -3));

if (names.includes(name) && existsSync(file)) {
  const { run } = (await import(file)) as Bench;
  console.log(JSON.stringify(await run(args)));
  // What a bench measures may leave sockets and threads behind; the figures are out.
  process.exit(0);
}
console.error(`npm run bench -- NAME, where NAME is one of: ${names.join(", ")}`);
process.exitCode = 2;
