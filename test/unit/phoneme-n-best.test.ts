import assert from "node:assert/strict";
import { before, test } from "node:test";
import { isAnother, isClear, nBestOf } from "../../workers/phoneme/n-best.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { modelDir } from "../support/drill.ts";
import { finalsOf, resultOf, score } from "../support/reading.ts";
import { synthesise } from "../support/voice.ts";

let pack: Pack;
before(async () => {
  pack = await loadPack(modelDir);
});

test("[SCORE-19] a phone below good says which phones were likeliest, and a good one does not", async () => {
  const events = await score(
    pack,
    await synthesise("seven yellow umbrellas floated over"),
    "he thinks about a thin thing",
  );
  const told = finalsOf(events);
  const result = resultOf(events).words.flatMap((word) => word.phones);
  let candidates = 0;
  for (const { phone, band, heard, nBest, startMs, endMs } of [...told, ...result]) {
    assert.equal(nBest !== undefined, band !== "good" && endMs > startMs, phone);
    if (!nBest) continue;
    candidates++;
    const scores = nBest.map((candidate) => candidate.score);
    assert.ok(nBest.length >= 1 && nBest.length <= 5);
    assert.equal(scores[0], 100);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => b - a),
    );
    assert.equal(new Set(nBest.map((candidate) => candidate.phone)).size, nBest.length);
    assert.ok(nBest.every((candidate) => pack.phones.includes(candidate.phone) && candidate.phone !== "SIL"));
    assert.equal(heard, nBest[0]?.phone === phone ? undefined : nBest[0]?.phone);
  }
  assert.ok(candidates > 10);
  for (const event of events) if (event.type === "phoneme" && !event.final) assert.equal(event.nBest, undefined);
});

test("[SCORE-19] candidates are those of the highest mean posterior, in percent of the first one's, without silence", () => {
  const phones = ["AA", "B", "D", "S", "T", "TH", "Z", "SIL"];
  const means = [-9, -4, -5, -0.2, -1.2, -0.7, -2.2, -0.1];
  assert.deepEqual(nBestOf(Float32Array.from([...means, 7, 7]), phones), [
    { phone: "S", score: 100 },
    { phone: "TH", score: 61 },
    { phone: "T", score: 37 },
    { phone: "Z", score: 14 },
    { phone: "B", score: 2 },
  ]);
  // What is no likelier than half a percent is left out.
  assert.deepEqual(nBestOf(Float32Array.from([-9, -9, -9, -0.1, -9, -9, -9, -9]), phones), [
    { phone: "S", score: 100 },
  ]);
});

test("[SCORE-24] a phone that was clearly heard is fair at the least", async () => {
  assert.equal(isClear([{ phone: "TH", score: 100 }], "TH"), true);
  const drifting = [
    { phone: "TH", score: 100 },
    { phone: "S", score: 20 },
    { phone: "T", score: 5 },
  ];
  assert.equal(isClear(drifting, "TH"), true);
  assert.equal(isClear([...drifting, { phone: "F", score: 1 }], "TH"), false);
  assert.equal(isClear(drifting, "S"), false);
  assert.equal(isClear([], "TH"), false);

  // With every score below the limits, only what was clearly heard keeps a text's phones from red.
  const strict = { good: 200, poor: 200, mispronounced: 200 };
  const manifest = { ...pack.manifest, thresholds: strict, resultThresholds: strict };
  const text = "the birch canoe slid on the smooth planks";
  const events = await score({ ...pack, manifest }, await synthesise(text), text);
  const judged = [...finalsOf(events), ...resultOf(events).words.flatMap((word) => word.phones)];
  for (const { phone, band, nBest = [] } of judged) assert.equal(band, isClear(nBest, phone) ? "fair" : "poor", phone);
  assert.ok(judged.some(({ band }) => band === "fair") && judged.some(({ band }) => band === "poor"));
});

test("[SCORE-26] a phone for which another one was clearly heard is not good", async () => {
  const heard = [
    { phone: "S", score: 100 },
    { phone: "TH", score: 5 },
    { phone: "F", score: 4 },
  ];
  assert.deepEqual(
    ["S", "TH", "F", "D"].map((phone) => isAnother(heard, phone)),
    [false, false, true, true],
  );
  assert.equal(isAnother([], "TH"), false);

  // With every score above the limits, only what another phone was heard for is kept from green.
  const lenient = { good: 0, poor: 0, mispronounced: 0 };
  const manifest = { ...pack.manifest, thresholds: lenient, resultThresholds: lenient };
  const events = await score(
    { ...pack, manifest },
    await synthesise("thank you for sinking of sree sings"),
    "thank you for thinking of three things",
  );
  for (const judged of [finalsOf(events), resultOf(events).words.flatMap((word) => word.phones)]) {
    const fair = judged.filter(({ band }) => band === "fair");
    assert.ok(fair.some(({ phone, heard }) => phone === "TH" && heard === "S"));
    assert.ok(fair.every(({ phone, nBest = [] }) => isAnother(nBest, phone)));
    assert.ok(judged.length > 2 * fair.length);
  }
});

test("[SCORE-27] a word that was said for another one is a mispronunciation, however well the rest was said", async () => {
  for (const voice of ["slt", "rms"] as const) {
    const pcm = await synthesise("we bought a yellow bicycle at the market", { voice });
    const wrong = await score(pack, pcm, "we bought a purple bicycle at the market");
    const words = wrong.filter((event) => event.type === "word");
    for (const told of [words, resultOf(wrong).words])
      assert.deepEqual(
        told.map(({ errorType }) => errorType !== "none"),
        [false, false, false, true, false, false, false, false],
        voice,
      );
  }
});
