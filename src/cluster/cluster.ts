import { randomBytes } from "node:crypto";
import type { Publisher } from "#protocol";
import type { Config } from "../config.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { Bus } from "./bus.ts";
import { ClusterRooms, type OwnRooms } from "./cluster-rooms.ts";
import { LEASE_MS, Membership } from "./membership.ts";
import { blocking, openRedis, patient, redisReady } from "./redis.ts";
import { RedisPresence } from "./redis-presence.ts";
import { RedisRoomDirectory } from "./redis-room-directory.ts";
import { Rpc } from "./rpc.ts";
import { loadScripts } from "./scripts.ts";
import { type AdapterFactory, createStreamAdapter } from "./stream-adapter.ts";

const PREFIX = "parlance:";
const START_LIMIT_MS = 10_000;

/** What makes this process one of several. */
export type Cluster = {
  /** This process: the configured node name and a part that no earlier process of that name had. */
  readonly nodeId: string;
  /** For `new Server({ adapter })`. */
  readonly adapterFactory: AdapterFactory;
  readonly presence: RedisPresence;
  readonly roomDirectory: RedisRoomDirectory;
  /** Wraps this node's own rooms so that calls reach whichever node runs the room. Once. */
  rooms(local: OwnRooms, publisher: Publisher): ClusterRooms;
  /** @throws Error while Redis is away: this node then serves its own rooms and chat only */
  ping(): Promise<void>;
  /** Leaves the cluster; the others take over at once. After rooms and connections are closed. Idempotent. */
  close(): Promise<void>;
};

/** Joins the cluster that shares `config.REDIS_URL`. @throws Error when Redis does not answer within 10 s */
export async function createCluster(options: {
  config: Pick<Config, "PARLANCE_NODE_ID"> & { REDIS_URL: string };
  log: Logger;
  metrics: Metrics;
}): Promise<Cluster> {
  const { config, metrics } = options;
  const nodeId = `${config.PARLANCE_NODE_ID ?? "node"}.${randomBytes(6).toString("hex")}`;
  const log = options.log.child({ nodeId });
  const url = config.REDIS_URL;
  const commands = openRedis(url, "parlance-commands", log);
  const publisher = openRedis(url, "parlance-publisher", log, patient);
  const reader = openRedis(url, "parlance-bus", log, blocking);
  const disconnect = () => {
    for (const redis of [commands, publisher, reader]) redis.disconnect();
  };
  try {
    await Promise.all([redisReady(commands, START_LIMIT_MS), redisReady(publisher, START_LIMIT_MS)]);
    const scripts = loadScripts(commands, PREFIX, LEASE_MS);
    const membership = new Membership({ nodeId, scripts, log, metrics });
    const bus = new Bus({ commands, publisher, reader, prefix: PREFIX, nodeId, log });
    const presence = new RedisPresence({ membership, scripts, bus, log });
    const roomDirectory = new RedisRoomDirectory({ membership, scripts, log });
    const rpc = new Rpc({ bus, membership, log, metrics });
    const adapter = await createStreamAdapter({ url, publisher, prefix: PREFIX, log, metrics });
    await bus.start();
    await membership.start();
    let closing: Promise<void> | undefined;
    return {
      nodeId,
      adapterFactory: adapter.factory,
      presence,
      roomDirectory,
      rooms: (local, publisher) =>
        new ClusterRooms({ local, directory: roomDirectory, membership, bus, rpc, publisher, log }),
      async ping() {
        if (!membership.connected) throw new Error("Redis is unreachable");
      },
      close() {
        closing ??= (async () => {
          rpc.close();
          presence.close();
          await membership.close();
          bus.close();
          adapter.close();
          disconnect();
        })();
        return closing;
      },
    };
  } catch (error) {
    disconnect();
    throw error;
  }
}
