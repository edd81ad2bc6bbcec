import type { Indexed } from "./corpus.ts";

/** Which fold each scored speaker is held out in: speakers in name order, dealt out in turn, as train_acoustic.py does. */
export function foldsBySpeaker(index: Indexed[], folds: number): Map<string, number> {
  const speakers = [...new Set(index.filter((entry) => entry.scored).map((entry) => entry.spk))].sort();
  return new Map(speakers.map((speaker, i) => [speaker, i % folds]));
}
