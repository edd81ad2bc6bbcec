import type { types } from "mediasoup";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";
import type { MediaLevels, MediaPeer, MediaPeerEvents, MediaRoom, Opaque } from "../rooms/ports.ts";
import { canReceive, SfuPeer } from "./media-peer.ts";

/** How often levels are reported, in ms: five times a second looks live and is cheap. */
const LEVELS_MS = 200;
/** Quieter than this (dBov) is a silent room's noise. */
const LEVEL_THRESHOLD = -60;
const LEVEL_ENTRIES = 8;

export type MediaRoomOptions = {
  log: Logger;
  metrics: { tapDropped: { inc(): void } };
  /** Called once when the room's media is gone, for whatever reason. */
  onClosed: () => void;
};

type Parts = {
  router: types.Router;
  server: types.WebRtcServer;
  levels: types.AudioLevelObserver;
  speaker: types.ActiveSpeakerObserver;
};

/** One router with its observers. */
export class SfuRoom implements MediaRoom {
  readonly #options: MediaRoomOptions;
  readonly #peers = new Set<SfuPeer>();
  #parts: Parts | undefined;
  #direct: Promise<types.DirectTransport> | undefined;
  #activeSpeaker: string | null = null;
  #onLevels: (levels: MediaLevels) => void = () => {};
  #onLost: () => void = () => {};
  #closed = false;

  constructor(options: MediaRoomOptions) {
    this.#options = options;
  }

  get peers(): number {
    return this.#peers.size;
  }

  /** @throws when the worker dies meanwhile */
  async open(worker: types.Worker, server: types.WebRtcServer, mediaCodecs: types.RouterRtpCodecCapability[]) {
    const router = await worker.createRouter({ mediaCodecs });
    router.on("workerclose", () => {
      if (this.#closed) return;
      this.close();
      this.#onLost();
    });
    const [levels, speaker] = await Promise.all([
      router.createAudioLevelObserver({
        maxEntries: LEVEL_ENTRIES,
        threshold: LEVEL_THRESHOLD,
        interval: LEVELS_MS,
      }),
      router.createActiveSpeakerObserver({ interval: 300 }),
    ]);
    if (router.closed) throw new Error("the worker died while the room was opened");
    levels.on("volumes", (volumes) =>
      this.#onLevels({
        levels: volumes.map(({ producer, volume }) => [String(producer.appData.peerId), volume]),
        activeSpeaker: this.#activeSpeaker ?? String(volumes[0]?.producer.appData.peerId),
      }),
    );
    levels.on("silence", () => {
      this.#activeSpeaker = null;
      this.#onLevels({ levels: [], activeSpeaker: null });
    });
    speaker.on("dominantspeaker", ({ producer }) => {
      this.#activeSpeaker = String(producer.appData.peerId);
    });
    this.#parts = { router, server, levels, speaker };
  }

  onLevels(listener: (levels: MediaLevels) => void): void {
    this.#onLevels = listener;
  }

  onLost(listener: () => void): void {
    this.#onLost = listener;
  }

  async addPeer(peerId: string, rtpCapabilities: Opaque, events: MediaPeerEvents): Promise<MediaPeer> {
    const { router, server } = this.#open();
    if (!canReceive(router, rtpCapabilities)) throw new AppError("MEDIA_UNSUPPORTED");
    const [send, receive] = await this.#attempt(() =>
      Promise.all([transport(router, server), transport(router, server)]),
    );
    if (router.closed) throw new AppError("MEDIA_UNAVAILABLE");
    const peer = new SfuPeer({
      peerId,
      rtpCapabilities,
      events,
      send,
      receive,
      router,
      observe: (producerId) => {
        const { levels, speaker } = this.#open();
        return Promise.all([levels.addProducer({ producerId }), speaker.addProducer({ producerId })]);
      },
      directTransport: () => this.#directTransport(),
      onUnreadable: () => this.#options.metrics.tapDropped.inc(),
      onClosed: () => {
        this.#peers.delete(peer);
        if (this.#activeSpeaker === peerId) this.#activeSpeaker = null;
      },
    });
    this.#peers.add(peer);
    return peer;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const peer of this.#peers) peer.close();
    this.#parts?.router.close();
    this.#options.onClosed();
  }

  #open(): Parts {
    if (this.#closed || !this.#parts) throw new AppError("MEDIA_UNAVAILABLE");
    return this.#parts;
  }

  /** A failure of the worker itself, as the error that tells clients to try again. */
  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      this.#options.log.warn({ err: error }, "media failed");
      throw new AppError("MEDIA_UNAVAILABLE");
    }
  }

  #directTransport(): Promise<types.DirectTransport> {
    const { router } = this.#open();
    this.#direct ??= router.createDirectTransport();
    return this.#direct;
  }
}

function transport(router: types.Router, webRtcServer: types.WebRtcServer): Promise<types.WebRtcTransport> {
  return router.createWebRtcTransport({ webRtcServer, enableUdp: true, enableTcp: true, preferUdp: true });
}
