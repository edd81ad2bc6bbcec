import { Device, type types } from "mediasoup-client";
import type { CallInput, CallReply, ConsumerOptions, TransportOptions } from "#protocol";
import type { Connection } from "./connection.ts";

export type MediaOptions = {
  /** For runtimes that mediasoup-client does not recognise by themselves (Node with a WebRTC package, React Native). */
  handlerName?: types.BuiltinHandlerName;
  /** "relay" forces all media through TURN. */
  iceTransportPolicy?: RTCIceTransportPolicy;
};

export type RemoteTrack = { readonly peerId: string; readonly consumerId: string; readonly track: MediaStreamTrack };

export type MediaState = "connecting" | "connected" | "interrupted" | "failed";

type Media = NonNullable<CallReply<"room.join">["media"]>;

/** An interrupted transport gets this long to heal by itself before ICE is restarted, in ms. */
const PATIENCE_MS = 1_000;
/** A restart gets this long, in ms, and a media path this many restarts, before it counts as failed. */
const RESTART_MS = 5_000;
const RESTARTS = 3;

/**
 * The WebRTC side of one stay in a room: a transport each way, one microphone, the others' tracks. It ends with `close()`
 * or "failed"; then the room is joined again with a new one.
 */
export class RoomMedia {
  readonly #link: Pick<Connection, "call">;
  readonly #roomId: string;
  readonly #send: types.Transport;
  readonly #receive: types.Transport;
  readonly #onChange: () => void;
  readonly #wanted = new Map<string, ConsumerOptions>();
  readonly #consumers = new Map<string, types.Consumer>();
  readonly #restarts = new Map<types.Transport, { tries: number; timer: ReturnType<typeof setTimeout> }>();
  #producer: Promise<types.Producer> | undefined;
  #failed = false;
  #closed = false;

  /** A device that has learned what the server can do; its `recvRtpCapabilities` go into `room.join`. */
  static async device(routerRtpCapabilities: Record<string, unknown>, options: MediaOptions): Promise<Device> {
    const device = new Device(options.handlerName ? { handlerName: options.handlerName } : {});
    await device.load({ routerRtpCapabilities: routerRtpCapabilities as unknown as types.RtpCapabilities });
    return device;
  }

