import { Connection, request } from "#client";
import { synthesise } from "../../test/support/voice.ts";
import { LiveSpeaker, type Sample } from "./live-speaker.ts";
import { SENTENCES } from "./sentences.ts";

/** To this process: hold so many speakers, begin to measure, and tell what was measured; what it answers. */
export type LoadOrder = { url: string } | { speakers: number } | "begin" | "report";
export type LoadAnswer = { samples: Sample[]; lagMs: number; cpuMs: number };

// The load generator: a process of its own, so that the server's work and latencies are the server's alone.
const voices = await Promise.all(
  SENTENCES.map(async (text, i) => ({ text, pcm: await synthesise(text, { voice: i % 2 ? "rms" : "slt" }) })),
);
const speakers: LiveSpeaker[] = [];
let url = "";
let samples: Sample[] = [];
let before = process.cpuUsage();

process.on("message", async (order: LoadOrder) => {
  if (order === "begin") {
    samples = [];
    before = process.cpuUsage();
    for (const speaker of speakers) speaker.takeLag();
  } else if (order === "report") {
    const { user, system } = process.cpuUsage(before);
    const lagMs = Math.max(0, ...speakers.map((speaker) => speaker.takeLag()));
    process.send?.({ samples, lagMs, cpuMs: (user + system) / 1_000 } satisfies LoadAnswer);
    return;
  } else if ("url" in order) url = order.url;
  else while (speakers.length < order.speakers) await join();
  process.send?.("done");
});
process.on("disconnect", () => process.exit(0));
process.send?.("done");

async function join(): Promise<void> {
  const index = speakers.length;
  const { accessToken } = await request(url, "signInAsGuest", { name: `Speaker ${index}` });
  const connection = new Connection(url, { token: () => accessToken });
  await connection.ready();
  speakers.push(new LiveSpeaker(connection, voices, index, (sample) => samples.push(sample)));
}
