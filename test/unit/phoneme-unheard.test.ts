import assert from "node:assert/strict";
import { join as path } from "node:path";
import { before, test } from "node:test";
import { feedbackAt } from "../../src/drills/feedback-pace.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { join, silence } from "../support/drill.ts";
import { score } from "../support/reading.ts";
import { gain, mix, noise } from "../support/sounds.ts";
import { synthesise } from "../support/voice.ts";

const text = "she thought about the weather all day";
let pack: Pack;
let voice: Int16Array;

before(async () => {
  pack = await loadPack(path(import.meta.dirname, "../../models/en"));
  voice = await synthesise(text, { voice: "rms" });
});

/** The notices of a reading, as reason and second. */
async function notices(pcm: Int16Array, of = text): Promise<string[]> {
  const events = await score(pack, pcm, of, () => 320);
  return events.flatMap((event) => (event.type === "unheard" ? `${event.reason} ${event.endMs / 1000}` : []));
}

test("[DRILL-60] who says nothing is told so every four seconds, in a dead microphone and in a quiet room", async () => {
  assert.deepEqual(await notices(silence(9)), ["silence 4", "silence 8"]);
  assert.deepEqual(await notices(noise(9, 20, 1)), ["silence 4", "silence 8"]);
});

test("[DRILL-60] four seconds after the last phone of an unfinished text; never while one reads, nor after the last word", async () => {
  const first = await synthesise("she thought about", { voice: "rms" });
  const [notice, ...rest] = await notices(join(first, silence(6)));
  assert.match(notice ?? "", /^silence /);
  assert.deepEqual(rest, []);
  const saidMs = first.length / 16;
  const toldMs = Number(notice?.split(" ")[1]) * 1000;
  assert.ok(toldMs > saidMs + 3_000 && toldMs < saidMs + 5_500, `${toldMs} after ${saidMs}`);
  assert.deepEqual(await notices(join(silence(1), voice, silence(12))), []);
});

test("[DRILL-60] a voice that is too soft, one that is clipped, and a noise that covers all are told apart", async () => {
  const long = join(voice, voice, voice);
  const first = async (pcm: Int16Array) => (await notices(pcm, [text, text, text].join(" ")))[0] ?? "";
  assert.match(await first(gain(long, 0.001)), /^tooQuiet /);
  assert.match(await first(gain(long, 30)), /^clipping /);
  assert.match(await first(noise(9, 12_000, 2)), /^noise /);
  const loudness = Math.sqrt(voice.reduce((sum, v) => sum + v * v, 0) / voice.length);
  const hiss = noise(long.length / 16_000, loudness * Math.sqrt(3), 3);
  assert.match(await first(mix(long, hiss)), /^noise /);
  assert.equal(await first(long), "");
});

test("[DRILL-60] told also to those who want no judgements before the word's or sentence's end", () => {
  for (const pace of ["live", "word", "sentence"] as const) {
    const told: string[] = [];
    feedbackAt(pace, (event) => told.push(event.type))({ type: "unheard", reason: "silence", endMs: 4_000 });
    assert.deepEqual(told, ["unheard"], pace);
  }
});
