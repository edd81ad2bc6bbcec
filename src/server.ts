import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { Accounts } from "./accounts/accounts.ts";
import { Housekeeping } from "./accounts/housekeeping.ts";
import { loadTokenKeys } from "./accounts/token-keys.ts";
import { Tokens } from "./accounts/tokens.ts";
import { Chat } from "./chat/chat.ts";
import { createCluster } from "./cluster/cluster.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./db/database.ts";
import { Drills } from "./drills/drills.ts";
import { Practice } from "./drills/practice.ts";
import { ReferenceAudio } from "./drills/reference-audio.ts";
import { Speech } from "./drills/speech.ts";
import { Gateway } from "./gateway/gateway.ts";
import { chatHandlers } from "./gateway/handlers/chat.ts";
import { drillHandlers } from "./gateway/handlers/drills.ts";
import { practiceHandlers } from "./gateway/handlers/practice.ts";
import { roomHandlers } from "./gateway/handlers/rooms.ts";
import { speechHandlers } from "./gateway/handlers/speech.ts";
import { AppError } from "./lib/app-error.ts";
import type { Logger } from "./lib/logger.ts";
import { createMetrics } from "./lib/metrics.ts";
import { MediaWorkers } from "./media/media.ts";
import { coach } from "./phonemes/coach.ts";
import { EspeakVoice } from "./phonemes/espeak-voice.ts";
import { readLanguages } from "./phonemes/languages.ts";
import { Lexicons } from "./phonemes/lexicons.ts";
import { ScoringPool } from "./phonemes/pool.ts";
import { iceServers } from "./rooms/ice-servers.ts";
import { LocalRooms } from "./rooms/local-rooms.ts";
import { MemoryRoomDirectory } from "./rooms/memory-room-directory.ts";
import { RoomCatalog } from "./rooms/room-catalog.ts";

const repository = join(import.meta.dirname, "..");

export type ParlanceServer = {
  /** Where the page, the REST part and the socket are. */
  readonly url: string;
  /** Drains for at most PARLANCE_DRAIN_MS, then closes everything. Idempotent. */
  stop(): Promise<void>;
};

/**
 * Builds and starts a whole server; this is the one place that knows every part. One server per process.
 * @throws what a part that can't start threw, once all that had started is closed again
 */
