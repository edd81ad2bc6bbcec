import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// Loaded into every measured server by --import, so that all are asked in the same way: what the process has used so far,
// right after a garbage collection ("settle") or as it is ("usage").

export type Usage = { cpuUs: number; rssBytes: number };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

process.on("message", (message) => {
  if (message !== "usage" && message !== "settle") return;
  if (message === "settle") {
    collect();
    collect();
  }
  const { user, system } = process.cpuUsage();
  const usage: Usage = { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
  process.send?.(usage);
});
process.channel?.unref();
