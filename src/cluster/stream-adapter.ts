import { createAdapter } from "@socket.io/redis-streams-adapter";
import type { Redis } from "ioredis";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import { blocking, blockingRead, openRedis, READ_BLOCK_MS } from "./redis.ts";

type Adapter = ReturnType<ReturnType<typeof createAdapter>>;
/** Makes the socket.io adapter of one namespace; given to `new Server({ adapter })`. */
export type AdapterFactory = (namespace: unknown) => Adapter;

/** Broadcasts kept for nodes that lost Redis for a moment, trimmed approximately; some 5 to 20 MB of Redis memory. */
const STREAM_LENGTH = 20_000;
/** Broadcasts that wait while Redis is gone; beyond it new ones reach this node's own clients only. */
const PENDING_LIMIT = 10_000;
const RETRY_MS = 250;

/** MessageType.SERVER_SIDE_EMIT of socket.io-adapter, whose package we do not depend on ourselves. */
const SERVER_SIDE_EMIT = 9;

export type StreamAdapter = {
  factory: AdapterFactory;
  /** Idempotent. */
  close(): void;
};

/**
 * The socket.io streams adapter with four weaknesses taken away (figures in docs/adr/0002-streams-adapter.md):
 * - its reader starts at "$" and so loses all that is published until it has received an entry once: here it starts at
 *   an entry that was written at boot;
 * - it delivers to the node's own clients only after Redis has stored the broadcast, so that an outage of Redis would
 *   stop a node's own chat: here local delivery waits for nothing, and what Redis could not take is kept in order,
 *   bounded, and handed over when Redis is back;
 * - a failing read is repeated without a pause: here it waits;
 * - `serverSideEmit` goes by PUBLISH, which a broken connection loses: here it goes by the stream, in order with the broadcasts.
 * @param options.publisher keeps commands until Redis is back (`patient`), and is ready; it stays the caller's
 */
export async function createStreamAdapter(options: {
  url: string;
  publisher: Redis;
  prefix: string;
  log: Logger;
  metrics: Metrics;
}): Promise<StreamAdapter> {
  const { url, publisher, prefix, log, metrics } = options;
  const streamName = `${prefix}broadcasts`;
  const start = await publisher.xadd(streamName, "MAXLEN", "~", STREAM_LENGTH, "*", "boot", "1");

  let pending = 0;
  metrics.gauge("cluster_broadcasts_pending", "Broadcasts waiting for Redis.", () => pending);
  const dropped = metrics.counter("cluster_broadcasts_dropped_total", "Broadcasts that other nodes never got.");
  const opened: Redis[] = [];
  let closed = false;

  const facade = {
    options: { lazyConnect: false },
    duplicate() {
      const redis = openRedis(url, "parlance-reader", log, blocking);
      const xread = redis.xread.bind(redis) as (...args: unknown[]) => Promise<unknown>;
      redis.xread = (async (...args: unknown[]) => {
        try {
          return await blockingRead(redis, () => xread(...args.map((arg) => (arg === "$" ? start : arg))));
        } catch (error) {
          // The adapter's loop ends only with its last namespace; a read that never ends stops it for sure.
          await new Promise((resolve) => closed || setTimeout(resolve, RETRY_MS));
          throw error;
        }
      }) as typeof redis.xread;
      opened.push(redis);
      return redis;
    },
    /** Called as `xadd.call(client, args)`. */
    xadd(args: [key: string, ...rest: string[]]): Promise<string> {
      if (pending >= PENDING_LIMIT) dropped.inc();
      else {
        pending += 1;
        publisher.call("xadd", args).then(
          () => {
            pending -= 1;
          },
          (error: unknown) => {
            pending -= 1;
            dropped.inc();
            if (!closed) log.error({ err: error }, "Redis refused a broadcast");
          },
        );
      }
      return Promise.resolve("");
    },
    /** Questions between hubs, which nobody here asks: not worth keeping. */
    publish: async (channel: string, payload: Buffer) =>
      publisher.status === "ready" ? publisher.publish(channel, payload).catch(() => 0) : 0,
    pubsub: (...args: ["NUMSUB", string]) => publisher.pubsub(...args),
  };
  const create = createAdapter(facade, {
    streamName,
    channelPrefix: `${prefix}socket.io`,
    maxLen: STREAM_LENGTH,
    blockTimeInMs: READ_BLOCK_MS,
  });
  // Not an arrow function, since socket.io calls it with `new`.
  function factory(namespace: unknown): Adapter {
    const adapter = create(namespace);
    const { doPublish } = adapter;
    adapter.doPublish = (message) => {
      if (!isServerSideEmit(message)) return doPublish.call(adapter, message);
      const { uid, nsp, type, data } = message;
      const fields = { uid, nsp, type: String(type), data: JSON.stringify(data) };
      return facade.xadd([streamName, "MAXLEN", "~", `${STREAM_LENGTH}`, "*", ...Object.entries(fields).flat()]);
    };
    return adapter;
  }
  return {
    factory,
    close() {
      closed = true;
      for (const redis of opened) redis.disconnect();
    },
  };
}

type ServerSideEmit = { uid: string; nsp: string; type: number; data: { packet: unknown[]; requestId?: string } };

function isServerSideEmit(message: object): message is ServerSideEmit {
  const { type, data } = message as Partial<ServerSideEmit>;
  return type === SERVER_SIDE_EMIT && data?.requestId === undefined;
}
