import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { placeAnew } from "../../workers/phoneme/placement.ts";
import { contextOf, profileWidth, type SpeakerProfile } from "../../workers/phoneme/profile.ts";
import { ReviewModel, type ReviewShape } from "../../workers/phoneme/review.ts";
import { expectedWords, finalsOf, resultOf, score } from "../support/reading.ts";
import { synthesise } from "../support/voice.ts";

const packDir = join(import.meta.dirname, "../../models/en");
let pack: Pack;

before(async () => {
  pack = await loadPack(packDir);
});

test("[SCORE-80] a whole reading is heard part by part as it would be at once", async () => {
  const { mel, logp } = JSON.parse(await readFile(join(packDir, "review-check.json"), "utf8")) as {
    mel: number[];
    logp: number[];
  };
  const { session, shape } = pack.review as NonNullable<Pack["review"]>;
  const review = new ReviewModel(session, shape as ReviewShape, pack.phones.length).open();
  const frames = Float32Array.from(mel);
  for (let at = 0; at < frames.length; at += 80) review.keep(frames.subarray(at, at + 80), false);
  while (await review.advance());
  assert.equal(review.steps, frames.length / 80);
  const worst = Math.max(...logp.map((value, i) => Math.abs(value - review.at(Math.floor(i / 40), i % 40))));
  // Weights of 16 bits, and frames kept to a thousandth.
  assert.ok(worst < 0.05, `differs by ${worst}`);
});

/** Posteriors of a reading that is made of these stretches, [class, steps] each. */
function saying(...stretches: [phone: number, steps: number][]) {
  const rows = stretches.flatMap(([phone, steps]) => Array.from({ length: steps }, () => phone));
  const at = (step: number, c: number): number => Math.log(rows[step] === c ? 0.961 : 0.001);
  return { classes: 40, oldest: 0, steps: rows.length, at };
}

test("[SCORE-81] phones are placed anew where they were said, two steps each at least, between silence and other speech", () => {
  const posteriors = saying([39, 10], [3, 6], [8, 9], [39, 5], [20, 12], [11, 4], [39, 8]);
  const roughly = [
    { word: 0, phone: 3, start: 12, end: 14 },
    { word: 0, phone: 8, start: 14, end: 30 },
    { word: 1, phone: 11, start: 30, end: 50 },
  ];
  assert.deepEqual(placeAnew(roughly, posteriors), [
    { start: 10, end: 16 },
    { start: 16, end: 25 },
    { start: 42, end: 46 },
  ]);
  // A phone that was not said is squeezed, one that is told behind an aside stays there, and no room is no place.
  const [, squeezed] = placeAnew([roughly[0]!, { ...roughly[1]!, phone: 30 }, roughly[2]!], posteriors) ?? [];
  assert.equal((squeezed?.end ?? 0) - (squeezed?.start ?? 0), 2);
  const twice = saying([5, 10], [39, 5], [5, 10]);
  const second = [{ word: 0, phone: 5, start: 16, end: 24 }];
  assert.deepEqual(placeAnew(second, twice, [{ start: 0, end: 12 }]), [{ start: 15, end: 25 }]);
  assert.equal(placeAnew(roughly, saying([3, 2])), null);
});

test("[SCORE-82] what earlier readings told is averaged, the newest 20 of the same pack; what is broken does not count", () => {
  const profile = (value: number, model = "2"): SpeakerProfile => ({ model, values: [value, 2 * value] });
  assert.deepEqual([...contextOf([], "2", 2)], [0, 0, 0, 0]);
  const [first, second, weight, count] = contextOf([profile(1), profile(2), profile(9, "1")], "2", 2);
  assert.deepEqual([first, second, weight], [1.5, 3, 0.5]);
  assert.ok(Math.abs((count ?? 0) - Math.log(3)) < 1e-6);
  const broken = [
    { model: "2", values: [1] },
    { model: "2", values: [Number.NaN, 1] },
  ];
  assert.deepEqual([...contextOf(broken, "2", 2)], [0, 0, 0, 0]);
  const many = Array.from({ length: 30 }, (_, i) => profile(i));
  assert.equal(contextOf(many, "2", 2)[0], 19.5);
});

test("[SCORE-83] a reading tells of its speaker, and what earlier ones told moves the scores a little but not what was said", async () => {
  const text = "we went to the market to buy fresh vegetables";
  const pcm = await synthesise(text, { voice: "slt" });
  const cold = await score(pack, pcm, text);
  const { profile } = resultOf(cold);
  assert.equal(profile?.model, pack.manifest.version);
  assert.equal(profile?.values.length, profileWidth(pack.phones.length, pack.manifest.review ? 2 : 1));
  const warm = await score(pack, pcm, text, undefined, [profile as SpeakerProfile]);
  const places = (events: typeof cold) =>
    finalsOf(events).map(({ phone, startMs, endMs }) => ({ phone, startMs, endMs }));
  assert.deepEqual(places(warm), places(cold));
  assert.equal(resultOf(warm).outcome, "scored");
  assert.notEqual(resultOf(warm).total, resultOf(cold).total);
  assert.ok(Math.abs(resultOf(warm).total - resultOf(cold).total) < 20);
  // A single word tells too little.
  assert.equal(resultOf(await score(pack, await synthesise("market"), "market")).profile, undefined);
  assert.equal(expectedWords(text).length, 9);
});
