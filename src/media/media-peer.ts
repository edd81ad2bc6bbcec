import { ortc, type types } from "mediasoup";
import type { ConsumerOptions, TransportOptions } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { MediaPeer, MediaPeerEvents, Opaque, OpusPacket } from "../rooms/ports.ts";
import { parseRtpPacket } from "./rtp-packet.ts";

export type MediaPeerOptions = {
  peerId: string;
  rtpCapabilities: Opaque;
  events: MediaPeerEvents;
  send: types.WebRtcTransport;
  receive: types.WebRtcTransport;
  router: types.Router;
  /** Starts measuring a producer's level. */
  observe: (producerId: string) => Promise<unknown>;
  /** The room's way from the worker into this process. */
  directTransport: () => Promise<types.DirectTransport>;
  onUnreadable: () => void;
  onClosed: () => void;
};

export class SfuPeer implements MediaPeer {
  readonly send: TransportOptions;
  readonly receive: TransportOptions;
  readonly #options: MediaPeerOptions;
  readonly #transports: Map<string, types.WebRtcTransport>;
  readonly #consumers = new Map<string, ConsumerOptions>();
  /** Producers received, or about to be: two paths may offer the same one at once. */
  readonly #received = new Set<string>();
  readonly #connected = new Set<string>();
  /** How each open tap ends when the microphone does. */
  readonly #taps = new Set<() => void>();
  #producer: types.Producer | undefined;
  /** A second microphone must be refused while the first is still being made. */
  #producing = false;
  #paused = false;
  #closed = false;

  constructor(options: MediaPeerOptions) {
    this.#options = options;
    this.send = describe(options.send);
    this.receive = describe(options.receive);
    this.#transports = new Map([options.send, options.receive].map((transport) => [transport.id, transport]));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get producerId(): string | undefined {
    return this.#producer?.id;
  }

