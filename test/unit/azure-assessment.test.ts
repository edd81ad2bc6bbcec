import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attempt, azureAssessment, pronunciationScore, toAzureAssessment } from "#protocol";

const parts = { accuracy: 71.5, fluency: 80, completeness: 66.7, prosody: 64.3 };
const attempt: Attempt = {
  ...{
    id: "a-1",
    drillId: null,
    language: "en",
    text: "The cat sat.",
    startedAtMs: 1_800_000_000_000,
    outcome: "scored",
    ...parts,
  },
  ...{ total: 75, pronunciation: pronunciationScore(parts), audioMs: 2_000 },
  words: [
    {
      ...{ text: "The", score: 41.5, errorType: "mispronunciation", startMs: 110, endMs: 290 },
      phones: [
        {
          ...{ phone: "DH", score: 22.4, band: "poor", startMs: 110, endMs: 170.5, heard: "Z" },
          nBest: [
            { phone: "Z", score: 100 },
            { phone: "DH", score: 31 },
          ],
        },
        { phone: "AH", score: 92, band: "good", startMs: 170.5, endMs: 290 },
      ],
    },
    {
      ...{ text: "cat", score: 0, errorType: "omission", startMs: 290, endMs: 290 },
      phones: ["K", "AE", "T"].map((phone) => ({ phone, score: 0, band: "poor", startMs: 290, endMs: 290 })),
    },
    {
      ...{ text: "sat", score: 95, errorType: "none", startMs: 700, endMs: 1_100 },
      phones: ["S", "AE", "T"].map((phone, i) => ({
        ...{ phone, score: 95, band: "good", startMs: 700 + 100 * i, endMs: 800 + 100 * i },
      })),
    },
  ],
  insertions: [
    { text: null, kind: "other", beforeWord: 3, startMs: 1_200, endMs: 1_500 },
    { text: "the", kind: "repetition", beforeWord: 1, startMs: 300, endMs: 420 },
  ],
};

test("[SCORE-25] an attempt in Azure's shape has its names, places, error types and units", () => {
  const { NBest, ...whole } = toAzureAssessment(attempt);
  assert.deepEqual(whole, {
    ...{ Id: "a-1", RecognitionStatus: "Success", Offset: 1_100_000, Duration: 8_900_000, DisplayText: "The cat sat." },
  });
  const [best] = NBest ?? [];
  assert.ok(best);
  assert.equal(best.Lexical, "the cat sat");
  assert.equal(best.Display, "The cat sat.");
  assert.deepEqual(best.PronunciationAssessment, {
    ...{ AccuracyScore: 71.5, FluencyScore: 80, CompletenessScore: 66.7, ProsodyScore: 64.3 },
    PronScore: attempt.pronunciation,
  });
  assert.deepEqual(
    best.Words.map((word) => [word.Word, word.PronunciationAssessment.ErrorType, word.Offset, word.Duration]),
    [
      ["The", "Mispronunciation", 1_100_000, 1_800_000],
      ["the", "Insertion", 3_000_000, 1_200_000],
      ["cat", "Omission", 2_900_000, 0],
      ["sat", "None", 7_000_000, 4_000_000],
      ["", "Insertion", 12_000_000, 3_000_000],
    ],
  );
  assert.deepEqual(best.Words[0]?.Phonemes, [
    {
      ...{ Phoneme: "ð", Offset: 1_100_000, Duration: 605_000 },
      PronunciationAssessment: {
        AccuracyScore: 22.4,
        NBestPhonemes: [
          { Phoneme: "z", Score: 100 },
          { Phoneme: "ð", Score: 31 },
        ],
      },
    },
    { Phoneme: "ʌ", Offset: 1_705_000, Duration: 1_195_000, PronunciationAssessment: { AccuracyScore: 92 } },
  ]);
});

test("[SCORE-25] phonemes are named in the alphabet that is asked for", () => {
  const names = (alphabet: "IPA" | "ARPABET" | "SAPI") =>
    toAzureAssessment(attempt, alphabet).NBest?.[0]?.Words[0]?.Phonemes?.flatMap((phoneme) => [
      phoneme.Phoneme,
      ...(phoneme.PronunciationAssessment.NBestPhonemes ?? []).map((candidate) => candidate.Phoneme),
    ]);
  assert.deepEqual(names("IPA"), ["ð", "z", "ð", "ʌ"]);
  assert.deepEqual(names("ARPABET"), ["DH", "Z", "DH", "AH"]);
  assert.deepEqual(names("SAPI"), ["dh", "z", "dh", "ah"]);

  const spanish: Attempt = { ...attempt, language: "es", words: [] };
  const phones = ["ch", "q"].map((phone) => ({ phone, score: 9, band: "poor" as const, startMs: 0, endMs: 90 }));
  spanish.words.push({ text: "ch", score: 9, errorType: "none", startMs: 0, endMs: 90, phones });
  const sounds = [{ phone: "ch", ipa: "tʃ", kind: "affricate" as const, example: "chico" }];
  const spanishNames = (alphabet: "IPA" | "ARPABET") =>
    toAzureAssessment(spanish, alphabet, sounds).NBest?.[0]?.Words[0]?.Phonemes?.map(({ Phoneme }) => Phoneme);
  assert.deepEqual(spanishNames("IPA"), ["tʃ", "q"]);
  assert.deepEqual(spanishNames("ARPABET"), ["ch", "q"]);
});

test("[SCORE-25] what was not read has a status and no scores; without prosody there is no ProsodyScore", () => {
  const status = (outcome: Attempt["outcome"]) => toAzureAssessment({ ...attempt, outcome });
  assert.equal(status("incomplete").RecognitionStatus, "Success");
  for (const [outcome, expected] of [
    ["mismatch", "NoMatch"],
    ["silence", "InitialSilenceTimeout"],
  ] as const) {
    const { RecognitionStatus, NBest, DisplayText } = status(outcome);
    assert.deepEqual([RecognitionStatus, NBest, DisplayText], [expected, undefined, ""]);
  }
  const { prosody: _, ...before } = attempt;
  const scores = toAzureAssessment(before).NBest?.[0]?.PronunciationAssessment ?? {};
  assert.equal("ProsodyScore" in scores, false);
  const nothing = toAzureAssessment({ ...attempt, outcome: "silence", words: [], insertions: [] });
  assert.deepEqual([nothing.Offset, nothing.Duration], [0, 0]);
  for (const one of [attempt, before, { ...attempt, outcome: "silence" as const }])
    assert.deepEqual(azureAssessment.parse(toAzureAssessment(one)), toAzureAssessment(one));
});
