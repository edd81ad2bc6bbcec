import { createWorker, ortc, type types } from "mediasoup";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Media, MediaRoom, Opaque } from "../rooms/ports.ts";
import { listenAddresses } from "./listen-addresses.ts";
import { SfuRoom } from "./media-room.ts";

export type MediaOptions = {
  /** Worker processes; one busy core each. */
  workers: number;
  /** Address to bind; 0.0.0.0 stands for all of the machine's own. */
  address: string;
  /** Address that clients are told instead. */
  announced?: string | undefined;
  /** First port for UDP and TCP, the next worker takes the next; 0 takes any free ones. */
  port: number;
  workerBin?: string | undefined;
  /** How often each worker is asked for a sign of life, in ms. One that owes two answers is killed and replaced. */
  heartbeatMs?: number;
  log: Logger;
  metrics: Metrics;
};

/** Opus only: FEC rides over single lost packets, DTX sends next to nothing in pauses. */
const mediaCodecs: types.RouterRtpCodecCapability[] = [
  {
    kind: "audio",
    mimeType: "audio/opus",
    clockRate: 48_000,
    channels: 2,
    parameters: { useinbandfec: 1, usedtx: 1 },
  },
];
/** A worker that dies again and again is not respawned in a tight loop. */
const RESPAWN_MS = [0, 1_000, 5_000, 15_000];
const HEARTBEAT_MS = 5_000;
/** How long a room waits for a worker to come up, in ms: a respawn takes about 100. */
const PATIENCE_MS = 3_000;
/** How long a worker may take to end when it is asked to. */
const END_LIMIT_MS = 2_000;
/** A worker that has lived this long is a healthy one: the next death starts the schedule anew. */
const STABLE_MS = 60_000;

/** One place in the pool: its port stays, workers come and go. */
type Slot = {
  index: number;
  live: { worker: types.Worker; server: types.WebRtcServer } | undefined;
  rooms: Set<SfuRoom>;
};

/** A supervised pool of mediasoup workers: one WebRtcServer (one UDP and TCP port per address) each, rooms placed on the least loaded. */
export class MediaWorkers implements Media {
  readonly routerRtpCapabilities = ortc.generateRouterRtpCapabilities(mediaCodecs) as unknown as Opaque;
  readonly #options: MediaOptions;
  readonly #slots: Slot[];
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Rooms that wait for a worker. */
  readonly #waiting = new Set<(slot?: Slot) => void>();
  readonly #deaths;
  readonly #roomMetrics;
  #closed = false;

