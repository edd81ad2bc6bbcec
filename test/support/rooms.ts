import { createLogger } from "../../src/lib/logger.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { MediaWorkers } from "../../src/media/media.ts";
import { LocalRooms, type LocalRoomsOptions } from "../../src/rooms/local-rooms.ts";
import { MemoryRoomDirectory } from "../../src/rooms/memory-room-directory.ts";
import { type HubLink, RoomHub } from "./room-hub.ts";

export type TestRooms = {
  hub: RoomHub;
  rooms: LocalRooms;
  media: MediaWorkers;
  directory: MemoryRoomDirectory;
  /** A connected user; the name is the id as well. */
  user(name: string): HubLink;
  stop(): Promise<void>;
};

/** Real rooms on real media workers, on the loopback address; each room id that starts with "room" exists. */
export async function startRooms(
  options: Partial<LocalRoomsOptions> & { capacity?: number; workers?: number; heartbeatMs?: number } = {},
): Promise<TestRooms> {
  const log = createLogger("silent");
  const metrics = createMetrics();
  const media = await MediaWorkers.start({
    workers: options.workers ?? 1,
    address: "127.0.0.1",
    port: 0,
    ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
    workerBin: process.env.MEDIASOUP_WORKER_BIN,
    log,
    metrics,
  });
  const hub = new RoomHub();
  const directory = new MemoryRoomDirectory("node");
  const rooms = new LocalRooms({
    findRoom: async (id) =>
      id.startsWith("room")
        ? {
            id,
            topic: "Small talk",
            language: "en",
            capacity: options.capacity ?? 10,
            createdBy: "x",
            createdAtMs: 0,
            closedAtMs: null,
          }
        : undefined,
    directory,
    media,
    publisher: hub,
    iceServers: () => [],
    graceMs: 60_000,
    log,
    metrics,
    ...options,
  });
  return {
    hub,
    rooms,
    media,
    directory,
    user: (name) => hub.connect(rooms, { id: name, name }, media.routerRtpCapabilities),
    async stop() {
      await rooms.close();
      await media.close();
    },
  };
}

export function rejectsWith(code: string) {
  return (error: unknown) => (error as { code?: string }).code === code;
}
