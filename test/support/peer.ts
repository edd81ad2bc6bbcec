import { type RoomLink, RoomSession, type RoomSessionOptions } from "#client";
import { type Ear, listen, PEER_RATE, type Speaker, speak, webRtcInNode } from "../../cli/node-peer.ts";

/** A tone at a quarter of full scale (rms 0.18). */
export function tone(hertz: number, ms = 1_000): Int16Array {
  return Int16Array.from({ length: (PEER_RATE * ms) / 1000 }, (_, i) =>
    Math.round(8_192 * Math.sin((2 * Math.PI * hertz * i) / PEER_RATE)),
  );
}

export type TestPeer = {
  session: RoomSession;
  /** One for each person heard, by peer id; gone when the track is. */
  ears: Map<string, Ear>;
  /** Publishes a steady tone. */
  speak(hertz?: number): Promise<Speaker>;
  /** Loudness now of what this peer hears of another; 0 where there is no track. */
  hears(other: TestPeer): number;
  /** Packets received so far. */
  received(): Promise<number>;
  leave(): void;
};

const present = new Set<TestPeer>();

/** Call it after each test: a peer that stays keeps the process alive. */
export function leaveAll(): void {
  for (const peer of present) peer.leave();
}

/** A real WebRTC peer in this process, over any connection. Joins at once. */
export async function joinAsPeer(
  link: RoomLink,
  roomId: string,
  options: Omit<RoomSessionOptions, "handlerName"> = {},
): Promise<TestPeer> {
  const session = new RoomSession(link, roomId, { ...options, ...webRtcInNode() });
  const ears = new Map<string, Ear>();
  const byConsumer = new Map<string, { peerId: string; ear: Ear }>();
  const speakers: Speaker[] = [];
  session.subscribe(() => {
    const { tracks } = session.snapshot();
    for (const { consumerId, peerId, track } of tracks) {
      if (byConsumer.has(consumerId)) continue;
      const ear = listen(track);
      byConsumer.set(consumerId, { peerId, ear });
      ears.set(peerId, ear);
    }
    for (const [consumerId, { peerId, ear }] of byConsumer) {
      if (tracks.some((track) => track.consumerId === consumerId)) continue;
      byConsumer.delete(consumerId);
      ear.stop();
      if (ears.get(peerId) === ear) ears.delete(peerId);
    }
  });
  await session.join();
  const peer: TestPeer = {
    session,
    ears,
    async speak(hertz = 440) {
      const speaker = speak(tone(hertz), { loop: true });
      speakers.push(speaker);
      await session.publish(speaker.track);
      return speaker;
    },
    hears: (other) => ears.get(other.session.snapshot().peerId ?? "")?.level() ?? 0,
    received: async () => (await session.stats()).packetsReceived,
    leave() {
      present.delete(peer);
      for (const speaker of speakers) speaker.stop();
      session.leave();
    },
  };
  present.add(peer);
  return peer;
}

/** Louder than this is somebody's tone, quieter is silence or comfort noise. */
export const AUDIBLE = 0.05;
