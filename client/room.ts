import type { CallReply, ErrorCode, Peer, PushPayload, Room } from "#protocol";
import type { Connection, ConnectionState } from "./connection.ts";
import { ParlanceError } from "./errors.ts";
import { type MediaOptions, type RemoteTrack, RoomMedia } from "./room-media.ts";
import { type RoomLine, Roster } from "./roster.ts";

export type RoomSessionOptions = MediaOptions & {
  /** Whether to hear and speak; without it the session has the roster and the room's text only. */
  media?: boolean;
};

/** What a session needs of a connection. */
export type RoomLink = Pick<Connection, "call" | "on" | "onState" | "ready">;

export type RoomLeftReason =
  | "left"
  | PushPayload<"room.removed">["reason"]
  | Extract<ConnectionState, { kind: "closed" }>["reason"]
  | ErrorCode;

/** All a page shows of a room. Never changed in place: another state is another object. */
export type RoomSnapshot = {
  /** "recovering": the place is being taken again after a cut; media may still flow. */
  readonly phase: "idle" | "joining" | "joined" | "recovering" | "left";
  /** Why it ended; null before. */
  readonly left: RoomLeftReason | null;
  readonly room: Room | null;
  /** One's own place. */
  readonly peerId: string | null;
  readonly peers: readonly Peer[];
  readonly lines: readonly RoomLine[];
  /** One's own wish; it holds through reconnects. */
  readonly muted: boolean;
  readonly media: "none" | "connecting" | "connected" | "interrupted";
  readonly tracks: readonly RemoteTrack[];
  /** dBov, -127…0, by peer id; whoever is silent is absent. */
  readonly levels: Readonly<Record<string, number>>;
  readonly activeSpeaker: string | null;
};

export type RoomStats = {
  packetsSent: number;
  bytesSent: number;
  packetsReceived: number;
  bytesReceived: number;
  packetsLost: number;
  /** How each transport in use gets through: "host", "srflx", "prflx", or "relay" by way of TURN. */
  paths: string[];
};

/** One entry of an RTCStatsReport: which fields there are depends on its type. */
type Stat = { type: string } & Record<string, unknown>;

/** Delays before another try to get back in, in ms; the last one repeats. */
const RETRY_MS = [200, 500, 1_000, 2_000, 4_000];
/** Pushes are a lossy hint: this often one's state is compared with the server's even when nothing seems missing. */
const COMPARE_MS = 30_000;

/**
 * One stay in a voice room, from `join()` to `leave()`, through reconnects, lost media and network changes: it takes its place
 * again by itself and publishes the microphone again. Use `subscribe` and `snapshot` with React's useSyncExternalStore.
 */
