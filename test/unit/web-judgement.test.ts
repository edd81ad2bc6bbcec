import assert from "node:assert/strict";
import { test } from "node:test";
import { type DrillWord, drillWordOf } from "#client";
import { type DrillResult, exampleOf, ipa, type ScoredPhone, type ScoredWord } from "#protocol";
import {
  heardInWords,
  insertionInWords,
  partsInWords,
  phraseAround,
  soundInWords,
  wordInWords,
  wordsToRepeat,
  worstSound,
} from "../../web/src/judgement.ts";

const names = { sign: ipa, example: exampleOf };

function phone(score: number, extra: Partial<ScoredPhone> = {}): ScoredPhone {
  return {
    phone: "TH",
    score,
    band: score < 60 ? "poor" : score < 85 ? "fair" : "good",
    startMs: 0,
    endMs: 80,
    ...extra,
  };
}
function word(text: string, phones: ScoredPhone[], extra: Partial<ScoredWord> = {}): ScoredWord {
  return { text, score: 90, errorType: "none", startMs: 0, endMs: 80, phones, ...extra };
}
const shown = (...words: ScoredWord[]): DrillWord[] => words.map(drillWordOf);
const result = (extra: Partial<DrillResult>): DrillResult => ({
  ...{ outcome: "scored", accuracy: 90, fluency: 85, completeness: 100, total: 90, pronunciation: 88, audioMs: 1_000 },
  ...{ words: [word("a", [phone(90)])], insertions: [] },
  ...extra,
});

test("[WEB-20] the words with the worst sounds come first; good ones and those left out don't come at all", () => {
  const words = shown(
    word("good", [phone(95)]),
    word("fair", [phone(70), phone(99)]),
    word("poor", [phone(40)]),
    word("worse", [phone(95), phone(20)]),
    word("gone", [phone(0)], { errorType: "omission" }),
  );
  assert.deepEqual(wordsToRepeat(words), [3, 2, 1]);
  assert.deepEqual(worstSound(words), { word: 3, phone: 1 });
  assert.equal(worstSound(shown(word("good", [phone(95)]))), null);
});

test("[WEB-20] a word too short to be judged alone is practised with its neighbour", () => {
  const words = shown(
    word("I", [phone(40)]),
    word("saw", [phone(40), phone(40)]),
    word("three", Array(3).fill(phone(40))),
  );
  assert.equal(phraseAround(words, 0), "I saw");
  assert.equal(phraseAround(words, 1), "saw three");
  assert.equal(phraseAround(words, 2), "three");
  assert.equal(phraseAround(shown(word("three", Array(3).fill(phone(40))), word("to", [phone(40)])), 1), "three to");
  assert.equal(phraseAround(shown(word("I", [phone(40)])), 0), "I");
});

test("[WEB-20] what was said too much is told in plain words", () => {
  const words = shown(word("the", [phone(90)]), word("cat", [phone(90)]));
  const told = (kind: "repetition" | "restart" | "misplaced" | "other", text: string | null, beforeWord: number) =>
    insertionInWords({ kind, text, beforeWord, startMs: 0, endMs: 1 }, words);
  assert.equal(told("repetition", "the", 1), "You said “the” twice.");
  assert.equal(told("restart", "cat", 1), "You began “cat” and started again before “cat”.");
  assert.equal(told("misplaced", "cat", 0), "You said “cat” before “the”, where it does not belong.");
  assert.equal(told("other", null, 2), "You said something else after the last word.");
  assert.equal(told("other", "dog", 1), "You added “dog” before “cat”.");
});

test("[WEB-20] each part of a result has its score and what it means", () => {
  const speaking = { phonesPerSecond: 9, wordsPerMinute: 121.6, pauses: 2, longestPauseMs: 840, pauseShare: 0.2 };
  const stress = { expected: 0, heard: 1, score: 20 };
  const words = [word("photo", [phone(90)], { stress }), word("gone", [], { errorType: "omission" })];
  assert.deepEqual(
    partsInWords(result({ accuracy: 72, fluency: 65, completeness: 50, prosody: 55, words, speaking })).map(
      ({ name, means }) => `${name}: ${means}`,
    ),
    [
      "Accuracy: Most sounds were clear.",
      "Fluency: A little uneven. 122 words a minute, 2 pauses, the longest 0.8 s.",
      "Completeness: 1 of 2 words were said.",
      "Stress and melody: The stress was on another syllable in “photo”.",
    ],
  );
  const flat = result({ prosody: 55, speaking: { ...speaking, monotone: true } });
  assert.equal(partsInWords(flat)[3]?.means, "Rather flat: let the voice rise and fall more.");
  assert.ok(partsInWords(result({})).every(({ name }) => name !== "Stress and melody"));
});

test("[WEB-18] what a sound was taken for is told with what else it may have been", () => {
  const told = (extra: Partial<ScoredPhone>) => heardInWords(names, "TH", { ...phone(20, extra), final: true });
  const nBest = [
    { phone: "S", score: 100 },
    { phone: "TH", score: 80 },
    { phone: "T", score: 60 },
    { phone: "F", score: 10 },
  ];
  const feedback = { fault: "dropped" as const, differs: [], hint: "", typical: false };
  assert.equal(told({ heard: "S", nBest }), "It sounded like the one in “sun”, or perhaps in “tea”.");
  assert.equal(told({ heard: "S" }), "It sounded like the one in “sun”.");
  assert.equal(told({ nBest }), "It was close, but a little like the one in “sun” or “tea”.");
  assert.equal(told({ feedback }), "It could not be heard.");
  assert.equal(told({}), "It was this sound, but not a clear one.");
});

test("[WEB-18] a word that was said for another one is called so", () => {
  const said = (extra: object) =>
    wordInWords(names, shown(word("three", [phone(85), phone(95)], extra))[0] as DrillWord);
  assert.match(said({ errorType: "mispronunciation" }), /^\d+ of 100; it sounded like another word$/);
  assert.match(said({}), /^\d+ of 100$/);
});

test("[WEB-18] a sound is named by a word that has it, in any language", () => {
  assert.equal(soundInWords(names, "TH", "S"), "the sound in “think”, it sounded like the one in “sun”");
  assert.equal(soundInWords(names, "XX"), "the sound xx");
});