  /** @throws when a worker can't be started or can't bind its port */
  static async start(options: MediaOptions): Promise<MediaWorkers> {
    const media = new MediaWorkers(options);
    try {
      await Promise.all(media.#slots.map((slot) => media.#spawn(slot)));
    } catch (error) {
      await media.close();
      const reason = error instanceof Error ? error.message : String(error);
      const settings = "see MEDIASOUP_WORKER_BIN, PARLANCE_MEDIA_ADDRESS, PARLANCE_MEDIA_PORT";
      throw new Error(`a media worker can't be started (${settings}): ${reason}`, { cause: error });
    }
    return media;
  }

  private constructor(options: MediaOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.workers }, (_, index) => ({ index, live: undefined, rooms: new Set() }));
    const { metrics } = options;
    this.#deaths = metrics.counter("media_worker_deaths_total", "Media workers that died and were replaced.");
    this.#roomMetrics = {
      tapDropped: metrics.counter("media_tap_packets_dropped_total", "Tapped packets that could not be read as RTP."),
    };
    metrics.gauge("media_workers", "Media workers that are up.", () => this.#slots.filter((slot) => slot.live).length);
    metrics.gauge("media_rooms", "Rooms with media.", () => sum(this.#slots, (slot) => slot.rooms.size));
    metrics.gauge("media_peers", "People with media transports.", () => sum(this.#slots, load));
  }

  /** Whether rooms can be opened: at least one worker is up. */
  get available(): boolean {
    return this.#slots.some((slot) => slot.live);
  }

  /** Process ids of the live workers, for operators and tests. */
  get pids(): number[] {
    return this.#slots.flatMap((slot) => slot.live?.worker.pid ?? []);
  }

  async openRoom(): Promise<MediaRoom> {
    const slot = this.#leastLoaded() ?? (await this.#nextUp());
    if (!slot?.live) throw new AppError("MEDIA_UNAVAILABLE");
    const { worker, server } = slot.live;
    // Counted before the first await, so that rooms opened at once spread over the workers.
    const room = new SfuRoom({
      log: this.#options.log,
      metrics: this.#roomMetrics,
      onClosed: () => slot.rooms.delete(room),
    });
    slot.rooms.add(room);
    try {
      await room.open(worker, server, mediaCodecs);
    } catch (error) {
      room.close();
      this.#options.log.warn({ err: error, worker: worker.pid }, "a room's media could not be opened");
      throw new AppError("MEDIA_UNAVAILABLE");
    }
    return room;
  }

  /** Ends all workers and resolves once their processes are gone; rooms are lost. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const give of [...this.#waiting]) give();
    const workers = this.#slots.flatMap((slot) => slot.live?.worker ?? []);
    for (const slot of this.#slots) slot.live = undefined;
    await Promise.all(workers.map(end));
  }

  #leastLoaded(): Slot | undefined {
    return this.#slots
      .filter((candidate) => candidate.live)
      .sort((a, b) => load(a) - load(b) || a.rooms.size - b.rooms.size)[0];
  }

  /** The next worker that comes up; undefined where that takes too long. */
  #nextUp(): Promise<Slot | undefined> {
    return new Promise((resolve) => {
      const settle = (slot?: Slot) => {
        clearTimeout(timer);
        this.#timers.delete(timer);
        this.#waiting.delete(settle);
        resolve(slot);
      };
      const timer = setTimeout(settle, PATIENCE_MS);
      this.#timers.add(timer);
      this.#waiting.add(settle);
    });
  }

  async #spawn(slot: Slot, deaths = 0): Promise<void> {
    const { log, port, workerBin } = this.#options;
    const worker = await createWorker({
      logLevel: "warn",
      ...(workerBin === undefined ? {} : { workerBin }),
    });
    leaveSignalsAlone(worker);
    const startedAt = performance.now();
    try {
      const server = await worker.createWebRtcServer({
        listenInfos: listenAddresses(this.#options.address, this.#options.announced).flatMap((address) =>
          (["udp", "tcp"] as const).map((protocol) => ({
            protocol,
            ...address,
            ...(port === 0 ? {} : { port: port + slot.index }),
          })),
        ),
      });
      if (this.#closed) return await end(worker);
      slot.live = { worker, server };
    } catch (error) {
      await end(worker);
      throw error;
    }
    log.info({ worker: worker.pid }, "media worker is up");
    for (const give of [...this.#waiting]) give(slot);
    this.#superviseHeart(worker);
    worker.once("died", (error) => {
      slot.live = undefined;
      this.#deaths.inc();
      log.error({ err: error, worker: worker.pid, rooms: slot.rooms.size }, "media worker died");
      this.#respawn(slot, performance.now() - startedAt > STABLE_MS ? 0 : deaths + 1);
    });
  }

  /** A worker that hangs keeps its port and its rooms, and tells nobody: it is made to die. */
  #superviseHeart(worker: types.Worker): void {
    let owed = 0;
    const timer = setInterval(() => {
      if (owed >= 2) {
        this.#options.log.error({ worker: worker.pid }, "media worker hangs");
        process.kill(worker.pid, "SIGKILL");
      }
      owed += 1;
      worker.getResourceUsage().then(
        () => {
          owed = 0;
        },
        () => {},
      );
    }, this.#options.heartbeatMs ?? HEARTBEAT_MS).unref();
    worker.observer.once("close", () => clearInterval(timer));
  }

  #respawn(slot: Slot, deaths: number): void {
    if (this.#closed) return;
    const delay = RESPAWN_MS[Math.min(Math.max(deaths - 1, 0), RESPAWN_MS.length - 1)] ?? 0;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#spawn(slot, deaths).catch((error: unknown) => {
        this.#options.log.error({ err: error }, "a media worker could not be replaced");
        this.#respawn(slot, deaths + 1);
      });
    }, delay);
    this.#timers.add(timer);
  }
}

/** Ends a worker; one that misses its farewell, which mediasoup sends without waiting, would stay for ever. */
async function end(worker: types.Worker): Promise<void> {
  if (worker.subprocessClosed) return;
  const gone = new Promise<void>((resolve) => worker.once("subprocessclose", resolve));
  worker.close();
  const timer = setTimeout(() => process.kill(worker.pid, "SIGKILL"), END_LIMIT_MS);
  await gone;
  clearTimeout(timer);
}

/** mediasoup closes its workers on the first SIGTERM or SIGINT; here a drain comes first, with people still talking. */
function leaveSignalsAlone(worker: types.Worker): void {
  const { onSignal } = worker as unknown as { onSignal?: (signal: NodeJS.Signals) => void };
  if (onSignal) for (const signal of ["SIGINT", "SIGTERM"]) process.removeListener(signal, onSignal);
}

function load(slot: Slot): number {
  return sum([...slot.rooms], (room) => room.peers);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
