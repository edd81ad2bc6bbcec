import assert from "node:assert/strict";
import { join as path } from "node:path";
import { before, test } from "node:test";
import fc from "fast-check";
import { Resampler } from "../../client/resampler.ts";
import { FrameReader } from "../../src/drills/frame-reader.ts";
import { type ExpectedWord, type ScoreEvent, ScoringEngine } from "../../workers/phoneme/engine.ts";
import { OpusTrack } from "../../workers/phoneme/opus-track.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { FRAME_SAMPLES, frameOf, join, orderFaults, silence } from "../support/drill.ts";
import { encodeOpus } from "../support/opus.ts";
import { finalsOf, type Result, resultOf, score } from "../support/reading.ts";
import { chance, gain, mix, music, noise } from "../support/sounds.ts";
import { synthesise, type Voice } from "../support/voice.ts";

const text = "she thought about the weather all day";
const voices: Voice[] = ["slt", "rms", "kal16", "espeak"];
let pack: Pack;
const speech = new Map<Voice, Int16Array>();
let other: Int16Array;

before(async () => {
  pack = await loadPack(path(import.meta.dirname, "../../models/en"));
  for (const voice of voices) speech.set(voice, await synthesise(text, { voice }));
  other = await synthesise("we went to the market to buy fresh vegetables", { voice: "rms" });
});

const said = (voice: Voice): Int16Array => speech.get(voice) as Int16Array;
const read = async (pcm: Int16Array, of = text): Promise<Result> => resultOf(await score(pack, pcm, of));
const meanPhone = ({ words }: Result): number => {
  const phones = words.flatMap((word) => word.phones);
  return phones.reduce((sum, phone) => sum + phone.score, 0) / phones.length;
};

test("[SCORE-70] after minutes of room noise or silence a sentence is scored as at once", async () => {
  const alone = await read(said("rms"));
  for (const before of [noise(280, 40, 1), silence(280)]) {
    const late = resultOf(await score(pack, join(before, said("rms")), text, () => 160_000));
    assert.equal(late.outcome, "scored");
    assert.ok(Math.abs(meanPhone(late) - meanPhone(alone)) < 6, `${meanPhone(late)} of ${meanPhone(alone)}`);
    for (const [i, word] of late.words.entries()) {
      const startMs = word.startMs - before.length / 16;
      assert.ok(Math.abs(startMs - (alone.words[i]?.startMs ?? 0)) <= 100, `word ${i} at ${startMs}`);
    }
  }
});

test("[SCORE-71] recordings of 8, 44.1 and 48 kHz are scored about as at 16 kHz", async () => {
  for (const voice of voices) {
    const plain = await read(said(voice));
    for (const rate of [8_000, 44_100, 48_000]) {
      const source = resampled(
        Float32Array.from(said(voice), (v) => v / 32_768),
        16_000,
        rate,
      );
      const heard = resampled(source, rate, 16_000);
      const result = await read(Int16Array.from(heard, (v) => Math.max(-32_768, Math.min(32_767, v * 32_768))));
      const fallen = meanPhone(plain) - meanPhone(result);
      assert.equal(result.outcome, "scored");
      assert.ok(fallen < (rate < 16_000 ? 8 : 2), `${voice} at ${rate} Hz: ${fallen} lower`);
    }
  }
});

function resampled(samples: Float32Array, from: number, to: number): Float32Array {
  const resampler = new Resampler(from, to);
  return Float32Array.from([...resampler.push(samples), ...resampler.flush()]);
}

test("[SCORE-72] with three frames of ten lost, from the socket or a room, readings are still scored", async () => {
  for (const [seed, voice] of voices.entries()) {
    const plain = meanPhone(await read(said(voice)));
    for (const lossy of [lostFrames(said(voice), seed + 1), await lostPackets(said(voice), seed + 1)]) {
      const result = await read(lossy);
      assert.equal(result.outcome, "scored", voice);
      assert.ok(meanPhone(result) > plain - 15, `${voice}: ${meanPhone(result)} of ${plain}`);
    }
  }
});

