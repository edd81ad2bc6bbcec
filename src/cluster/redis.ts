import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../lib/logger.ts";

/** Reconnection goes on for ever; the last delay repeats. */
const RETRY_STEP_MS = 50;
const RETRY_MAX_MS = 1_000;
/** A connection that leaves a command unanswered for so long is dead, and is opened anew. */
const SILENCE_MS = 5_000;
/** How long Redis waits for news before it answers a blocking read with nothing. */
export const READ_BLOCK_MS = 5_000;
const READ_SILENCE_MS = 3 * READ_BLOCK_MS;

/**
 * A Redis connection that survives outages: it reconnects for ever, and its trouble is logged once per outage.
 * Without further options commands fail at once while the connection is down, and after 2 s without an answer.
 */
export function openRedis(url: string, name: string, log: Logger, options: RedisOptions = {}): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    connectTimeout: 5_000,
    socketTimeout: SILENCE_MS,
    keepAlive: 10_000,
    retryStrategy: (times) => Math.min(times * RETRY_STEP_MS, RETRY_MAX_MS),
    ...options,
  });
  reportTrouble(redis, name, log);
  return redis;
}

/** Options of a connection whose commands wait through an outage instead of failing, in their order. */
export const patient: RedisOptions = {
  enableOfflineQueue: true,
  autoResendUnfulfilledCommands: true,
  maxRetriesPerRequest: null,
  commandTimeout: undefined,
};

/** Options of a connection for blocking reads, to be made through `blockingRead`. */
export const blocking: RedisOptions = { ...patient, socketTimeout: undefined };

/**
 * Does one blocking read. Where nothing comes for much longer than that can take, the connection is dead: it is opened
 * anew and the read sent again. (ioredis's own `socketTimeout` would do, but keeps a process alive after `disconnect()`.)
 */
export async function blockingRead<T>(redis: Redis, read: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    if (redis.status === "ready") redis.disconnect(true);
  }, READ_SILENCE_MS).unref();
  try {
    return await read();
  } finally {
    clearInterval(timer);
  }
}

function reportTrouble(redis: Redis, name: string, log: Logger): void {
  let down = false;
  redis.on("error", (error) => {
    if (!down) log.warn({ err: error, redis: name }, "Redis connection trouble");
    down = true;
  });
  redis.on("close", () => {
    if (!down) log.warn({ redis: name }, "Redis connection lost");
    down = true;
  });
  redis.on("ready", () => {
    if (down) log.info({ redis: name }, "Redis connection is back");
    down = false;
  });
}

/** Resolves once `redis` is usable. @throws Error when that takes longer than `limitMs` */
export function redisReady(redis: Redis, limitMs: number): Promise<void> {
  if (redis.status === "ready") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      redis.off("ready", ready);
      reject(new Error(`Redis did not answer within ${limitMs} ms. Is REDIS_URL right and the server up?`));
    }, limitMs);
    const ready = () => {
      clearTimeout(timer);
      resolve();
    };
    redis.once("ready", ready);
  });
}
