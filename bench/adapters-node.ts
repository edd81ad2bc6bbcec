import { App, type us_listen_socket, us_socket_local_port } from "uWebSockets.js";
import { createAdapter as createPubSubAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { openRedis, patient } from "../src/cluster/redis.ts";
import { createStreamAdapter } from "../src/cluster/stream-adapter.ts";
import { createLogger } from "../src/lib/logger.ts";
import { createMetrics } from "../src/lib/metrics.ts";

/** One node of bench/adapters.ts: socket.io on uWebSockets.js whose every client is in one room; driven over IPC. */
export type NodeCommand =
  | { kind: "publish"; from: number; count: number }
  /** To the other hub itself, as the end of a session is sent; it tells its clients. */
  | { kind: "note"; n: number }
  | { kind: "cpu" };
export type NodeReport = { kind: "listening"; port: number } | { kind: "cpu"; us: number };

const [adapterName = "", redisUrl = "", nodeName = ""] = process.argv.slice(2);

async function makeAdapter() {
  if (adapterName === "parlance") {
    const log = createLogger("silent");
    const publisher = openRedis(redisUrl, nodeName, log, patient);
    const metrics = createMetrics();
    return (await createStreamAdapter({ url: redisUrl, publisher, prefix: "bench:", log, metrics })).factory;
  }
  const redis = new Redis(redisUrl, { connectionName: nodeName, maxRetriesPerRequest: null });
  redis.on("error", () => {});
  if (adapterName === "pubsub") {
    const subscriber = redis.duplicate();
    subscriber.on("error", () => {});
    return createPubSubAdapter(redis, subscriber);
  }
  return createStreamsAdapter(redis);
}

const app = App();
const io = new Server({ adapter: await makeAdapter(), transports: ["websocket"] });
io.attachApp(app);
io.on("connection", (socket) => {
  socket.join("room");
});
io.on("note" as never, (n: number) => {
  io.local.emit("note", n);
});
const report = (message: NodeReport) => process.send?.(message);
app.listen("127.0.0.1", 0, (listening: us_listen_socket | false) => {
  if (!listening) throw new Error("no port");
  report({ kind: "listening", port: us_socket_local_port(listening) });
});
process.on("message", (command: NodeCommand) => {
  if (command.kind === "cpu") {
    const { user, system } = process.cpuUsage();
    report({ kind: "cpu", us: user + system });
    return;
  }
  if (command.kind === "note") {
    io.serverSideEmit("note", command.n);
    return;
  }
  for (let n = command.from; n < command.from + command.count; n++)
    io.to("room").emit("n", n, performance.timeOrigin + performance.now());
});
process.on("disconnect", () => process.exit(0));
