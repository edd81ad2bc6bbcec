import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { type ScoreEvent, ScoringEngine } from "../../workers/phoneme/engine.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { expectedWords, finalsOf, resultOf, score } from "../support/reading.ts";
import { synthesise } from "../support/voice.ts";

const text = "we went to the market to buy fresh vegetables";
let pack: Pack;
let speech: Int16Array;

before(async () => {
  pack = await loadPack(join(import.meta.dirname, "../../models/en"));
  speech = await synthesise(text, { voice: "slt" });
});

test("[DRILL-10] every phone is finally judged once, in order; words follow their phones and the result comes last", async () => {
  const events = await score(pack, speech, text, () => 320);
  const result = resultOf(events);
  assert.equal(result.outcome, "scored");
  assert.equal(events.filter((event) => event.type === "result").length, 1);
  const words = expectedWords(text);
  const seen = events.flatMap((event) =>
    event.type === "phoneme" && event.final
      ? [`${event.word}.${event.index}`]
      : event.type === "word"
        ? [`word ${event.word}`]
        : [],
  );
  const wanted = result.words.flatMap((word, w) => [...word.phones.map((_, i) => `${w}.${i}`), `word ${w}`]);
  assert.deepEqual(seen, wanted);
  for (const [w, word] of result.words.entries()) {
    const phones = word.phones.map((phone) => phone.phone).join(" ");
    assert.ok(
      words[w]?.pronunciations.some((p) => p.join(" ") === phones),
      `${word.text}: ${phones}`,
    );
  }
  const provisional = events.filter((event) => event.type === "phoneme" && !event.final).length;
  assert.equal(provisional, finalsOf(events).length);
});

test("[SCORE-17] the result judges the phones that were told anew, by all that was read, but what was never said stays at 0", async () => {
  for (const part of [1, 0.6]) {
    const events = await score(pack, speech.subarray(0, Math.floor(speech.length * part)), text);
    const told = finalsOf(events);
    const anew = resultOf(events).words.flatMap((word) => word.phones);
    assert.deepEqual(
      anew.map(({ phone }) => phone),
      told.map(({ phone }) => phone),
    );
    const wasSaid = ({ startMs, endMs }: { startMs: number; endMs: number }) => startMs < endMs;
    assert.deepEqual(anew.map(wasSaid), told.map(wasSaid));
    const said = anew.filter(wasSaid);
    for (const [i, { startMs }] of said.entries()) assert.ok(i === 0 || startMs >= (said[i - 1]?.endMs ?? 0));
    const unsaid = anew.filter((phone) => !wasSaid(phone));
    assert.equal(unsaid.length > 0, part < 1);
    for (const phone of unsaid) assert.deepEqual([phone.score, phone.band], [0, "poor"]);
    assert.ok(anew.some((phone, i) => phone.score !== told[i]?.score));
  }
});

test("[SCORE-5] times lie on the audio's clock, do not overlap and never run back", async () => {
  const events = await score(pack, speech, text);
  let last = 0;
  for (const phone of finalsOf(events)) {
    assert.ok(phone.startMs >= last && phone.endMs > phone.startMs, JSON.stringify(phone));
    last = phone.endMs;
  }
  const { audioMs } = resultOf(events);
  assert.ok(Math.abs(audioMs - speech.length / 16) < 1);
  assert.ok(last <= audioMs + 30);
});

test("[DRILL-11] most phones are judged while later ones are still to be said", async () => {
  const engine = new ScoringEngine(pack);
  const during: ScoreEvent[] = [];
  const stream = engine.open(expectedWords(text), (event) => during.push(event));
  const late: number[] = [];
  for (let at = 0; at < speech.length; at += 320) {
    const before = during.length;
    stream.push(speech.subarray(at, at + 320));
    while (await engine.step()) {}
    for (const event of during.slice(before))
      if (event.type === "phoneme" && !event.final) late.push((at + 320) / 16 - event.endMs);
  }
  stream.close();
  late.sort((a, b) => a - b);
  assert.ok(late.length >= 25, `${late.length} phones`);
  assert.ok((late[late.length >> 1] as number) < 300, `median ${late[late.length >> 1]} ms`);
});