  constructor(
    link: Pick<Connection, "call">,
    roomId: string,
    device: Device,
    media: Media,
    options: MediaOptions,
    onChange: () => void,
  ) {
    this.#link = link;
    this.#roomId = roomId;
    this.#onChange = onChange;
    const common = {
      iceServers: media.iceServers as RTCIceServer[],
      ...(options.iceTransportPolicy ? { iceTransportPolicy: options.iceTransportPolicy } : {}),
    };
    this.#send = device.createSendTransport({ ...common, ...transportOptions(media.send) });
    this.#receive = device.createRecvTransport({ ...common, ...transportOptions(media.receive) });
    for (const transport of [this.#send, this.#receive]) this.#watch(transport);
    this.#send.on("produce", ({ kind, rtpParameters }, done, failed) => {
      this.#call("room.produce", { transportId: this.#send.id, kind, rtpParameters: { ...rtpParameters } }).then(
        ({ producerId }) => done({ id: producerId }),
        failed,
      );
    });
    for (const consumer of media.consumers) this.addConsumer(consumer);
  }

  /** Of the paths in use: a transport that has nothing to carry counts as well as a connected one. */
  get state(): MediaState {
    const states = [this.#send, this.#receive].map((transport) => transport.connectionState);
    if (this.#failed) return "failed";
    if (states.some((state) => state === "disconnected" || state === "failed")) return "interrupted";
    return states.includes("connecting") ? "connecting" : "connected";
  }

  get tracks(): readonly RemoteTrack[] {
    return [...this.#consumers.values()].map((consumer) => ({
      peerId: String(consumer.appData.peerId),
      consumerId: consumer.id,
      track: consumer.track,
    }));
  }

  /** Sends a track, or another one in its place. The track stays its owner's: it is never stopped here. */
  async publish(track: MediaStreamTrack): Promise<void> {
    if (this.#producer) {
      const producer = await this.#producer;
      if (producer.track !== track) await producer.replaceTrack({ track });
      return;
    }
    const producing = this.#send.produce({
      track,
      stopTracks: false,
      // Muting belongs to the session: it disables the track itself.
      disableTrackOnPause: false,
      codecOptions: { opusFec: true, opusDtx: true, opusStereo: false },
    });
    this.#producer = producing;
    try {
      await producing;
    } catch (error) {
      if (this.#producer === producing) this.#producer = undefined;
      throw error;
    }
  }

  /** Idempotent for one consumer. */
  addConsumer(options: ConsumerOptions): void {
    if (this.#closed || this.#wanted.has(options.id)) return;
    this.#wanted.set(options.id, options);
    void this.#consume(options);
  }

  removeConsumer(consumerId: string): void {
    this.#wanted.delete(consumerId);
    const consumer = this.#consumers.get(consumerId);
    if (!consumer) return;
    this.#consumers.delete(consumerId);
    consumer.close();
    this.#onChange();
  }

  get consumerIds(): readonly string[] {
    return [...this.#wanted.keys()];
  }

  /** After a network change: new paths for both transports, at once. */
  restartIce(): void {
    for (const transport of [this.#send, this.#receive]) {
      if (transport.connectionState !== "new") this.#restart(transport, 0);
    }
  }

  /** Looks for paths that broke while the server could not be asked. */
  heal(): void {
    for (const transport of [this.#send, this.#receive]) {
      const state = transport.connectionState;
      if (state === "disconnected" || state === "failed") this.#restart(transport, 0);
    }
  }

  async stats(): Promise<RTCStatsReport[]> {
    const used = [this.#send, this.#receive].filter((transport) => !transport.closed);
    return Promise.all(used.map((transport) => transport.getStats()));
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { timer } of this.#restarts.values()) clearTimeout(timer);
    this.#send.close();
    this.#receive.close();
    this.#wanted.clear();
    this.#consumers.clear();
  }

  async #consume(options: ConsumerOptions): Promise<void> {
    try {
      const consumer = await this.#receive.consume({
        id: options.id,
        producerId: options.producerId,
        kind: options.kind,
        rtpParameters: options.rtpParameters as unknown as types.RtpParameters,
        // Each person is a stream of their own: browsers would try to keep tracks of one stream in step.
        streamId: options.peerId,
        appData: { peerId: options.peerId },
      });
      if (this.#closed || !this.#wanted.has(options.id)) return consumer.close();
      this.#consumers.set(options.id, consumer);
      this.#onChange();
    } catch {
      // The transport was closed, or the track can't be received: the next reconciliation offers it again.
      this.#wanted.delete(options.id);
    }
  }

  #watch(transport: types.Transport): void {
    transport.on("connect", ({ dtlsParameters }, done, failed) => {
      this.#call("room.connectTransport", {
        transportId: transport.id,
        dtlsParameters: { ...dtlsParameters },
      }).then(() => done(), failed);
    });
    transport.on("connectionstatechange", (state) => {
      if (this.#closed) return;
      if (state === "connected") {
        clearTimeout(this.#restarts.get(transport)?.timer);
        this.#restarts.delete(transport);
      } else if ((state === "disconnected" || state === "failed") && !this.#restarts.has(transport)) {
        this.#later(transport, 0, state === "failed" ? 0 : PATIENCE_MS);
      }
      this.#onChange();
    });
  }

  #later(transport: types.Transport, tries: number, delayMs: number): void {
    clearTimeout(this.#restarts.get(transport)?.timer);
    const timer = setTimeout(() => this.#restart(transport, tries), delayMs);
    this.#restarts.set(transport, { tries, timer });
  }

  #restart(transport: types.Transport, tries: number): void {
    if (this.#closed || this.#failed) return;
    if (tries >= RESTARTS) {
      this.#fail();
      return;
    }
    // While the socket is away the call fails; the session calls `heal` when it is back, so such a try is free.
    this.#later(transport, tries + 1, RESTART_MS);
    this.#call("room.restartIce", { transportId: transport.id })
      .then(({ iceParameters }) => transport.restartIce({ iceParameters: iceParameters as types.IceParameters }))
      .catch((error: { code?: string }) => {
        if (this.#closed) return;
        if (error.code === "UNAVAILABLE" || error.code === "TIMEOUT") this.#later(transport, tries, RESTART_MS);
        else this.#fail();
      });
  }

  #fail(): void {
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    this.#onChange();
  }

  #call<C extends "room.connectTransport" | "room.produce" | "room.restartIce">(
    name: C,
    input: Omit<CallInput<C>, "roomId">,
  ): Promise<CallReply<C>> {
    return this.#link.call(name, { roomId: this.#roomId, ...input } as CallInput<C>);
  }
}

function transportOptions(options: TransportOptions): types.TransportOptions {
  return options as unknown as types.TransportOptions;
}
