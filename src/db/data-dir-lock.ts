import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** Another process has the data folder open. The text says which one and what to do. */
export class DataDirLocked extends Error {
  override readonly name = "DataDirLocked";
}

type Holder = { pid: number; startedAt: string; host: string; token: string };

/**
 * Makes this process the only one that opens the embedded database in `dir`: PGlite has no lock of its own and two
 * processes destroy its files.
 *
 * The lock is a file `database.lock.N` that names its holder by pid and start time, as pids are used again. What a
 * crashed process left is taken over by linking `N + 1`: of several that try at once, one link succeeds.
 * @returns how to release it; idempotent
 * @throws DataDirLocked when a living process holds it, or one on another host, which can't be seen from here
 */
export function lockDataDir(dir: string): () => void {
  mkdirSync(dir, { recursive: true });
  const me: Holder = {
    pid: process.pid,
    startedAt: startOf(process.pid) ?? "unknown",
    host: hostname(),
    token: randomUUID(),
  };
  const draft = join(dir, `.lock-${me.token}`);
  writeFileSync(draft, JSON.stringify(me));
  try {
    for (let tries = 0; tries < 10; tries += 1) {
      const stale = locksIn(dir);
      const newest = stale.at(-1) ?? 0;
      const holder = newest > 0 ? holderOf(dir, newest) : undefined;
      if (holder) refuseIfAlive(holder, join(dir, nameOf(newest)));
      const mine = join(dir, nameOf(newest + 1));
      try {
        linkSync(draft, mine);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
        throw error;
      }
      for (const number of stale) rmSync(join(dir, nameOf(number)), { force: true });
      const release = () => rmSync(mine, { force: true });
      return once(release);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new DataDirLocked(`Several processes are trying to open ${dir} at once.`);
}

function nameOf(number: number): string {
  return `database.lock.${number}`;
}

/** Ascending. */
function locksIn(dir: string): number[] {
  return readdirSync(dir)
    .flatMap((name) => /^database\.lock\.(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function holderOf(dir: string, number: number): Holder | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, nameOf(number)), "utf8")) as Holder;
  } catch {
    // Released since it was listed; a half-written one can't be, as it is linked when complete.
    return undefined;
  }
}

function refuseIfAlive(holder: Holder, file: string): void {
  const here = holder.host === hostname();
  if (here && startOf(holder.pid) !== holder.startedAt) return;
  const remedy = here
    ? "Stop it, or choose another DATA_DIR, or set DATABASE_URL to share one PostgreSQL."
    : `If it no longer runs there, delete ${file}.`;
  throw new DataDirLocked(
    `The database folder is in use by process ${holder.pid}${here ? "" : ` on ${holder.host}`}. ${remedy}`,
  );
}

/** When a process started, as a text that no other process of that pid has; undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // Field 22 (proc(5)), counted after the process name, which may hold spaces and parentheses.
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${ticks}`;
    }
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
