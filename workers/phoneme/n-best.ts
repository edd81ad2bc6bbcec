import type { PhoneCandidate } from "./events.ts";

const MOST = 5;
/** What rounds to less than 1% of the likeliest is not worth telling. */
const LEAST = 0.5;

/** Of all that a segment sounded like, the share from which a phone was heard clearly. */
const CLEAR = 0.8;
/** Below this score, in percent of the likeliest phone's, another one was heard instead. */
const OTHER = 5;

/**
 * The phones that a segment sounded most like, the likeliest first, five at the most. A score is the geometric mean of the
 * phone's posterior over the segment's steps, as a percentage of the likeliest phone's. `features` start with the classes'
 * mean log posteriors, and silence, the last class, is no candidate.
 */
export function nBestOf(features: Float32Array, phones: readonly string[]): PhoneCandidate[] {
  const silence = phones.length - 1;
  const ranked = Array.from(features.subarray(0, silence), (mean, phone) => ({ mean, phone }))
    .sort((a, b) => b.mean - a.mean)
    .slice(0, MOST);
  const best = ranked[0]?.mean ?? 0;
  return ranked
    .map(({ mean, phone }) => ({ phone: phones[phone] as string, score: Math.exp(mean - best) * 100 }))
    .filter(({ score }) => score >= LEAST)
    .map(({ phone, score }) => ({ phone, score: Math.round(score) }));
}

/**
 * Whether that phone was heard and hardly any other. The model and its judgement then disagree about a phone with a low
 * score, and a learner is not told that it was wrong: on held-out speakers such red
 * phones are four to five times as often perfect as bad.
 */
export function isClear(nBest: readonly PhoneCandidate[], phone: string): boolean {
  const all = nBest.reduce((sum, { score }) => sum + score, 0);
  const [first] = nBest;
  return first?.phone === phone && first.score >= CLEAR * all;
}

/**
 * Whether another phone was heard instead, and that one hardly. Experts, and so the nets that learned from them, let most
 * such phones pass; but who said another sound is not told that it was good.
 */
export function isAnother(nBest: readonly PhoneCandidate[], phone: string): boolean {
  const own = nBest.find((candidate) => candidate.phone === phone)?.score ?? 0;
  return nBest.length > 0 && own < OTHER;
}