/** What the server makes of the frames that arrive. */
function lostFrames(pcm: Int16Array, seed: number): Int16Array {
  const next = chance(seed);
  const reader = new FrameReader();
  const parts: Int16Array[] = [];
  for (let number = 0; number * FRAME_SAMPLES < pcm.length; number++) {
    if (next() < -0.4) continue;
    const frame = pcm.subarray(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES);
    const arrived = reader.read(frameOf(number, frame));
    if (!arrived) continue;
    reader.accept(arrived.number);
    parts.push(arrived.pcm);
  }
  return join(...parts);
}

/** What the thread makes of the packets that arrive. */
async function lostPackets(pcm: Int16Array, seed: number): Promise<Int16Array> {
  const next = chance(seed);
  const parts: Int16Array[] = [];
  const track = new OpusTrack((samples) => parts.push(samples));
  await track.ready;
  for (const [i, payload] of (await encodeOpus(pcm)).entries())
    if (next() >= -0.4) track.push({ payload, sequenceNumber: i, timestamp: i * 960 });
  track.flush();
  track.close();
  return join(...parts);
}

test("[SCORE-73] music is no reading, and few phones are green even before that is known", async () => {
  const texts = [text, "the quick brown fox jumps over the lazy dog", "you are welcome to our new house"];
  let phones = 0;
  let live = 0;
  let last = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const events = await score(pack, music(6, seed), texts[seed % texts.length] as string);
    const result = resultOf(events);
    assert.ok(result.outcome === "mismatch" || result.outcome === "silence", `seed ${seed}: ${result.outcome}`);
    const good = (list: { band: string }[]): number => list.filter(({ band }) => band === "good").length;
    phones += finalsOf(events).length;
    live += good(finalsOf(events));
    last += good(result.words.flatMap((word) => word.phones));
  }
  assert.ok(live < 0.12 * phones, `${live} of ${phones} green live`);
  assert.ok(last < 0.08 * phones, `${last} of ${phones} green in the result`);
});

test("[SCORE-74] a second voice far below the reader's matters little; one as loud makes the scores no better", async () => {
  for (const voice of ["slt", "kal16", "espeak"] as const) {
    const plain = meanPhone(await read(said(voice)));
    const behind = await read(mix(said(voice), gain(other, 0.3)));
    assert.equal(behind.outcome, "scored");
    assert.ok(meanPhone(behind) > plain - 8, `${voice}: ${meanPhone(behind)} of ${plain}`);
    const beside = await read(mix(said(voice), other));
    assert.ok(meanPhone(beside) < plain - 3, `${voice}: ${meanPhone(beside)} of ${plain}`);
  }
});

test("[SCORE-75] whatever the text's words and pronunciations, every phone is judged once, in order, with sound numbers", async () => {
  const phones = pack.phones.slice(0, -1);
  const word: fc.Arbitrary<ExpectedWord> = fc
    .array(fc.array(fc.constantFrom(...phones), { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 4 })
    .map((pronunciations) => ({ text: "x", pronunciations }));
  const sound = fc.oneof(
    fc.record({ seconds: fc.double({ min: 0, max: 2, noNaN: true }), seed: fc.integer() }).map((one) => ({
      pcm: noise(one.seconds, 20_000, one.seed),
    })),
    fc.constantFrom(...voices).map((voice) => ({ pcm: said(voice) })),
    fc.nat(99).map((seed) => ({ pcm: music(2, seed) })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 12 }), sound, async (words, { pcm }) => {
      const events: ScoreEvent[] = [];
      const engine = new ScoringEngine(pack);
      const stream = engine.open(words, (event) => events.push(event));
      stream.push(pcm);
      stream.end();
      while (await engine.step()) {}
      const result = resultOf(events);
      // The result may take a word from another saying, in another of its pronunciations (SCORE-31).
      const told = words.map((_, word) => ({ phones: finalsOf(events).filter((one) => one.word === word).length }));
      assert.deepEqual(orderFaults(events, told), []);
      for (const [i, { pronunciations }] of words.entries())
        assert.ok(pronunciations.some((phones) => phones.length === told[i]?.phones));
      JSON.stringify(events, (key, value) => {
        assert.ok(typeof value !== "number" || Number.isFinite(value), key);
        return value;
      });
      for (const [i, one] of result.words.entries())
        assert.ok(
          words[i]?.pronunciations.some((p) => p.join() === one.phones.map(({ phone }) => phone).join()),
          `word ${i} is none of its pronunciations`,
        );
    }),
    { numRuns: 40 },
  );
});
