import type { DrillResult, FirstLanguage, PhoneCandidate, PhoneFeedback, ScoredPhone } from "#protocol";
import { droppedHint, hintFor } from "./hints.ts";
import { articulationOf, featuresThatDiffer } from "./phone-features.ts";
import { isTypical } from "./typical-confusions.ts";

/**
 * How much likelier a candidate counts that speakers of the learner's first language often say: of sounds within this
 * factor of each other, about equally likely as far as the model can tell, the typical one comes first.
 */
const TYPICAL = 2;
/** A rival that is at least this likely (percent of the likeliest) is what an unclear sound drifts to. */
const DRIFT = 10;

type Judged = Pick<ScoredPhone, "phone" | "heard" | "nBest">;

/** Tells learners what to do about sounds that were not good, in English and Spanish. */
export const coach = {
  /**
   * A judged phone with the confusions of the learner's first language first where candidates are about equally likely. That
   * changes the order and with it what counts as heard, never a score, and no rival passes the expected phone by it.
   */
  heardBy<P extends Judged>(firstLanguage: FirstLanguage | undefined, judged: P): P {
    const { phone, nBest } = judged;
    if (firstLanguage === undefined || !nBest) return judged;
    const weight = (candidate: PhoneCandidate) =>
      candidate.score * (isTypical(firstLanguage, phone, candidate.phone) ? TYPICAL : 1);
    const own = nBest.findIndex((candidate) => candidate.phone === phone);
    const split = own < 0 ? nBest.length : own;
    const sorted = (candidates: PhoneCandidate[]) => candidates.toSorted((a, b) => weight(b) - weight(a));
    const ordered = [
      ...sorted(nBest.slice(0, split)),
      ...nBest.slice(split, split + 1),
      ...sorted(nBest.slice(split + 1)),
    ];
    const [first] = ordered;
    return { ...judged, nBest: ordered, ...(judged.heard !== undefined && first ? { heard: first.phone } : {}) };
  },

  /** The result with feedback on each phone below good, where the sentence was read and the phone's word was said. */
  explained(firstLanguage: FirstLanguage | undefined, result: DrillResult): DrillResult {
    const read = result.outcome === "scored" || result.outcome === "incomplete";
    const words = result.words.map((word) => {
      const phones = word.phones.map((phone) => coach.heardBy(firstLanguage, phone));
      const said = phones.some((phone) => !wasDropped(phone));
      if (!read || !said) return { ...word, phones };
      return { ...word, phones: phones.map((phone) => withFeedback(firstLanguage, phone)) };
    });
    return { ...result, words };
  },
};

const wasDropped = (phone: ScoredPhone): boolean => phone.endMs === phone.startMs;

function withFeedback(firstLanguage: FirstLanguage | undefined, phone: ScoredPhone): ScoredPhone {
  if (phone.band === "good" || !articulationOf(phone.phone)) return phone;
  return { ...phone, feedback: feedbackOn(firstLanguage, phone) };
}

function feedbackOn(firstLanguage: FirstLanguage | undefined, judged: ScoredPhone): PhoneFeedback {
  const { phone, heard, nBest = [] } = judged;
  if (wasDropped(judged)) return { fault: "dropped", differs: [], hint: droppedHint(phone), typical: false };
  const rival = heard ?? nBest.find((candidate) => candidate.phone !== phone && candidate.score >= DRIFT)?.phone;
  const typical = firstLanguage !== undefined && rival !== undefined && isTypical(firstLanguage, phone, rival);
  const [target, other] = [articulationOf(phone), heard === undefined ? undefined : articulationOf(heard)];
  return {
    fault: heard === undefined ? "unclear" : "substituted",
    differs: target && other ? featuresThatDiffer(target, other) : [],
    hint: hintFor(phone, rival),
    typical,
  };
}
