import { type Cluster, createCluster } from "../../src/cluster/cluster.ts";
import { createLogger } from "../../src/lib/logger.ts";
import { createMetrics } from "../../src/lib/metrics.ts";

/** One more node on that Redis, in this process: all of a cluster but the hub. Close it at the end. */
export function joinCluster(redisUrl: string, name?: string): Promise<Cluster> {
  return createCluster({
    config: { REDIS_URL: redisUrl, PARLANCE_NODE_ID: name },
    log: createLogger(process.env.TEST_LOG ?? "silent"),
    metrics: createMetrics(),
  });
}
