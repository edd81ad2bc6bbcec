import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import type { ScoreEvent } from "../../workers/phoneme/events.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { expectedWords, finalsOf, type Result, resultOf, score } from "../support/reading.ts";
import { synthesise, type Voice } from "../support/voice.ts";

const text = "the little cat sat on the warm kitchen table";
const voices: Voice[] = ["slt", "rms", "kal16", "espeak"];
let pack: Pack;

before(async () => {
  pack = await loadPack(join(import.meta.dirname, "../../models/en"));
});

const hear = async (said: string, voice: Voice): Promise<ScoreEvent[]> =>
  score(pack, await synthesise(said, { voice }), text, () => 320);
const omissions = (result: Result): string[] =>
  result.words.filter((word) => word.errorType === "omission").map((word) => word.text);

/** What holds of any reading: each phone told once and in order, insertions in the order of time and within the text. */
function assertTold(events: ScoreEvent[]): void {
  const words = expectedWords(text);
  const told = finalsOf(events).map(({ word, index }) => word * 100 + index);
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(told).size, told.length);
  let last = 0;
  for (const { beforeWord, startMs, endMs } of resultOf(events).insertions) {
    assert.ok(beforeWord >= 0 && beforeWord <= words.length);
    assert.ok(startMs >= last && endMs > startMs);
    last = startMs;
  }
}

test("[SCORE-31] words that are said again are a repetition, and count as they were said last", async () => {
  const readings = [
    { said: "the little cat sat the little cat sat on the warm kitchen table", again: "the little cat sat", before: 0 },
    { said: `${text} warm kitchen table`, again: "warm kitchen table", before: 6 },
  ];
  for (const voice of voices) {
    for (const { said, again, before } of readings) {
      const events = await hear(said, voice);
      assertTold(events);
      const result = resultOf(events);
      assert.equal(result.outcome, "scored", `${voice}: ${said}`);
      assert.deepEqual(omissions(result), []);
      const [insertion] = result.insertions;
      assert.deepEqual(
        [insertion?.kind, insertion?.text, insertion?.beforeWord],
        ["repetition", again, before],
        `${voice}: ${said}`,
      );
      // The saying that counts lies behind the one that does not.
      assert.ok((result.words[before]?.startMs ?? 0) >= (insertion?.endMs ?? 0) - 20);
      for (const [w, word] of result.words.entries())
        assert.ok(w === 0 || word.startMs >= (result.words[w - 1]?.endMs ?? 0) - 20, `${voice}: ${word.text}`);
    }
  }
});

test("[SCORE-31] a word that is broken off and begun again harms nothing, wherever the reader goes on", async () => {
  for (const voice of voices) {
    const events = await hear("the little cat sat on the warm kitch. the warm kitchen table", voice);
    assertTold(events);
    const result = resultOf(events);
    assert.equal(result.outcome, "scored");
    assert.deepEqual(omissions(result), []);
    assert.equal(result.insertions.length, 1, `${voice}: ${JSON.stringify(result.insertions)}`);
    assert.ok(["restart", "repetition"].includes(result.insertions[0]?.kind ?? ""));
    // "the" may have been said the first or the second time.
    assert.ok([5, 6].includes(result.insertions[0]?.beforeWord ?? -1));
  }
});

test("[SCORE-32] other words within the sentence are an insertion there, and its own keep their scores", async () => {
  for (const voice of ["slt", "rms", "kal16"] as const) {
    const plain = resultOf(await hear(text, voice));
    const events = await hear("the little cat sat yesterday afternoon on the warm kitchen table", voice);
    assertTold(events);
    const result = resultOf(events);
    assert.equal(result.outcome, "scored");
    assert.deepEqual(omissions(result), []);
    assert.ok(
      result.insertions.some(({ kind, text, beforeWord }) => kind === "other" && text === null && beforeWord === 4),
      `${voice}: ${JSON.stringify(result.insertions)}`,
    );
    const score = ({ words }: Result): number => words.reduce((sum, word) => sum + word.score, 0) / words.length;
    assert.ok(score(result) > score(plain) - 12, `${voice}: ${score(result)} of ${score(plain)}`);
  }
});

test("[SCORE-33] a right reading has no insertion and no omission; another text's, silence and noise have no insertion either", async () => {
  for (const voice of voices) {
    const result = resultOf(await hear(text, voice));
    assert.deepEqual([result.outcome, result.insertions, omissions(result)], ["scored", [], []], voice);
  }
  for (const said of ["we went to market on a rainy monday morning in november", ""]) {
    const pcm = said ? await synthesise(said) : new Int16Array(32_000);
    const result = resultOf(await score(pack, pcm, text));
    assert.ok(result.outcome === "mismatch" || result.outcome === "silence");
    assert.deepEqual(result.insertions, []);
  }
});

test("[SCORE-34] a word that is said in the wrong place is an omission in its own, and misplaced where it was said", async () => {
  let found = 0;
  for (const voice of ["slt", "rms", "kal16"] as const) {
    const events = await hear("the little cat on the sat warm kitchen table", voice);
    assertTold(events);
    const result = resultOf(events);
    if (omissions(result).length === 0) continue;
    found++;
    assert.deepEqual(omissions(result), ["sat"], voice);
    const told = result.insertions.map(({ kind, text, beforeWord }) => [kind, text, beforeWord]);
    assert.deepEqual(told, [["misplaced", "sat", 6]], voice);
  }
  // A short word may be squeezed into its place instead, where its sounds are heard in the words around.
  assert.ok(found >= 1);
});
