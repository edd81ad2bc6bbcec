import assert from "node:assert/strict";
import { test } from "node:test";
import { type DrillResult, type FirstLanguage, firstLanguages, type PhoneFeature, type ScoredPhone } from "#protocol";
import { coach } from "../../src/phonemes/coach.ts";
import { droppedHint, hintFor } from "../../src/phonemes/hints.ts";
import { articulationOf, featuresThatDiffer } from "../../src/phonemes/phone-features.ts";
import { typicalPairs } from "../../src/phonemes/typical-confusions.ts";
import { ENGLISH_SOUNDS } from "../../training/english-sounds.ts";
import { SPANISH_SOUNDS } from "../../training/es/sounds.ts";

const phones = ENGLISH_SOUNDS.map(({ phone }) => phone);
const pairs = [ENGLISH_SOUNDS, SPANISH_SOUNDS].flatMap((sounds) =>
  sounds.flatMap(({ phone }) =>
    sounds.flatMap(({ phone: heard }) => (heard === phone ? [] : [[phone, heard] as const])),
  ),
);
const LONGEST = 170;

/** What a hint on that feature speaks of. */
const speaksOf: Record<PhoneFeature, RegExp> = {
  place: /lip|teeth|ridge|tongue|palate|throat/i,
  manner: /stop|burst|tap|trembles|blow|air|buzz|hum|hiss|flow|rush|breath|glide|slide|touch|gap|nose/i,
  voicing: /voice|buzz|hum|puff|hiss|only air/i,
  height: /jaw|tongue|mouth/i,
  backness: /tongue|back|forward|middle/i,
  rounding: /round|lips|spread/i,
  length: /long|short|hold|relax|glide/i,
  glide: /glide|steady|close|towards/i,
  rhoticity: /“r”|curl|flat/i,
};
/** What would send a learner the wrong way where that feature differs. */
function wrongWay(feature: PhoneFeature, phone: string, heard: string): RegExp | undefined {
  const [target, other] = [articulationOf(phone), articulationOf(heard)];
  if (target?.kind === "consonant" && feature === "voicing")
    return target.voiced ? /voice off|no voice|without voice/i : /voice on|voice buzz/i;
  if (target?.kind !== "vowel" || other?.kind !== "vowel") return undefined;
  switch (feature) {
    case "height":
      return target.height > other.height ? /drop your jaw|lower/i : /lift your tongue/i;
    case "rounding":
      return target.rounded ? /don’t round|spread/i : /^round|\. round|rounded lips/i;
    case "backness":
      return target.backness === "front" ? /tongue back/i : /tongue forward/i;
    case "length":
      return target.long ? /short/i : /longer/i;
    case "glide":
      return target.glide === "none" ? /^glide|\. glide/i : /steady/i;
    default:
      return undefined;
  }
}
const voiced = (phone: string) => {
  const made = articulationOf(phone);
  return made?.kind === "vowel" || made?.voiced;
};

test("[SCORE-22] every pair of phones has a short hint that speaks of what differs", () => {
  for (const [phone, heard] of pairs) {
    const [target, other] = [articulationOf(phone), articulationOf(heard)];
    assert.ok(target && other);
    const differs = featuresThatDiffer(target, other);
    const hint = hintFor(phone, heard);
    const label = `${phone} heard as ${heard}: ${hint}`;
    assert.ok(differs.length > 0, label);
    assert.ok(hint.length >= 10 && hint.length <= LONGEST, label);
    assert.match(hint, /^[A-Z].*\.$/, label);
    if (target.kind !== other.kind) assert.ok(hint === hintFor(phone) || /vowel/.test(hint), label);
    else
      assert.ok(
        differs.some((feature) => speaksOf[feature].test(hint)),
        label,
      );
    for (const feature of differs) {
      const wrong = wrongWay(feature, phone, heard);
      if (wrong) assert.doesNotMatch(hint, wrong, label);
    }
  }
});

test("[SCORE-22] a difference of voice alone is told as one, and each sound's own recipe tells it from others", () => {
  for (const [phone, heard] of pairs) {
    const [target, other] = [articulationOf(phone), articulationOf(heard)];
    if (!target || !other || featuresThatDiffer(target, other).join() !== "voicing") continue;
    assert.match(hintFor(phone, heard), voiced(phone) ? /voice on/ : /voice off/, `${phone} ${heard}`);
  }
  for (const sounds of [ENGLISH_SOUNDS, SPANISH_SOUNDS])
    assert.equal(new Set(sounds.map(({ phone }) => hintFor(phone))).size, sounds.length);
  for (const { phone } of [...ENGLISH_SOUNDS, ...SPANISH_SOUNDS]) {
    assert.equal(hintFor(phone, phone), hintFor(phone));
    assert.ok(droppedHint(phone).length <= LONGEST && droppedHint(phone).includes(hintFor(phone)), droppedHint(phone));
  }
});

