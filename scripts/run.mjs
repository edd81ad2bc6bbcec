// run.mjs FILE.ts …: runs one of the project's programs on the project's own Node, installed first where it is not there yet.
import { become, main, setup } from "./setup.mjs";

await main(async () => {
  const [file = "", ...args] = process.argv.slice(2);
  // Benches start a server of their own, page included; the other programs get along without it.
  const whole = file.startsWith("bench/");
  const { node, env } = await setup({ worker: whole, web: whole });
  become(node, [file, ...args], env);
});
