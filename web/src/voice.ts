import { type Connection, type MicrophoneTrouble, microphoneTroubleOf, RoomSession } from "#client";

/** One's microphone in a room. "listening": not asked for. */
export type RoomMicrophone = "listening" | "asking" | "on" | MicrophoneTrouble;
export type VoiceSnapshot = {
  /** The stay in a room, if there is one; it goes on while other pages are open. */
  readonly stay: RoomSession | null;
  readonly microphone: RoomMicrophone;
  /** What went wrong with publishing, if it did. */
  readonly error: unknown;
  /** The room that one could not enter, and why. */
  readonly refused: { readonly roomId: string; readonly error: unknown } | null;
};

/** The one room that this page is in, with the microphone. It owns the microphone's track; RoomSession only sends it. */
export class Voice {
  readonly #connection: Connection;
  readonly #listeners = new Set<() => void>();
  #snapshot: VoiceSnapshot = { stay: null, microphone: "listening", error: undefined, refused: null };
  #stream: MediaStream | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  readonly snapshot = (): VoiceSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Enters a room and leaves the one before. A refusal is in the snapshot. */
  async enter(roomId: string, options: { speak: boolean }): Promise<void> {
    this.leave();
    const stay = new RoomSession(this.#connection, roomId);
    this.#update({ stay, refused: null });
    // Put out by the server, say: the stay is kept for what it says, but nobody listens to the microphone any more.
    stay.subscribe(() => {
      if (stay.snapshot().phase === "left" && this.#snapshot.stay === stay) this.#stopMicrophone();
    });
    // Asked at once, so that the browser's question and the server's answer come side by side.
    if (options.speak) void this.speak();
    try {
      await stay.join();
    } catch (error) {
      if (this.#snapshot.stay !== stay) return;
      this.leave();
      this.#update({ refused: { roomId, error } });
    }
  }

  /** Opens the microphone and publishes it in the room. What hinders it is in the snapshot. */
  async speak(): Promise<void> {
    const { stay } = this.#snapshot;
    if (!stay || this.#snapshot.microphone === "asking") return;
    this.#stopMicrophone();
    if (!navigator.mediaDevices) {
      this.#update({ microphone: "insecure" });
      return;
    }
    this.#update({ microphone: "asking", error: undefined });
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      const track = stream.getAudioTracks()[0];
      if (this.#snapshot.stay !== stay || !track) {
        for (const each of stream.getTracks()) each.stop();
        return;
      }
      this.#stream = stream;
      track.addEventListener("ended", () => this.#stream === stream && this.#update({ microphone: "missing" }));
      this.#update({ microphone: "on" });
      await stay.publish(track);
    } catch (error) {
      if (this.#snapshot.stay !== stay) return;
      if (this.#stream) this.#update({ error });
      else this.#update({ microphone: microphoneTroubleOf(error) });
    }
  }

  /** Leaves the room, if one is in any, and lets go of the microphone. Idempotent. */
  leave(): void {
    this.#snapshot.stay?.leave();
    this.#stopMicrophone();
    this.#update({ stay: null, microphone: "listening", error: undefined });
  }

  /** Leaves, and tells nobody any more. Idempotent. */
  close(): void {
    this.leave();
    this.#listeners.clear();
  }

  #stopMicrophone(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
  }

  #update(patch: Partial<VoiceSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...patch };
    for (const listener of [...this.#listeners]) listener();
  }
}