export async function createServer(config: Config, { log }: { log: Logger }): Promise<ParlanceServer> {
  /** How to undo what has started, the last first. */
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) await close();
  };
  try {
    return await start();
  } catch (error) {
    await closeAll();
    throw error;
  }

  async function start(): Promise<ParlanceServer> {
    const metrics = createMetrics();
    const database = await openDatabase(config, { log, metrics });
    closers.push(() => database.close());
    const { REDIS_URL } = config;
    const cluster = REDIS_URL ? await createCluster({ config: { ...config, REDIS_URL }, log, metrics }) : undefined;
    if (cluster) closers.push(() => cluster.close());
    const nodeId = cluster?.nodeId ?? config.PARLANCE_NODE_ID ?? `node-${randomBytes(4).toString("hex")}`;

    const tokens = new Tokens(
      config,
      await loadTokenKeys(config, database.kind === "postgres" ? database.secrets : undefined),
    );
    const accounts = new Accounts({ config, users: database.users, sessions: database.sessions, tokens });
    await accounts.ensureAdmin();
    const housekeeping = new Housekeeping({ users: database.users, sessions: database.sessions, log, metrics });
    closers.push(() => housekeeping.close());
    const gateway = new Gateway({
      config,
      log,
      metrics,
      nodeId,
      accounts,
      users: database.users,
      webRoot: join(repository, "web/dist"),
      ...(cluster ? { presence: cluster.presence, adapterFactory: cluster.adapterFactory } : {}),
    });
    closers.push(() => gateway.close());
    const { publisher } = gateway;

    const modelDir = resolve(repository, config.PARLANCE_MODEL_DIR);
    const languages = await readLanguages(modelDir, log);
    const scoring = new ScoringPool({
      threads: config.PARLANCE_SCORING_THREADS,
      streamsPerThread: config.PARLANCE_SCORING_STREAMS,
      modelDir,
      log,
      metrics,
    });
    closers.push(() => scoring.close());
    const media = await MediaWorkers.start({
      workers: config.PARLANCE_MEDIA_WORKERS,
      address: config.PARLANCE_MEDIA_ADDRESS,
      announced: config.PARLANCE_MEDIA_ANNOUNCED,
      port: config.PARLANCE_MEDIA_PORT,
      workerBin: config.MEDIASOUP_WORKER_BIN,
      log,
      metrics,
    });
    closers.push(() => media.close());

    const directory = cluster?.roomDirectory ?? new MemoryRoomDirectory(nodeId);
    const catalog = new RoomCatalog({
      rooms: database.rooms,
      directory,
      capacity: config.PARLANCE_ROOM_CAPACITY,
      lobby: config.PARLANCE_MODE === "demo",
      log,
    });
    closers.push(() => catalog.close());
    const localRooms = new LocalRooms({
      findRoom: (roomId) => catalog.find(roomId),
      directory,
      media,
      publisher,
      iceServers: (userId) =>
        iceServers({ urls: config.PARLANCE_TURN_URLS, secret: config.PARLANCE_TURN_SECRET }, userId),
      graceMs: config.PARLANCE_ROOM_GRACE_MS,
      log,
      metrics,
    });
    closers.push(() => localRooms.close());
    const rooms = cluster?.rooms(localRooms, publisher) ?? localRooms;

    const chat = new Chat({
      conversations: database.conversations,
      outbox: database.outbox,
      people: database.users,
      publisher,
      log,
      metrics,
    });
    closers.push(() => chat.close());
    const pronouncer = new Lexicons(languages);
    const practice = new Practice({ drills: database.drills, progress: database.progress, pronouncer });
    const drills = new Drills({
      drills: database.drills,
      attempts: database.attempts,
      languages: [...languages.values()].map(({ about }) => about),
      pronouncer,
      coach,
      scoring,
      audioTap: rooms,
      publisher,
      log,
      metrics,
    });
    closers.push(() => drills.close());
    const speech = new Speech({ hearing: scoring, audioTap: rooms, publisher, metrics });
    closers.push(() => speech.close());
    gateway.events.on("disconnected", (connectionId, removed) => {
      drills.disconnected(connectionId);
      speech.disconnected(connectionId);
      rooms.disconnected(connectionId, removed);
    });

    // Rooms and messages work without scoring, so a broken model is told, here and by /readyz, rather than fatal.
    await scoring.ready().catch((error: unknown) => log.error({ err: error }, "speech scoring could not start"));
    const { url } = await gateway.listen({
      handlers: {
        ...roomHandlers({ rooms, catalog }),
        ...chatHandlers({ chat }),
        ...drillHandlers(drills),
        ...speechHandlers(speech),
        ...practiceHandlers(practice),
      },
      referenceAudio: new ReferenceAudio(await EspeakVoice.find(config.PARLANCE_REFERENCE_VOICES)),
      drills,
      frameSinks: {
        "drill.frame": (connectionId, bytes) => drills.frame(connectionId, bytes),
        "speech.frame": (connectionId, bytes) => speech.frame(connectionId, bytes),
      },
      routerRtpCapabilities: media.routerRtpCapabilities,
      readiness: {
        database: () => database.ping(),
        media: () => {
          if (!media.available) throw new AppError("MEDIA_UNAVAILABLE");
        },
        scoring: () => {
          if (!scoring.healthy) throw new AppError("SCORING_UNAVAILABLE");
        },
        // Without Redis a node still serves its own people: taking all nodes out of traffic would make it worse.
        ...(cluster ? { redis: () => cluster.ping().catch(() => "degraded" as const) } : {}),
      },
    });
    log.info({ nodeId, url, database: database.kind, cluster: cluster !== undefined }, "ready");

    let stopping: Promise<void> | undefined;
    const stop = async () => {
      await gateway.drain({ limitMs: config.PARLANCE_DRAIN_MS, busy: (connectionId) => drills.busy(connectionId) });
      await closeAll();
    };
    return {
      url,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  }
}