  async connect(transportId: string, dtlsParameters: Opaque): Promise<void> {
    const transport = this.#transport(transportId);
    // Asked once only: the worker would keep the first answer, and a client with another certificate must hear of it.
    if (this.#connected.has(transportId))
      throw new AppError("MEDIA_UNSUPPORTED", "The transport is connected already.");
    if (!fingerprintsFit(dtlsParameters)) throw new AppError("MEDIA_UNSUPPORTED", "The DTLS parameters do not fit.");
    this.#connected.add(transportId);
    try {
      await transport.connect({ dtlsParameters: dtlsParameters as types.DtlsParameters });
    } catch {
      this.#connected.delete(transportId);
      throw this.#refusal("The DTLS parameters do not fit.");
    }
  }

  async restartIce(transportId: string): Promise<Opaque> {
    const transport = this.#transport(transportId);
    try {
      return { ...(await transport.restartIce()) };
    } catch {
      throw this.#refusal("ICE could not be restarted.");
    }
  }

  async produce(request: { transportId: string; kind: string; rtpParameters: Opaque; paused: boolean }) {
    const transport = this.#transport(request.transportId);
    if (request.kind !== "audio") throw new AppError("PRODUCE_NOT_ALLOWED", "Only a microphone can be published.");
    if (transport !== this.#options.send)
      throw new AppError("PRODUCE_NOT_ALLOWED", "A microphone is published on the send transport.");
    if (this.#producing) throw new AppError("PRODUCE_NOT_ALLOWED", "A microphone is published already.");
    this.#producing = true;
    this.#paused = request.paused;
    let producer: types.Producer;
    try {
      producer = await transport.produce({
        kind: "audio",
        rtpParameters: request.rtpParameters as types.RtpParameters,
        paused: request.paused,
        appData: { peerId: this.#options.peerId },
      });
    } catch {
      this.#producing = false;
      throw this.#refusal("The RTP parameters do not fit.");
    }
    this.#producer = producer;
    if (this.#paused !== request.paused) await this.#applyPaused();
    await this.#options.observe(producer.id).catch(() => {});
    if (this.#closed) throw new AppError("MEDIA_UNAVAILABLE");
    return producer.id;
  }

  async setPaused(paused: boolean): Promise<void> {
    this.#paused = paused;
    await this.#applyPaused();
  }

  async consume(from: { peerId: string; producerId: string }): Promise<ConsumerOptions | undefined> {
    const { producerId, peerId } = from;
    if (this.#closed || this.#received.has(producerId)) return undefined;
    this.#received.add(producerId);
    let consumer: types.Consumer;
    try {
      consumer = await this.#options.receive.consume({
        producerId,
        rtpCapabilities: this.#options.rtpCapabilities as types.RtpCapabilities,
        paused: false,
      });
    } catch {
      this.#received.delete(producerId);
      return undefined;
    }
    if (consumer.closed) return undefined;
    const described: ConsumerOptions = {
      id: consumer.id,
      producerId,
      peerId,
      kind: consumer.kind,
      rtpParameters: { ...consumer.rtpParameters },
    };
    this.#consumers.set(consumer.id, described);
    consumer.once("producerclose", () => {
      this.#consumers.delete(consumer.id);
      this.#options.events.consumerClosed(consumer.id);
    });
    return described;
  }

  consumers(): ConsumerOptions[] {
    return [...this.#consumers.values()];
  }

  async tap(onPacket: OpusPacket, onEnded: () => void = () => {}): Promise<() => void> {
    if (!this.#producer) throw new AppError("NO_MICROPHONE_TRACK");
    let consumer: types.Consumer;
    try {
      const direct = await this.#options.directTransport();
      consumer = await direct.consume({
        producerId: this.#producer.id,
        rtpCapabilities: this.#options.router.rtpCapabilities as types.RtpCapabilities,
        paused: false,
      });
    } catch {
      throw new AppError("MEDIA_UNAVAILABLE");
    }
    consumer.on("rtp", (bytes) => {
      const packet = parseRtpPacket(bytes);
      if (packet) onPacket(packet.payload, packet);
      else this.#options.onUnreadable();
    });
    const over = () => {
      if (!this.#taps.delete(over)) return;
      consumer.close();
      onEnded();
    };
    this.#taps.add(over);
    consumer.once("producerclose", over);
    consumer.once("transportclose", over);
    return () => {
      if (this.#taps.delete(over)) consumer.close();
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const over of [...this.#taps]) over();
    for (const transport of this.#transports.values()) transport.close();
    this.#consumers.clear();
    this.#producer = undefined;
    this.#options.onClosed();
  }

  #transport(transportId: string): types.WebRtcTransport {
    const transport = this.#transports.get(transportId);
    if (!transport) throw new AppError("TRANSPORT_NOT_FOUND");
    return transport;
  }

  /** Brings the producer to the last wanted state; a call that came meanwhile is seen by the loop. */
  async #applyPaused(): Promise<void> {
    const producer = this.#producer;
    while (producer && !producer.closed && producer.paused !== this.#paused) {
      try {
        await (this.#paused ? producer.pause() : producer.resume());
      } catch {
        throw new AppError("MEDIA_UNAVAILABLE");
      }
    }
  }

  /** What the worker refused is the client's fault, unless the worker itself has gone. */
  #refusal(message: string): AppError {
    return this.#closed || this.#options.router.closed
      ? new AppError("MEDIA_UNAVAILABLE")
      : new AppError("MEDIA_UNSUPPORTED", message);
  }
}

/** The worker takes any text for a fingerprint and fails much later, unheard. */
function fingerprintsFit({ fingerprints }: Opaque): boolean {
  return (
    Array.isArray(fingerprints) &&
    fingerprints.length > 0 &&
    fingerprints.every((entry) => /^[\da-f]{2}(:[\da-f]{2}){19,63}$/i.test(String(entry?.value)))
  );
}

/** Whether a client with these capabilities can receive what a router forwards. */
export function canReceive(router: types.Router, rtpCapabilities: Opaque): boolean {
  const capabilities = structuredClone(rtpCapabilities) as types.RtpCapabilities;
  try {
    ortc.validateAndNormalizeRtpCapabilities(capabilities);
  } catch {
    return false;
  }
  const offered = new Set(router.rtpCapabilities.codecs?.map((codec) => codec.mimeType.toLowerCase()));
  return capabilities.codecs?.some((codec) => offered.has(codec.mimeType.toLowerCase())) ?? false;
}

function describe(transport: types.WebRtcTransport): TransportOptions {
  return {
    id: transport.id,
    iceParameters: { ...transport.iceParameters },
    iceCandidates: transport.iceCandidates.map((candidate) => ({ ...candidate })),
    dtlsParameters: { ...transport.dtlsParameters },
  };
}
