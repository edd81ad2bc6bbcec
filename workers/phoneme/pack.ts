import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import type { Language } from "#protocol";
import { type AcousticShape, openSession } from "./acoustic.ts";
import { Head, type StoredHead } from "./head.ts";
import type { PhoneJudge, SentenceJudge } from "./judges.ts";
import { LikelihoodJudge, type StoredLikelihoodJudge } from "./likelihood-judge.ts";
import type { PhoneLoop } from "./phone-recogniser.ts";
import { Prosody, type StoredProsody } from "./prosody.ts";
import { PROSODY_MEASURES } from "./prosody-measures.ts";
import { readingFeatureCount } from "./reading-features.ts";
import { Refiner, type StoredRefiner } from "./refiner.ts";
import type { ReviewShape } from "./review.ts";
import { type DurationNorm, featureCount } from "./segment-features.ts";
import { type StoredStress, Stress } from "./stress.ts";

/** Scores (0 to 100) from which a phone is good or fair, and below which a word counts as mispronounced. */
export interface Thresholds {
  good: number;
  poor: number;
  mispronounced: number;
}

/** A language pack's manifest.json. */
export interface PackManifest extends Language {
  version: string;
  /** How the language's writing becomes sounds: by which reader of src/phonemes. */
  lexicon: "english" | "spanish";
  /** The acoustic model's classes in order: the names of `sounds` (English: ARPAbet without stress), SIL last. */
  phones: string[];
  acoustic: AcousticShape;
  /** Of the model that hears a whole reading at its end (review.onnx); packs may do without. */
  review?: ReviewShape;
  durations: DurationNorm;
  /** For what is told while the sentence is read. */
  thresholds: Thresholds;
  /** For the result, whose scores lie otherwise. */
  resultThresholds: Thresholds;
  /** How the pack was made and what it measured; for people. */
  about: Record<string, unknown>;
}

/** A loaded language pack; `session` belongs to the thread that loaded it. */
export interface Pack {
  phones: string[];
  manifest: PackManifest;
  session: InferenceSession;
  review: { session: InferenceSession; shape: ReviewShape } | null;
  head: PhoneJudge;
  refiner: SentenceJudge;
  /** Null where the pack has no prosody.json: its results then have no prosody. */
  prosody: Pick<Prosody, "judge"> | null;
  /** Null where the pack has no stress.json. */
  stress: Pick<Stress, "heard"> | null;
  /** For speech without a known text; null where the pack has no phone-loop.json. */
  loop: PhoneLoop | null;
}

/** Throws an Error when the manifest cannot be served. */
function checkManifest(manifest: PackManifest): void {
  const { phones, sounds, acoustic, durations } = manifest;
  if (!Array.isArray(phones) || phones.at(-1) !== "SIL" || new Set(phones).size !== phones.length)
    throw new Error("phones must be distinct names that end in SIL");
  if (sounds?.map(({ phone }) => phone).join() !== phones.slice(0, -1).join())
    throw new Error("sounds must name the phones in order, without SIL");
  const limits = [manifest.thresholds, manifest.resultThresholds].flatMap((t) => [t?.good, t?.poor, t?.mispronounced]);
  const numbers = [...limits, acoustic?.delay, acoustic?.maxFrames];
  if (!numbers.every(Number.isFinite)) throw new Error("thresholds or the acoustic shape are missing");
  const review = manifest.review;
  if (review && ![...(review.prior ?? []), review.priorFrames, review.reach].every(Number.isFinite))
    throw new Error("the review model's shape is broken");
  if (durations?.mean?.length !== phones.length || durations.deviation?.length !== phones.length)
    throw new Error("durations must hold one value per phone");
}

function checkLoop({ bigram, prior, confidence }: PhoneLoop, classes: number): void {
  const fits = bigram?.length === classes ** 2 && prior?.length === classes && confidence?.phones?.length === classes;
  if (!fits) throw new Error("the phone loop was made for other phones");
}

/** A file's text; null where there is none. */
async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** The nets that learned from experts' scores, or in a language without such scores what goes by likelihoods alone. */
async function loadJudges(dir: string, manifest: PackManifest): Promise<Pick<Pack, "head" | "refiner">> {
  const phones = manifest.phones.length;
  const features = featureCount(phones);
  const likelihoods = await readIfThere(join(dir, "judge.json"));
  if (likelihoods) {
    const judge = new LikelihoodJudge(JSON.parse(likelihoods) as StoredLikelihoodJudge, phones, features);
    return { head: judge, refiner: judge };
  }
  const stored = JSON.parse(await readFile(join(dir, "head.json"), "utf8")) as StoredHead;
  const refine = JSON.parse(await readFile(join(dir, "refine.json"), "utf8")) as StoredRefiner;
  const refiner = new Refiner(refine, readingFeatureCount(phones, manifest.review ? 2 : 1));
  return { head: new Head(stored, features), refiner };
}

/** Loads a language pack's files from a folder. Throws an Error that names what is broken. */
export async function loadPack(dir: string): Promise<Pack> {
  try {
    const manifest = JSON.parse(await readFile(join(dir, "manifest.json"), "utf8")) as PackManifest;
    checkManifest(manifest);
    const { head, refiner } = await loadJudges(dir, manifest);
    const storedProsody = await readIfThere(join(dir, "prosody.json"));
    const prosody = storedProsody ? new Prosody(JSON.parse(storedProsody) as StoredProsody, PROSODY_MEASURES) : null;
    const storedStress = await readIfThere(join(dir, "stress.json"));
    const stress = storedStress ? new Stress(JSON.parse(storedStress) as StoredStress, manifest.phones) : null;
    const storedLoop = await readIfThere(join(dir, "phone-loop.json"));
    const loop = storedLoop ? (JSON.parse(storedLoop) as PhoneLoop) : null;
    if (loop) checkLoop(loop, manifest.phones.length);
    const session = await openSession(join(dir, "acoustic.onnx"));
    const review = manifest.review
      ? { session: await openSession(join(dir, "review.onnx")), shape: manifest.review }
      : null;
    return { phones: manifest.phones, manifest, session, review, head, refiner, prosody, stress, loop };
  } catch (error) {
    throw new Error(`language pack ${dir}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