test("[SCORE-2] the events do not depend on the size of the pushes", async () => {
  const whole = finalsOf(await score(pack, speech, text, () => 320));
  const sizes: ((i: number) => number)[] = [
    () => 160_000,
    (i) => 1 + ((i * 7919) % 997),
    (i) => (i % 3 === 0 ? 0 : 641),
    () => 33,
  ];
  for (const size of sizes) assert.deepEqual(finalsOf(await score(pack, speech, text, size)), whole);
  const short = speech.subarray(0, 12_000);
  assert.deepEqual(await score(pack, short, text, () => 1), await score(pack, short, text));
});

test("[SCORE-6] speakers in one batch are judged as if alone", async () => {
  const other = "the quick brown fox jumps over the lazy dog";
  const second = await synthesise(other, { voice: "rms" });
  const engine = new ScoringEngine(pack, { maxBatch: 2 });
  const readings = [
    { pcm: speech, text },
    { pcm: second, text: other },
    { pcm: speech, text: other },
  ];
  const together = readings.map((): ScoreEvent[] => []);
  for (const [i, reading] of readings.entries()) {
    const stream = engine.open(expectedWords(reading.text), (event) => together[i]?.push(event));
    stream.push(reading.pcm);
    stream.end();
  }
  while (await engine.step()) {}
  assert.equal(engine.size, 0);
  for (const [i, reading] of readings.entries()) {
    const alone = finalsOf(await score(pack, reading.pcm, reading.text));
    const batched = finalsOf(together[i] as ScoreEvent[]);
    assert.equal(batched.length, alone.length);
    for (const [k, phone] of alone.entries()) {
      // Sums in another order round differently.
      assert.ok(Math.abs(phone.score - (batched[k]?.score ?? -100)) <= 0.5, `${phone.phone} ${k}`);
      assert.equal(phone.startMs, batched[k]?.startMs);
    }
  }
});

test("[SCORE-7] a word said in any of its pronunciations is judged in that one", async () => {
  const words = [
    {
      text: "the",
      pronunciations: [
        ["DH", "AH"],
        ["DH", "IY"],
      ],
    },
    {
      text: "route",
      pronunciations: [
        ["R", "UW", "T"],
        ["R", "AW", "T"],
      ],
    },
  ];
  const said: string[] = [];
  for (const spelling of ["the root", "the rout"]) {
    const engine = new ScoringEngine(pack);
    const stream = engine.open(words, (event) => {
      if (event.type === "result") said.push(event.words[1]?.phones[1]?.phone ?? "");
    });
    stream.push(await synthesise(spelling, { voice: "rms" }));
    stream.end();
    while (await engine.step()) {}
  }
  assert.deepEqual(said, ["UW", "AW"]);
});

test("[SCORE-8] a closed stream is silent, and what comes after the end is ignored", async () => {
  const engine = new ScoringEngine(pack);
  const events: ScoreEvent[] = [];
  const closed = engine.open(expectedWords(text), (event) => events.push(event));
  closed.push(speech);
  const running = engine.step();
  closed.close();
  closed.close();
  await running;
  closed.push(speech);
  closed.end();
  assert.equal(await engine.step(), false);
  assert.equal(events.length, 0);
  assert.equal(closed.idle, true);

  const ended = engine.open(expectedWords(text), (event) => events.push(event));
  ended.end();
  ended.end();
  ended.push(speech);
  assert.equal(ended.pendingMs, 0);
  assert.equal(await engine.step(), false);
  assert.equal(resultOf(events).outcome, "silence");
  assert.equal(events.filter((event) => event.type === "result").length, 1);
});

test("[SCORE-8] a text without words, a word without phones, and a phone the pack lacks are refused", () => {
  const engine = new ScoringEngine(pack);
  const open = (pronunciations: string[][]) => () => engine.open([{ text: "x", pronunciations }], () => {});
  assert.throws(() => engine.open([], () => {}), /words/);
  assert.throws(open([]), /pronunciation/);
  assert.throws(open([[]]), /pronunciation/);
  assert.throws(open([["QQ"]]), /QQ/);
  assert.throws(open([["SIL"]]), /SIL/);
  assert.equal(engine.size, 0);
});

test("[SCORE-9] waiting audio is counted, bounded and released", async () => {
  const engine = new ScoringEngine(pack);
  const stream = engine.open(expectedWords(text), () => {});
  const minute = new Int16Array(60 * 16_000);
  for (let i = 0; i < 5; i++) stream.push(minute);
  assert.equal(stream.pendingMs, 300_000);
  assert.throws(() => stream.push(minute), RangeError);
  stream.close();
  assert.equal(stream.pendingMs, 0);
});
