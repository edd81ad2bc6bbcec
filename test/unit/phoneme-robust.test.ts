import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { limits } from "#protocol";
import { type ScoreEvent, ScoringEngine, type ScoringStream } from "../../workers/phoneme/engine.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { expectedWords, finalsOf, type Result, resultOf, score } from "../support/reading.ts";
import { gain, noise } from "../support/sounds.ts";
import { synthesise, type Voice } from "../support/voice.ts";

const text = "she thought about the weather all day";
const other = "we went to the market to buy fresh vegetables";
const ATTEMPT_SAMPLES = limits.attemptMs * 16;
const voices: Voice[] = ["slt", "rms", "kal16", "espeak"];
let pack: Pack;
const speech = new Map<Voice, Int16Array>();

before(async () => {
  pack = await loadPack(join(import.meta.dirname, "../../models/en"));
  for (const voice of voices) speech.set(voice, await synthesise(text, { voice }));
});

const said = (voice: Voice): Int16Array => speech.get(voice) as Int16Array;
const read = async (pcm: Int16Array, of = text): Promise<Result> => resultOf(await score(pack, pcm, of));
const meanPhone = (result: Result): number => {
  const phones = result.words.flatMap((word) => word.phones);
  return phones.reduce((sum, phone) => sum + phone.score, 0) / phones.length;
};
const greens = (result: Result): number =>
  result.words.flatMap((word) => word.phones).filter((phone) => phone.band === "good").length;
const joined = (...parts: Int16Array[]): Int16Array => Int16Array.from(parts.flatMap((part) => [...part]));
const quiet = (ms: number): Int16Array => new Int16Array(16 * ms);

/** What holds of any result, whatever was heard. */
function assertSound(events: ScoreEvent[], of: string): void {
  const result = resultOf(events);
  const numbers = JSON.stringify(events, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? "BAD" : value,
  );
  assert.ok(!numbers.includes("BAD"), "a number is not finite");
  assert.equal(result.words.length, of.split(" ").length);
  assert.equal(finalsOf(events).length, result.words.flatMap((word) => word.phones).length);
  for (const value of [result.accuracy, result.fluency, result.completeness, result.total])
    assert.ok(value >= 0 && value <= 100, `${value}`);
  for (const phone of finalsOf(events)) assert.ok(phone.score >= 0 && phone.score <= 100 && phone.startMs >= 0);
}

test("[SCORE-10] the right text is green, the wrong one is a mismatch far below it, with four voices", async () => {
  for (const voice of voices) {
    const right = await read(said(voice));
    assert.equal(right.outcome, "scored", voice);
    assert.equal(right.completeness, 100);
    assert.ok(meanPhone(right) > 80, `${voice}: ${meanPhone(right)}`);
    const wrong = await read(said(voice), other);
    assert.equal(wrong.outcome, "mismatch", voice);
    assert.ok(meanPhone(wrong) < 30, `${voice}: ${meanPhone(wrong)}`);
    assert.ok(wrong.total < 15 && right.total > 60, `${voice}: ${wrong.total} ${right.total}`);
  }
});

test("[DRILL-17] another sentence that fills the text's time word by word is a mismatch too", async () => {
  const said = await synthesise("the quick brown fox jumps over the lazy dog", { voice: "espeak" });
  assert.equal((await read(said)).outcome, "mismatch");
});

test("[DRILL-17] silence, faint noise and clicks are silence: every phone omitted, none good", async () => {
  const clicks = quiet(3000);
  for (let i = 4000; i < clicks.length; i += 16_000) clicks[i] = 30_000;
  for (const pcm of [quiet(3000), noise(3, 3, 1), noise(3, 60, 2), clicks, quiet(10), new Int16Array(0)]) {
    const result = await read(pcm);
    assert.equal(result.outcome, "silence");
    assert.equal(greens(result), 0);
    assert.ok(result.words.every((word) => word.errorType === "omission" && word.score === 0));
    assert.equal(result.total + result.accuracy + result.fluency + result.completeness, 0);
  }
});

test("[DRILL-17] noise, hum and music get no confident scores", async () => {
  const sounds: Record<string, Int16Array> = {
    noise: noise(4, 12_000, 3),
    hum: quiet(4000).map((_, i) => 9000 * Math.sin(i * 0.0196) + 4000 * Math.sin(i * 0.0588)),
    chord: quiet(4000).map((_, i) => 5000 * (Math.sin(i * 0.086) + Math.sin(i * 0.108) + Math.sin(i * 0.129))),
    melody: quiet(4000).map((_, i) => {
      const note = 220 * 2 ** (((Math.floor(i / 4000) * 7) % 12) / 12);
      return 9000 * Math.sin((2 * Math.PI * note * i) / 16_000) * (1 - (i % 4000) / 4000);
    }),
  };
  for (const [name, pcm] of Object.entries(sounds)) {
    const result = await read(pcm);
    assert.ok(result.outcome === "mismatch" || result.outcome === "silence", `${name}: ${result.outcome}`);
    assert.ok(greens(result) <= 1 && result.total < 10, `${name}: ${greens(result)} green, total ${result.total}`);
  }
});

