import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Connection, RoomSession } from "#client";
import type { Room } from "#protocol";
import { asGuest, type Command, defaultUrl, failed } from "./command.ts";
import { type Ear, listen, PEER_RATE, speak, webRtcInNode } from "./node-peer.ts";
import { readAudio, toPcm } from "./wav.ts";

const usage = "room NAME [--play FILE.wav] [--seconds N] [--json] [--name WHO] [--url URL]";

/** Speaks a file in a voice room as a real WebRTC peer, and reports what was sent, heard and how fast. */
export const room: Command = async (args) => {
  const options = readOptions(args);
  if (!options) {
    console.error(usage);
    return 2;
  }
  try {
    const samples = options.play === undefined ? undefined : toPcm(await readAudio(options.play, PEER_RATE));
    const report = await asGuest(options, (connection) => takePart(connection, options, samples));
    if (options.json) console.log(JSON.stringify(report));
    else console.log(inWords(report));
    return 0;
  } catch (error) {
    return failed(error, options.json);
  }
};

type Options = NonNullable<ReturnType<typeof readOptions>>;

function readOptions(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        play: { type: "string" },
        seconds: { type: "string", default: "10" },
        json: { type: "boolean", default: false },
        name: { type: "string", default: "room" },
        url: { type: "string", default: defaultUrl },
      },
    });
    const [topic, ...rest] = positionals;
    const seconds = Number(values.seconds);
    if (topic === undefined || rest.length > 0 || !(seconds > 0 && seconds <= 86_400)) return undefined;
    return { ...values, topic, seconds };
  } catch {
    return undefined;
  }
}

type Heard = {
  name: string;
  /** Loudest 100 ms, in dB below full scale, of the audio that arrived here; null where it was silent. */
  peakDb: number | null;
};

export type RoomReport = {
  type: "room";
  roomId: string;
  topic: string;
  created: boolean;
  seconds: number;
  /** From the call to its answer. */
  joinMs: number;
  /** From the call to the first sound of somebody else; null where nobody spoke. */
  firstAudioMs: number | null;
  playedMs: number;
  packetsSent: number;
  bytesSent: number;
  packetsReceived: number;
  bytesReceived: number;
  packetsLost: number;
  /** The loudest this peer was as the server measured it, in dBov; null where it was silent. */
  ownLevelDb: number | null;
  heard: Heard[];
};

async function takePart(
  connection: Connection,
  options: Options,
  samples: Int16Array | undefined,
): Promise<RoomReport> {
  const { topic, seconds } = options;
  const { room, created } = await findOrOpen(connection, topic);
  const session = new RoomSession(connection, room.id, webRtcInNode());
  const ears = new Map<string, { name: string; ear: Ear }>();
  let ownLevelDb: number | null = null;
  session.subscribe(() => {
    const { tracks, peers, levels, peerId } = session.snapshot();
    for (const { consumerId, peerId: from, track } of tracks) {
      if (ears.has(consumerId)) continue;
      ears.set(consumerId, { name: peers.find((peer) => peer.id === from)?.name ?? from, ear: listen(track) });
    }
    const own = levels[peerId ?? ""];
    if (own !== undefined) ownLevelDb = Math.max(own, ownLevelDb ?? own);
  });
  const calledAt = performance.now();
  await session.join();
  const joinMs = performance.now() - calledAt;
  const speaker = samples && speak(samples);
  if (speaker) await session.publish(speaker.track);
  await untilEnd(session, seconds * 1_000);
  const stats = await session.stats();
  const firstSounds = [...ears.values()].flatMap(({ ear }) => ear.heardAt() ?? []);
  const report: RoomReport = {
    type: "room",
    roomId: room.id,
    topic: room.topic,
    created,
    seconds,
    joinMs: Math.round(joinMs),
    firstAudioMs: firstSounds.length > 0 ? Math.round(Math.min(...firstSounds) - calledAt) : null,
    playedMs: Math.min(speaker?.playedMs() ?? 0, ((samples?.length ?? 0) / PEER_RATE) * 1_000),
    ...stats,
    ownLevelDb,
    heard: [...ears.values()].map(({ name, ear }) => ({ name, peakDb: decibel(ear.peak()) })),
  };
  speaker?.stop();
  for (const { ear } of ears.values()) ear.stop();
  await session.leave();
  return report;
}

/** By id or topic; opened where there is none. */
async function findOrOpen(connection: Connection, topic: string): Promise<{ room: Room; created: boolean }> {
  const { rooms } = await connection.call("room.list", {});
  const found = rooms.find((room) => room.id === topic) ?? rooms.find((room) => room.topic === topic);
  if (found) return { room: found, created: false };
  return { room: (await connection.call("room.create", { topic })).room, created: true };
}

/** @throws Error when the room is left before the time is up */
async function untilEnd(session: RoomSession, ms: number): Promise<void> {
  const left = new Promise<string | null>((resolve) => {
    session.subscribe(() => {
      if (session.snapshot().phase === "left") resolve(session.snapshot().left);
    });
  });
  const done = new AbortController();
  const reason = await Promise.race([left, sleep(ms, undefined, { signal: done.signal })]);
  done.abort();
  if (reason !== undefined) throw new Error(`the room was left early: ${reason}`);
}

function decibel(rms: number): number | null {
  return rms > 0 ? Math.round(200 * Math.log10(rms)) / 10 : null;
}

function inWords(report: RoomReport): string {
  const heard = report.heard.map(({ name, peakDb }) => `  ${name}: ${peakDb === null ? "silent" : `${peakDb} dB`}`);
  return [
    `${report.created ? "Opened" : "Joined"} "${report.topic}" in ${report.joinMs} ms.`,
    `Sent ${report.packetsSent} packets${report.ownLevelDb === null ? "" : `, up to ${report.ownLevelDb} dB`}.`,
    `Received ${report.packetsReceived} packets, lost ${report.packetsLost}.`,
    report.firstAudioMs === null ? "Nobody was heard." : `First heard after ${report.firstAudioMs} ms:`,
    ...heard,
  ].join("\n");
}
