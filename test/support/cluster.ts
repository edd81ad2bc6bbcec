import { after, before } from "node:test";
import { type Cluster, createCluster } from "../../src/cluster/cluster.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { startRedis, type TestRedis } from "./redis.ts";

/** One more node on that Redis, in this process: all of a cluster but the hub. Close it at the end. */
export function joinCluster(redisUrl: string, name?: string): Promise<Cluster> {
  return createCluster({
    config: { REDIS_URL: redisUrl, PARLANCE_NODE_ID: name },
    log: createLogger(process.env.TEST_LOG ?? "silent"),
    metrics: createMetrics(),
  });
}

/** Two nodes on a Redis of their own, there while the tests of the surrounding suite run. */
export function twoNodes(): { readonly near: Cluster; readonly far: Cluster } {
  let redis: TestRedis | undefined;
  const nodes: Cluster[] = [];
  before(async () => {
    redis = await startRedis();
    for (let i = 0; i < 2; i++) nodes.push(await joinCluster(redis.url));
  });
  after(async () => {
    for (const node of nodes) await node.close();
    await redis?.stop();
  });
  const node = (at: number): Cluster => {
    const joined = nodes[at];
    if (!joined) throw new Error("the nodes have not joined yet");
    return joined;
  };
  return {
    get near() {
      return node(0);
    },
    get far() {
      return node(1);
    },
  };
}