test("[DRILL-17] a reading that is cut off keeps its words' scores; the rest is omission", async () => {
  const whole = await read(said("slt"));
  const word = 4;
  const cutMs = ((whole.words[word]?.startMs ?? 0) + (whole.words[word]?.endMs ?? 0)) / 2;
  const cut = said("slt").subarray(0, 16 * cutMs);
  for (const pcm of [cut, joined(cut, quiet(1500))]) {
    const result = await read(pcm);
    assert.equal(result.outcome, "incomplete");
    for (const w of [0, 1, 2]) {
      assert.equal(result.words[w]?.errorType, "none");
      assert.ok(Math.abs((result.words[w]?.score ?? 0) - (whole.words[w]?.score ?? 0)) < 10);
    }
    for (const w of [5, 6]) assert.equal(result.words[w]?.errorType, "omission");
    assert.ok(result.completeness < 80 && result.total < whole.total);
  }
});

test("[SCORE-11] a word left out is an omission, and its neighbours keep their scores", async () => {
  const pcm = await synthesise("she thought about all day", { voice: "rms" });
  const result = await read(pcm, "she thought about seventeen elephants all day");
  assert.equal(result.outcome, "scored");
  const types = result.words.map((word) => (word.errorType === "omission" || word.score < 30 ? "-" : "+")).join("");
  assert.equal(types, "+++--++");
});

test("[SCORE-12] silence before, between and after, and other words before, do no harm", async () => {
  const plain = await read(said("rms"));
  const first = await synthesise("she thought about", { voice: "rms" });
  const second = await synthesise("the weather all day", { voice: "rms" });
  const um = await synthesise("um well", { voice: "rms" });
  const readings = [
    joined(quiet(3000), said("rms"), quiet(3000)),
    joined(first, quiet(1500), second),
    joined(um, said("rms")),
  ];
  for (const [i, pcm] of readings.entries()) {
    const result = await read(pcm);
    assert.equal(result.outcome, "scored", `reading ${i}`);
    assert.ok(meanPhone(result) > meanPhone(plain) - 12, `reading ${i}: ${meanPhone(result)} of ${meanPhone(plain)}`);
  }
});

test("[SCORE-13] level, offset and mild clipping matter little", async () => {
  const plain = meanPhone(await read(said("slt")));
  const changed = [
    gain(said("slt"), 0.1),
    gain(said("slt"), 0.01),
    said("slt").map((v) => v * 0.7 + 3000),
    gain(said("slt"), 3),
  ];
  for (const [i, pcm] of changed.entries()) {
    const mean = meanPhone(await read(pcm));
    assert.ok(mean > plain - 12, `change ${i}: ${mean} of ${plain}`);
  }
});

test("[SCORE-14] whatever the audio, the text and the pushes, all numbers are sound and every phone is judged once", async () => {
  const pieces = fc.oneof(
    fc
      .record({ ms: fc.integer({ min: 0, max: 600 }), level: fc.constantFrom(0, 1, 500, 32_767), seed: fc.integer() })
      .map(({ ms, level, seed }) => noise(ms / 1000, level, seed)),
    fc.constantFrom(-32_768, 32_767).map((value) => quiet(200).fill(value)),
    fc
      .tuple(fc.constantFrom(...voices), fc.nat(12_000))
      .map(([voice, from]) => said(voice).subarray(from, from + 9000)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(pieces, { maxLength: 4 }),
      fc.constantFrom(text, other, "a", "go go go go"),
      fc.integer({ min: 100, max: 9000 }),
      async (parts, of, size) => {
        const pcm = joined(...parts);
        const events = await score(pack, pcm, of, (i) => 1 + ((i * size) % (2 * size)));
        assertSound(events, of);
      },
    ),
    { numRuns: 40 },
  );
});

// Without collections this would measure garbage.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

test("[SCORE-15] a reading of two minutes holds 3 MB at the most, and none once it is closed", async () => {
  const engine = new ScoringEngine(pack);
  const part = joined(...Array.from({ length: 8 }, () => said("rms")));
  const held = async (): Promise<number> => {
    for (let i = 0; i < 3; i++) {
      collect();
      await setImmediate();
    }
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  };
  const speak = async (): Promise<ScoringStream[]> => {
    const streams = Array.from({ length: 4 }, () => engine.open(expectedWords(text), () => {}));
    for (let samples = 0; samples < ATTEMPT_SAMPLES; samples += part.length)
      for (const stream of streams) stream.push(part.subarray(0, ATTEMPT_SAMPLES - samples));
    while (await engine.step()) {}
    return streams;
  };
  const streams: ScoringStream[] = [];
  const closeAll = (): void => {
    while (streams.length > 0) streams.pop()?.close();
  };
  // What loading the pack took is let go of only by the second collection.
  let before = 0;
  for (let round = 0; round < 2; round++) {
    streams.push(...(await speak()));
    closeAll();
    before = await held();
  }
  streams.push(...(await speak()));
  assert.ok(streams.every(({ pendingMs }) => pendingMs === 0));
  const each = ((await held()) - before) / streams.length;
  assert.ok(each < 3e6, `${Math.round(each / 1e3)} kB`);
  closeAll();
  const left = (await held()) - before;
  assert.ok(left < 5e5, `${Math.round(left / 1e3)} kB are left`);
});
