import assert from "node:assert/strict";
import { test } from "node:test";
import { OpusTrack } from "../../workers/phoneme/opus-track.ts";
import { encodeOpus } from "../support/opus.ts";

type Packet = Parameters<OpusTrack["push"]>[0];

/** A second of a gliding tone; 20 ms are 320 samples and 960 ticks of the RTP clock. */
const pcm = Int16Array.from({ length: 16_000 }, (_, i) => 8_000 * Math.sin(i * (0.05 + i * 2e-6)));
const payloads = await encodeOpus(pcm);
const packets = (firstNumber = 100, firstTimestamp = 5_000): Packet[] =>
  payloads.map((payload, i) => ({
    payload,
    sequenceNumber: (firstNumber + i) % 2 ** 16,
    timestamp: (firstTimestamp + i * 960) % 2 ** 32,
  }));

async function decode(list: Packet[]): Promise<Int16Array> {
  const parts: Int16Array[] = [];
  const track = new OpusTrack((samples) => parts.push(samples));
  await track.ready;
  for (const packet of list) track.push(packet);
  track.flush();
  track.close();
  return Int16Array.from(parts.flatMap((part) => [...part]));
}
const power = (samples: Int16Array) => samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
const whole = await decode(packets());

test("[DRILL-20] a track in order is its audio", () => {
  assert.equal(whole.length, payloads.length * 320);
  assert.ok(power(whole.subarray(3_200, 12_800)) > 0.8 * power(pcm.subarray(3_200, 12_800)));
});

test("[DRILL-20] late packets are put in order, doubles and stragglers dropped", async () => {
  const shuffled = packets();
  for (let i = 4; i + 3 < shuffled.length; i += 7) shuffled.splice(i, 3, ...shuffled.slice(i, i + 3).reverse());
  assert.deepEqual(await decode(shuffled), whole);
  const doubled = packets().flatMap((packet) => [packet, packet]);
  assert.deepEqual(await decode(doubled), whole);
  const straggling = packets();
  straggling.push(straggling[2] as Packet);
  assert.deepEqual(await decode(straggling), whole);
});

test("[DRILL-20] sequence numbers and timestamps wrap", async () => {
  assert.deepEqual(await decode(packets(65_520, 2 ** 32 - 9_600)), whole);
});

test("[DRILL-20] lost packets keep the clock and are concealed", async () => {
  const lossy = packets().filter((_, i) => i < 20 || i >= 23);
  const heard = await decode(lossy);
  assert.equal(heard.length, whole.length);
  assert.ok(power(heard.subarray(20 * 320, 21 * 320)) > 0.1 * power(whole.subarray(20 * 320, 21 * 320)));
});

test("[DRILL-20] a pause becomes silence of its length, of 1 s at the most", async () => {
  const paused = (ticks: number) =>
    packets().map((packet, i) => (i < 25 ? packet : { ...packet, timestamp: packet.timestamp + ticks }));
  const short = await decode(paused(4_800));
  assert.equal(short.length, whole.length + 1_600);
  assert.ok(short.subarray(25 * 320, 25 * 320 + 1_600).every((sample) => sample === 0));
  assert.equal((await decode(paused(48_000 * 600))).length, whole.length + 16_000);
});

test("[DRILL-20] what is no Opus is dropped, and the track goes on", async () => {
  const quiet = console.error;
  console.error = () => {};
  try {
    const mixed = packets();
    const last = mixed.at(-1) as Packet;
    const junk = [new Uint8Array(0), new Uint8Array(5_000), Uint8Array.of(0xff, 0xff, 0xff), Uint8Array.of(3)];
    const appended = junk.map((payload, i) => ({
      payload,
      sequenceNumber: last.sequenceNumber + 1 + i,
      timestamp: last.timestamp + 960,
    }));
    assert.deepEqual((await decode([...mixed, ...appended])).subarray(0, whole.length), whole);
    let seed = 1;
    const noise = Array.from({ length: 300 }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      const payload = Uint8Array.from({ length: 1 + (seed % 200) }, (_, k) => (seed >>> (k % 24)) ^ (k * 31));
      return { payload, sequenceNumber: (seed >>> 8) % 2 ** 16, timestamp: seed };
    });
    assert.ok((await decode(noise)).length <= 300 * (16_000 + 1_920));
  } finally {
    console.error = quiet;
  }
});
