import { startPostgres, type TestPostgres } from "./postgres.ts";
import { startRedis, type TestRedis } from "./redis.ts";
import { startServer, type TestServer } from "./server.ts";

export const ADMIN_PASSWORD = "a long admin password";

export type ServerCluster = {
  redis: TestRedis;
  nodes: TestServer[];
  /** One more server process. */
  add(): Promise<TestServer>;
  /** Idempotent. */
  stop(): Promise<void>;
};

/** Real server processes on one real Redis and PostgreSQL. */
export async function startServerCluster(size: number): Promise<ServerCluster> {
  const redis = await startRedis();
  const postgres: TestPostgres = await startPostgres();
  const DATABASE_URL = await postgres.createDatabase();
  const nodes: TestServer[] = [];
  const add = async () => {
    const node = await startServer({
      DATABASE_URL,
      REDIS_URL: redis.url,
      PARLANCE_ADMIN_PASSWORD: ADMIN_PASSWORD,
      PARLANCE_SIGN_INS_PER_MINUTE: "100000",
      PARLANCE_ROOM_GRACE_MS: "2000",
      LOG_LEVEL: process.env.TEST_LOG ?? "warn",
    });
    nodes.push(node);
    return node;
  };
  const stop = async () => {
    for (const node of nodes) node.process.kill("SIGCONT");
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
    await postgres.stop();
  };
  try {
    for (let i = 0; i < size; i++) await add();
  } catch (error) {
    await stop();
    throw error;
  }
  return { redis, nodes, add, stop };
}