const judged = (phone: string, extra: Partial<ScoredPhone> = {}): ScoredPhone => ({
  ...{ phone, score: 40, band: "poor", startMs: 100, endMs: 180 },
  ...extra,
});
const result = (words: ScoredPhone[][], outcome: DrillResult["outcome"] = "scored"): DrillResult => ({
  ...{
    outcome,
    accuracy: 50,
    fluency: 50,
    completeness: 100,
    total: 50,
    pronunciation: 50,
    insertions: [],
    audioMs: 900,
  },
  words: words.map((own) => ({ text: "w", score: 50, errorType: "none", startMs: 0, endMs: 500, phones: own })),
});
const candidates = (...pairs: [phone: string, score: number][]) => pairs.map(([phone, score]) => ({ phone, score }));
const explained = (phone: ScoredPhone, language?: FirstLanguage) =>
  coach.explained(language, result([[phone, judged("AH", { band: "good" })]])).words[0]?.phones[0];

test("[SCORE-22] feedback says what was heard instead, that nothing was, or that it was unclear", () => {
  const substituted = judged("TH", { heard: "S", nBest: candidates(["S", 100], ["TH", 20]) });
  assert.deepEqual(explained(substituted)?.feedback, {
    ...{ fault: "substituted", differs: ["place"], hint: hintFor("TH", "S"), typical: false },
  });
  assert.equal(explained(substituted, "zh")?.feedback?.typical, true);
  assert.equal(explained(substituted, "ar")?.feedback?.typical, true);
  assert.equal(explained(substituted, "hi")?.feedback?.typical, false);

  const unclear = judged("TH", { nBest: candidates(["TH", 100], ["S", 60]) });
  assert.deepEqual(explained(unclear, "zh")?.feedback, {
    ...{ fault: "unclear", differs: [], hint: hintFor("TH", "S"), typical: true },
  });
  const alone = judged("TH", { nBest: candidates(["TH", 100], ["S", 3]) });
  assert.equal(explained(alone, "zh")?.feedback?.hint, hintFor("TH"));
  assert.equal(explained(alone, "zh")?.feedback?.typical, false);

  const dropped = judged("T", { score: 0, endMs: 100 });
  assert.deepEqual(explained(dropped)?.feedback, {
    ...{ fault: "dropped", differs: [], hint: droppedHint("T"), typical: false },
  });
  assert.equal(explained(judged("TH", { band: "fair", heard: "S" }))?.feedback?.fault, "substituted");
  assert.equal(explained(judged("TH", { band: "good" }))?.feedback, undefined);
  assert.equal(explained(judged("SIL"))?.feedback, undefined);
});

test("[SCORE-22] no feedback on words that were not said, nor where the sentence was not read", () => {
  const unsaid = judged("T", { score: 0, endMs: 100 });
  const said = judged("TH", { heard: "S" });
  for (const outcome of ["scored", "incomplete", "mismatch", "silence"] as const) {
    const [first, second] = coach.explained("zh", result([[said], [unsaid, unsaid]], outcome)).words;
    assert.equal(first?.phones[0]?.feedback !== undefined, outcome === "scored" || outcome === "incomplete", outcome);
    assert.ok(second?.phones.every(({ feedback }) => feedback === undefined));
  }
});

test("[SCORE-23] of about equally likely sounds the first language's usual one comes first; scores stay", () => {
  const heardBy = (language: FirstLanguage | undefined, phone: string, nBest: ScoredPhone["nBest"]) => {
    const first = nBest?.[0]?.phone;
    return coach.heardBy(
      language,
      judged(phone, { nBest, ...(first === phone ? {} : { heard: first }) } as ScoredPhone),
    );
  };
  const close = candidates(["F", 100], ["S", 70], ["TH", 40], ["HH", 20], ["T", 15]);
  const korean = heardBy("ko", "TH", close);
  assert.deepEqual(korean.nBest, candidates(["S", 70], ["F", 100], ["TH", 40], ["T", 15], ["HH", 20]));
  assert.equal(korean.heard, "S");
  assert.deepEqual(heardBy(undefined, "TH", close).nBest, close);
  // Half as likely is not about equally likely.
  const clear = candidates(["F", 100], ["S", 49], ["TH", 40]);
  assert.equal(heardBy("ko", "TH", clear).heard, "F");
  // No rival passes the expected sound.
  const right = candidates(["TH", 100], ["F", 95], ["S", 90]);
  assert.deepEqual(heardBy("ko", "TH", right).nBest, candidates(["TH", 100], ["S", 90], ["F", 95]));
  assert.equal(heardBy("ko", "TH", right).heard, undefined);
});

test("[SCORE-23] each first language has its usual confusions, of sounds there are, with their source", () => {
  for (const language of Object.keys(firstLanguages) as FirstLanguage[]) {
    const { source, pairs: typical } = typicalPairs(language);
    assert.match(source, /\d{4}/);
    assert.ok(typical.length >= 20, language);
    assert.equal(new Set(typical.map(String)).size, typical.length, language);
    for (const [phone, heard] of typical) {
      assert.ok(phone !== heard && phones.includes(phone) && phones.includes(heard), `${language} ${phone} ${heard}`);
      assert.equal(explained(judged(phone, { heard }), language)?.feedback?.typical, true);
    }
  }
});
