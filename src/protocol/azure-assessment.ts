import { z } from "zod";
import type { DrillResult, Insertion, PhoneCandidate, ScoredPhone, ScoredWord, Sound } from "./models.ts";
import { phoneIn } from "./phone-symbols.ts";

/** In units of 100 ns. */
const ticks = z.int().min(0);
const score = z.number().min(0).max(100);
const span = { Offset: ticks, Duration: ticks };

/** How phones are named in the assessment. `SAPI` is Azure's own default for American English. */
export const azureAlphabet = z.enum(["IPA", "ARPABET", "SAPI"]);
export type AzureAlphabet = z.infer<typeof azureAlphabet>;

/** A result in the shape of Azure's Pronunciation Assessment (detailed output, hundred-mark scores); docs/azure.md has the differences. */
export const azureAssessment = z.object({
  Id: z.string(),
  RecognitionStatus: z.enum(["Success", "NoMatch", "InitialSilenceTimeout"]),
  ...span,
  DisplayText: z.string(),
  /** One entry where the status is `Success`, else absent. */
  NBest: z
    .array(
      z.object({
        Lexical: z.string(),
        ITN: z.string(),
        MaskedITN: z.string(),
        Display: z.string(),
        PronunciationAssessment: z.object({
          AccuracyScore: score,
          FluencyScore: score,
          CompletenessScore: score,
          /** Absent where prosody was not judged. */
          ProsodyScore: score.optional(),
          PronScore: score,
        }),
        Words: z.array(
          z.object({
            Word: z.string(),
            ...span,
            PronunciationAssessment: z.object({
              /** Absent for an insertion, which is not judged. */
              AccuracyScore: score.optional(),
              ErrorType: z.enum(["None", "Omission", "Insertion", "Mispronunciation"]),
            }),
            /** Absent for an insertion. */
            Phonemes: z
              .array(
                z.object({
                  Phoneme: z.string(),
                  ...span,
                  PronunciationAssessment: z.object({
                    AccuracyScore: score,
                    /** For phonemes that were not good. */
                    NBestPhonemes: z.array(z.object({ Phoneme: z.string(), Score: score })).optional(),
                  }),
                }),
              )
              .optional(),
          }),
        ),
      }),
    )
    .optional(),
});
export type AzureAssessment = z.infer<typeof azureAssessment>;
type Naming = (phone: string) => string;
type AzureWord = NonNullable<AzureAssessment["NBest"]>[number]["Words"][number];

const TICKS_PER_MS = 10_000;
const statuses = {
  scored: "Success",
  incomplete: "Success",
  mismatch: "NoMatch",
  silence: "InitialSilenceTimeout",
} as const;
const errorTypes = { none: "None", omission: "Omission", mispronunciation: "Mispronunciation" } as const;

const spanOf = ({ startMs, endMs }: { startMs: number; endMs: number }) => ({
  Offset: Math.round(startMs * TICKS_PER_MS),
  Duration: Math.round((endMs - startMs) * TICKS_PER_MS),
});

/**
 * An attempt as Azure's Pronunciation Assessment would tell it. For IPA of another language than English give the `sounds`
 * of its pack (`drill.languages`): phones that are in neither keep their pack's names.
 */
export function toAzureAssessment(
  attempt: DrillResult & { id: string; text: string },
  alphabet: AzureAlphabet = "IPA",
  sounds: readonly Sound[] = [],
): AzureAssessment {
  const signs = new Map(alphabet === "IPA" ? sounds.map((sound) => [sound.phone, sound.ipa]) : []);
  const nameOf: Naming = (phone) => signs.get(phone) ?? phoneIn(alphabet, phone);
  const { id, text, outcome, prosody } = attempt;
  const said = attempt.words.flatMap((word) => word.phones).filter(({ startMs, endMs }) => endMs > startMs);
  const status = statuses[outcome];
  const whole = {
    Id: id,
    RecognitionStatus: status,
    ...spanOf({ startMs: said[0]?.startMs ?? 0, endMs: said.at(-1)?.endMs ?? 0 }),
  };
  if (status !== "Success") return { ...whole, DisplayText: "" };
  const lexical = attempt.words.map((word) => word.text.toLowerCase()).join(" ");
  return {
    ...whole,
    DisplayText: text,
    NBest: [
      {
        ...{ Lexical: lexical, ITN: lexical, MaskedITN: lexical, Display: text },
        PronunciationAssessment: {
          AccuracyScore: attempt.accuracy,
          FluencyScore: attempt.fluency,
          CompletenessScore: attempt.completeness,
          ...(prosody === undefined ? {} : { ProsodyScore: prosody }),
          PronScore: attempt.pronunciation,
        },
        Words: wordsOf(attempt, nameOf),
      },
    ],
  };
}

/** The text's words with the insertions at their places. */
function wordsOf({ words, insertions }: DrillResult, nameOf: Naming): AzureWord[] {
  const before = (index: number) => insertions.filter(({ beforeWord }) => beforeWord === index).map(insertedWord);
  return [...words.flatMap((word, index) => [...before(index), expectedWord(word, nameOf)]), ...before(words.length)];
}

function insertedWord(insertion: Insertion): AzureWord {
  return { Word: insertion.text ?? "", ...spanOf(insertion), PronunciationAssessment: { ErrorType: "Insertion" } };
}

function expectedWord(word: ScoredWord, nameOf: Naming): AzureWord {
  return {
    Word: word.text,
    ...spanOf(word),
    PronunciationAssessment: { AccuracyScore: word.score, ErrorType: errorTypes[word.errorType] },
    Phonemes: word.phones.map((phone) => phonemeOf(phone, nameOf)),
  };
}

function phonemeOf(phone: ScoredPhone, nameOf: Naming): NonNullable<AzureWord["Phonemes"]>[number] {
  const candidate = ({ phone: name, score: Score }: PhoneCandidate) => ({ Phoneme: nameOf(name), Score });
  return {
    Phoneme: nameOf(phone.phone),
    ...spanOf(phone),
    PronunciationAssessment: {
      AccuracyScore: phone.score,
      ...(phone.nBest ? { NBestPhonemes: phone.nBest.map(candidate) } : {}),
    },
  };
}
