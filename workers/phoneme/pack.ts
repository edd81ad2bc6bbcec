import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import { type AcousticShape, openSession } from "./acoustic.ts";
import { Head, type StoredHead } from "./head.ts";
import { type DurationNorm, featureCount } from "./segment-features.ts";

/** A language pack's manifest.json. */
export interface PackManifest {
  version: string;
  language: string;
  /** The acoustic model's classes in order: ARPAbet without stress, SIL last. */
  phones: string[];
  acoustic: AcousticShape;
  durations: DurationNorm;
  /** Scores (0 to 100) from which a phone is good or fair, and below which a word counts as mispronounced. */
  thresholds: { good: number; poor: number; mispronounced: number };
  /** How the pack was made and what it measured; for people. */
  about: Record<string, unknown>;
}

/** A loaded language pack; `session` belongs to the thread that loaded it. */
export interface Pack {
  phones: string[];
  manifest: PackManifest;
  session: InferenceSession;
  head: Head;
}

/** Throws an Error when the manifest cannot be served. */
function checkManifest(manifest: PackManifest): void {
  const { phones, acoustic, durations, thresholds } = manifest;
  if (!Array.isArray(phones) || phones.at(-1) !== "SIL" || new Set(phones).size !== phones.length)
    throw new Error("phones must be distinct names that end in SIL");
  const numbers = [thresholds?.good, thresholds?.poor, thresholds?.mispronounced, acoustic?.delay, acoustic?.maxFrames];
  if (!numbers.every(Number.isFinite)) throw new Error("thresholds or the acoustic shape are missing");
  if (durations?.mean?.length !== phones.length || durations.deviation?.length !== phones.length)
    throw new Error("durations must hold one value per phone");
}

/** Loads a language pack's files from a folder. Throws an Error that names what is broken. */
export async function loadPack(dir: string): Promise<Pack> {
  try {
    const manifest = JSON.parse(await readFile(join(dir, "manifest.json"), "utf8")) as PackManifest;
    checkManifest(manifest);
    const stored = JSON.parse(await readFile(join(dir, "head.json"), "utf8")) as StoredHead;
    if (stored.mean?.shape[0] !== featureCount(manifest.phones.length))
      throw new Error("the head was trained on other features");
    const head = new Head(stored);
    const session = await openSession(join(dir, "acoustic.onnx"));
    return { phones: manifest.phones, manifest, session, head };
  } catch (error) {
    throw new Error(`language pack ${dir}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
