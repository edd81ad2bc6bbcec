import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `check` holds. @throws Error naming `what` when it does not within `limitMs` */
export async function until(what: string, check: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}