export class RoomSession {
  readonly roomId: string;
  readonly #link: RoomLink;
  readonly #options: RoomSessionOptions;
  readonly #listeners = new Set<() => void>();
  readonly #stops: (() => void)[] = [];
  #snapshot: RoomSnapshot = {
    phase: "idle",
    left: null,
    room: null,
    peerId: null,
    peers: [],
    lines: [],
    muted: false,
    media: "none",
    tracks: [],
    levels: {},
    activeSpeaker: null,
  };
  #roster: Roster | undefined;
  #media: RoomMedia | undefined;
  #track: MediaStreamTrack | undefined;
  #connection: ConnectionState = { kind: "connecting" };
  /** Whatever takes or checks one's place runs one after the other. */
  #work: Promise<void> = Promise.resolve();
  #recovering = false;
  /** Something called for another recovery while one was running. */
  #again = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Pushes that came before the reply of the join they belong to. */
  #early: (() => void)[] | undefined;

  constructor(connection: RoomLink, roomId: string, options: RoomSessionOptions = {}) {
    this.#link = connection;
    this.roomId = roomId;
    this.#options = { media: true, ...options };
  }

  /** Bound, so that it can be handed on as it is. */
  readonly snapshot = (): RoomSnapshot => this.#snapshot;

  /** Calls `listener` on each change; returns how to stop. Bound. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /**
   * Enters the room; one round trip. Call it once.
   * @throws ParlanceError with the server's code; the session has ended then
   */
  async join(): Promise<void> {
    if (this.#snapshot.phase !== "idle") throw new Error("A room session is joined once.");
    this.#update({ phase: "joining" });
    this.#listen();
    try {
      await this.#link.ready();
      await this.#serial(() => this.#enter());
    } catch (error) {
      this.#end(codeOf(error));
      throw error;
    }
    if (this.#left()) throw new ParlanceError({ code: "NOT_IN_ROOM", message: "Left meanwhile.", retryable: false });
    this.#compareLater();
  }

  /**
   * Sends a microphone track, or another in its place. It stays the caller's: leaving does not stop it. A retryable failure is
   * made good by itself once the connection is back.
   * @throws ParlanceError, or what the platform says of the track
   */
  async publish(track: MediaStreamTrack): Promise<void> {
    this.#track = track;
    track.enabled = !this.#snapshot.muted;
    try {
      await this.#media?.publish(track);
    } catch (error) {
      if (!(error instanceof ParlanceError) || !error.retryable) this.#track = undefined;
      throw error;
    }
  }

  /** Takes effect here at once, and for the others as soon as the server knows. */
  async setMuted(muted: boolean): Promise<void> {
    this.#update({ muted });
    if (this.#track) this.#track.enabled = !muted;
    if (this.#snapshot.phase === "joined") await this.#link.call("room.setMuted", { roomId: this.roomId, muted });
  }

  /** A line of text to everybody in the room. */
  async say(text: string): Promise<void> {
    await this.#link.call("room.say", { roomId: this.roomId, text });
  }

  /** Tell it of a network change that the platform reports: media looks for new paths at once. Browsers' "online" is watched anyway. */
  networkChanged(): void {
    this.#media?.restartIce();
  }

  /** Packets and bytes of the media in use. */
  async stats(): Promise<RoomStats> {
    const total = { packetsSent: 0, bytesSent: 0, packetsReceived: 0, bytesReceived: 0, packetsLost: 0 };
    const paths: string[] = [];
    for (const report of (await this.#media?.stats()) ?? []) {
      report.forEach((entry: Stat) => {
        if (entry.type === "outbound-rtp" || entry.type === "inbound-rtp")
          for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += Number(entry[key] ?? 0);
        const pair: Stat | undefined = report.get(String(entry.selectedCandidatePairId));
        const local: Stat | undefined = report.get(String(pair?.localCandidateId));
        if (local?.candidateType) paths.push(String(local.candidateType));
      });
    }
    return { ...total, paths };
  }

  /** Leaves for good, at once; resolves when the server knows or can't be told. Never rejects. Idempotent. */
  async leave(): Promise<void> {
    const inside = this.#snapshot.peerId !== null && !this.#left();
    this.#end("left");
    if (inside) await this.#link.call("room.leave", { roomId: this.roomId }).catch(() => {});
  }

  #listen(): void {
    const mine = <P extends { roomId: string }>(listener: (payload: P) => void) => {
      return (payload: P) => {
        if (payload.roomId !== this.roomId || this.#left()) return;
        if (this.#early) this.#early.push(() => listener(payload));
        else listener(payload);
      };
    };
    this.#stops.push(
      this.#link.onState((state) => this.#connected(state)),
      this.#link.on(
        "room.event",
        mine((event) => {
          const outcome = this.#roster?.apply(event);
          if (outcome === "gap") this.#recover();
          else if (outcome === "applied") this.#showRoster();
        }),
      ),
      this.#link.on(
        "room.levels",
        mine(({ levels, activeSpeaker }) => this.#update({ levels: Object.fromEntries(levels), activeSpeaker })),
      ),
      this.#link.on(
        "room.consumer",
        mine(({ consumer }) => this.#media?.addConsumer(consumer)),
      ),
      this.#link.on(
        "room.consumerClosed",
        mine(({ consumerId }) => this.#media?.removeConsumer(consumerId)),
      ),
      this.#link.on(
        "room.mediaLost",
        mine(() => {
          this.#dropMedia();
          this.#recover();
        }),
      ),
      this.#link.on(
        "room.removed",
        mine(({ reason }) => this.#end(reason)),
      ),
    );
    const online = () => this.networkChanged();
    globalThis.addEventListener?.("online", online);
    this.#stops.push(() => globalThis.removeEventListener?.("online", online));
  }

  #connected(state: ConnectionState): void {
    this.#connection = state;
    if (state.kind === "closed") this.#end(state.reason);
    else if (this.#roster && !this.#left()) {
      if (state.kind === "connected") {
        this.#attempt = 0;
        this.#recover();
      } else this.#update({ phase: "recovering" });
    }
  }

  /** Gets one's place and state back, as often as it takes. Single-flight. */
  #recover(delayMs = 0): void {
    if (this.#left() || !this.#roster) return;
    if (this.#recovering) {
      this.#again = true;
      return;
    }
    this.#recovering = true;
    this.#again = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#serial(() => this.#takeBack()).then(
        () => {
          this.#recovering = false;
          this.#attempt = 0;
          if (this.#again) this.#recover();
          else this.#compareLater();
        },
        (error: unknown) => {
          this.#recovering = false;
          if (!(error instanceof ParlanceError) || !error.retryable) this.#end(codeOf(error));
          // Without a connection the next "connected" starts it anew.
          else if (this.#connection.kind === "connected") this.#recover(this.#nextDelay());
        },
      );
    }, delayMs);
  }

  async #takeBack(): Promise<void> {
    if (this.#left() || !this.#roster || this.#connection.kind !== "connected") return;
    const needsMedia = this.#options.media && !this.#media;
    if (needsMedia) return this.#enter();
    const before = this.#media?.consumerIds ?? [];
    let reply: CallReply<"room.resume">;
    try {
      const { peerId } = this.#snapshot;
      reply = await this.#link.call("room.resume", {
        roomId: this.roomId,
        peerId: peerId ?? "none",
        ...this.#roster.point,
      });
    } catch (error) {
      if (codeOf(error) !== "PEER_GONE") throw error;
      this.#dropMedia();
      return this.#enter();
    }
    this.#roster.catchUp(reply.sync);
    // Only what was there before the question can be missing from the answer.
    const present = new Set(reply.consumers.map((consumer) => consumer.id));
    for (const id of before) if (!present.has(id)) this.#media?.removeConsumer(id);
    for (const consumer of reply.consumers) this.#media?.addConsumer(consumer);
    this.#media?.heal();
    this.#update({ phase: "joined" });
    this.#showRoster();
    await this.#agreeOnMute();
    await this.#publishAgain();
  }

  /** room.join, and media built from its reply. */
  async #enter(): Promise<void> {
    if (this.#left()) return;
    const ready = await this.#link.ready();
    const device = this.#options.media ? await RoomMedia.device(ready.routerRtpCapabilities, this.#options) : undefined;
    this.#early = [];
    try {
      const reply = await this.#link.call("room.join", {
        roomId: this.roomId,
        ...(device ? { rtpCapabilities: { ...device.recvRtpCapabilities } } : {}),
      });
      if (this.#left()) {
        // Left while the question was on its way: the answer is a place that nobody wants.
        this.#link.call("room.leave", { roomId: this.roomId }).catch(() => {});
        return;
      }
      this.#roster = new Roster(reply.roster);
      if (device && reply.media)
        this.#media = new RoomMedia(this.#link, this.roomId, device, reply.media, this.#options, () =>
          this.#mediaChanged(),
        );
      this.#update({ phase: "joined", room: reply.roster.room, peerId: reply.peerId });
    } finally {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const push of early) push();
    }
    this.#showRoster();
    this.#mediaChanged();
    await this.#agreeOnMute();
    await this.#publishAgain();
  }

  /** Sends the microphone once more where that was interrupted. */
  async #publishAgain(): Promise<void> {
    const media = this.#media;
    if (!media || !this.#track || this.#track.readyState === "ended") return;
    try {
      await media.publish(this.#track);
    } catch (error) {
      // Given up meanwhile: whoever did so asks for a recovery.
      if (this.#media !== media) return;
      // The server may have heard an earlier try whose answer was lost. Fresh media settles it.
      this.#dropMedia();
      throw new ParlanceError({ code: "UNAVAILABLE", message: String(error), retryable: true });
    }
  }

  /** The wish to be muted outlives the place in the room. */
  async #agreeOnMute(): Promise<void> {
    const { muted, peerId } = this.#snapshot;
    const mine = this.#roster?.peers.find((peer) => peer.id === peerId);
    if (mine && mine.muted !== muted) await this.#link.call("room.setMuted", { roomId: this.roomId, muted });
  }

  #mediaChanged(): void {
    const media = this.#media;
    if (!media) return;
    const { state, tracks } = media;
    if (state === "failed") {
      this.#dropMedia();
      this.#recover();
    } else this.#update({ media: state, tracks });
  }

  #dropMedia(): void {
    this.#media?.close();
    this.#media = undefined;
    this.#update({ media: this.#options.media ? "connecting" : "none", tracks: [], levels: {}, activeSpeaker: null });
  }

  #showRoster(): void {
    if (!this.#roster) return;
    const { peers, lines } = this.#roster;
    const { room } = this.#snapshot;
    this.#update({ peers, lines, room: room && { ...room, peers: peers.length } });
  }

  #compareLater(): void {
    clearTimeout(this.#timer);
    if (this.#left()) return;
    this.#timer = setTimeout(() => this.#recover(), COMPARE_MS * (0.75 + Math.random() / 2));
  }

  #nextDelay(): number {
    const delay = RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)] ?? 0;
    this.#attempt += 1;
    return delay * (0.7 + Math.random() * 0.6);
  }

  #serial(action: () => Promise<void>): Promise<void> {
    const result = this.#work.then(action);
    this.#work = result.catch(() => {});
    return result;
  }

  #left(): boolean {
    return this.#snapshot.phase === "left";
  }

  #end(reason: RoomLeftReason): void {
    if (this.#left()) return;
    clearTimeout(this.#timer);
    for (const stop of this.#stops.splice(0)) stop();
    this.#media?.close();
    this.#media = undefined;
    this.#update({
      phase: "left",
      left: reason,
      peers: [],
      tracks: [],
      levels: {},
      activeSpeaker: null,
      media: "none",
    });
  }

  #update(patch: Partial<RoomSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...patch };
    for (const listener of [...this.#listeners]) listener();
  }
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof ParlanceError ? error.code : "INTERNAL";
}
