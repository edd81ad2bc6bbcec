import { exampleOf, type PhoneFeature } from "#protocol";
import { type Articulation, articulationOf, type Consonant, featuresThatDiffer, type Vowel } from "./phone-features.ts";

/** What to do for a sound, whatever was heard: English by ARPAbet, then Spanish by its pack's names. */
const making: Record<string, string> = {
  P: "Press both lips together, hold the air, and let it burst out with a puff and no voice.",
  B: "Press both lips together with the voice on, then let go.",
  T: "Press the tip of your tongue to the ridge behind your top teeth and let the air burst out, without voice.",
  D: "Press the tip of your tongue to the ridge behind your top teeth with the voice on, then let go.",
  K: "Press the back of your tongue up against the soft palate and let the air burst out, without voice.",
  G: "Press the back of your tongue up against the soft palate with the voice on, then let go.",
  CH: "Stop the air behind the ridge, then let it out as “sh”; lips forward, no voice.",
  JH: "Stop the air behind the ridge, then let it out with a buzz; lips forward, voice on.",
  F: "Rest your top teeth on your lower lip and blow, without voice.",
  V: "Rest your top teeth on your lower lip and let your voice buzz through.",
  TH: "Put the tip of your tongue between your teeth and blow over it, without voice.",
  DH: "Put the tip of your tongue between your teeth and let your voice buzz over it.",
  S: "Bring the tip of your tongue close to the ridge behind your top teeth and hiss.",
  Z: "Hiss as for “s”, and switch your voice on: it buzzes.",
  SH: "Draw the tongue back from the ridge, push your lips forward and let the air rush.",
  ZH: "Rush the air as for “sh”, and switch your voice on: it buzzes.",
  HH: "Breathe out through an open throat, as if to mist a mirror.",
  M: "Close your lips and hum through the nose.",
  N: "Press the tip of your tongue behind your top teeth and hum through the nose.",
  NG: "Raise the back of your tongue to the soft palate and hum through the nose.",
  L: "Hold the tip of your tongue on the ridge behind your top teeth; the voice flows past its sides.",
  R: "Curl the tip of your tongue back so that it touches nothing, and round your lips a little.",
  W: "Round your lips as if to whistle, then open them into the next vowel.",
  Y: "Raise the middle of your tongue high, as for “see”, and slide into the next vowel.",
  IY: "Lift your tongue high and forward, spread your lips as in a smile, and make it long.",
  IH: "Keep it short and relaxed, with the tongue a little lower than for “see”.",
  EY: "Begin at “e” as in “red” and glide up towards “ee”.",
  EH: "Keep it short, with the tongue forward and the mouth half open.",
  AE: "Drop your jaw, keep the tongue low and forward, and spread your lips a little.",
  AA: "Drop your jaw wide, with the tongue low and back, and make it long.",
  AO: "Drop your jaw half way, draw the tongue back, round your lips and make it long.",
  OW: "Begin with rounded lips, and close them further towards “oo” as you go.",
  UH: "Keep it short and relaxed, with the tongue back and the lips a little rounded.",
  UW: "Round your lips tightly, draw the tongue high and back, and make it long.",
  AH: "Keep it short, with mouth and tongue relaxed and in the middle.",
  ER: "Curl the tongue back as for “r” and hold it there through the whole vowel.",
  AY: "Begin with the jaw low, as in “father”, and glide up towards “ee”.",
  AW: "Begin with the jaw low, as in “father”, and glide towards “oo”, the lips closing.",
  OY: "Begin at “aw” with rounded lips, and glide up towards “ee”.",

  p: "Press both lips together and let go, without voice and without a puff of air.",
  b: "Bring both lips together with the voice on; between vowels let them barely touch.",
  t: "Put the tip of your tongue against the back of your top teeth and let go, without voice and without a puff.",
  d: "Put the tip of your tongue against the back of your top teeth, voice on; between vowels let it barely touch.",
  k: "Press the back of your tongue against the soft palate and let go, without voice and without a puff.",
  g: "Raise the back of your tongue to the soft palate with the voice on; between vowels let it barely touch.",
  ch: "Stop the air behind the ridge, then let it rush out; no voice.",
  f: "Rest your top teeth on your lower lip and blow, without voice.",
  th: "Put the tip of your tongue between your teeth and blow, without voice.",
  s: "Bring the tip of your tongue close to the ridge behind your top teeth and hiss.",
  x: "Raise the back of your tongue to the soft palate and let the air scrape through; no voice.",
  y: "Raise the middle of your tongue close to the hard palate and let your voice buzz softly.",
  m: "Close your lips and hum through the nose.",
  n: "Press the tip of your tongue behind your top teeth and hum through the nose.",
  ny: "Press the middle of your tongue to the hard palate and hum through the nose, as if “n” and “y” were one.",
  l: "Hold the tip of your tongue on the ridge behind your top teeth; the voice flows past its sides.",
  r: "Tap the ridge once with the tip of your tongue, quick and light.",
  rr: "Hold the tip of your tongue loosely at the ridge and blow until it trembles.",
  w: "Round your lips tightly and slide into the next vowel.",
  j: "Raise your tongue as for “i” and slide into the next vowel.",
  i: "Lift your tongue high and forward, lips spread; keep it short and pure.",
  e: "Keep the tongue forward and half high; hold it short and pure, without a glide.",
  a: "Drop your jaw and leave your tongue low in the middle; keep it short and pure.",
  o: "Round your lips with the tongue half high at the back; hold it short, without a glide.",
  u: "Round your lips tightly with the tongue high at the back; keep it short and pure.",
};

/** What tells well-known confusions apart better than their features do: expected sound, then the one that was heard. */
const apart: Record<string, string> = {
  "TH S": "Let the tip of your tongue show between your teeth; for “s” it stays behind them.",
  "TH T": "Keep the air flowing over the tip of your tongue between the teeth; don’t stop it.",
  "TH F": "Leave your lip out of it: the tip of your tongue goes between your teeth.",
  "DH Z": "Let the tip of your tongue show between your teeth, and buzz there.",
  "DH D": "Put the tip of your tongue between your teeth and keep the voice flowing; don’t stop it.",
  "S TH": "Pull your tongue behind your teeth, and hiss at the ridge.",
  "V W": "Bring your top teeth down on your lower lip until it buzzes; don’t round your lips.",
  "W V": "Round your lips and keep your teeth away from the lower lip; nothing buzzes.",
  "V B": "Don’t close your lips: let the voice buzz between top teeth and lower lip.",
  "B V": "Close both lips fully, stop the air, then let go.",
  "F P": "Don’t close your lips: blow between your top teeth and lower lip.",
  "P F": "Close both lips fully, stop the air, then let it burst.",
  "F HH": "Bring your top teeth down on your lower lip and blow there, not in the throat.",
  "HH F": "Let go of your lip: just breathe out from the throat.",
  "R L": "Take the tip of your tongue off the ridge and curl it back so that it touches nothing.",
  "L R": "Put the tip of your tongue on the ridge behind your top teeth and hold it there.",
  "L N": "Close your nose: the voice flows past the sides of your tongue.",
  "N L": "Close the sides too and let the hum go through your nose.",
  "NG N": "Leave the tip of your tongue down, and raise the back of it to the soft palate.",
  "N NG": "Bring the tip of your tongue up behind your top teeth; the back of it stays down.",
  "NG G": "Don’t let go with a “g”: stop at the hum through your nose.",
  "SH S": "Draw your tongue back from the ridge and push your lips forward.",
  "S SH": "Bring your tongue forward, close to the ridge, and spread your lips.",
  "CH SH": "Stop the air first, then let it out.",
  "SH CH": "Don’t stop the air: let it rush from the start.",
  "JH ZH": "Stop the air first, then let it out with a buzz.",
  "ZH JH": "Don’t stop the air: let it buzz from the start.",
  "JH Y": "Touch the roof of your mouth first to stop the air, then let it buzz.",
  "Y JH": "Don’t touch the roof of your mouth: let the voice glide without a stop.",
  "Z S": "Switch your voice on: your throat hums while the air hisses.",
  "Z JH": "Don’t stop the air: keep the tongue near the ridge and let it buzz from the start.",
  "T CH": "Release it cleanly at the ridge, without the “sh” after it.",
  "D JH": "Release it cleanly at the ridge, without the buzz after it.",
  "P B": "Switch your voice off and add a puff of air.",
  "T D": "Switch your voice off and add a puff of air.",
  "K G": "Switch your voice off and add a puff of air.",
  "IY IH": "Make it longer and lift your tongue: smile as you say it.",
  "IH IY": "Make it shorter and relax: the tongue is a little lower.",
  "AE EH": "Drop your jaw further; the tongue stays forward.",
  "EH AE": "Close your mouth a little: the tongue is half way up.",
  "AE AH": "Push your tongue forward and drop your jaw; spread your lips a little.",
  "AH AE": "Let your tongue go back to the middle, and close your mouth a little.",
  "AH AA": "Close your mouth a little and keep it short, with the tongue in the middle.",
  "AA AH": "Drop your jaw wide, with the tongue low and back, and make it longer.",
  "AE AA": "Push your tongue forward and spread your lips a little.",
  "AA AE": "Draw your tongue back, and relax your lips.",
  "AW OW": "Begin with the jaw low, as in “father”, before the lips close.",
  "OW AW": "Begin with rounded lips and the jaw only half open.",
  "AY EY": "Begin with the jaw low, as in “father”, before you glide up.",
  "EY AY": "Begin with the jaw half closed, at “e” as in “red”, before you glide up.",
  "UW UH": "Make it longer and round your lips tightly, with the tongue high.",
  "UH UW": "Make it shorter and relax your lips and tongue.",
  "EY EH": "Don’t stop at “e”: glide up towards “ee”.",
  "EH EY": "Hold it steady and short: no glide towards “ee”.",
  "OW AO": "Don’t stay: close your lips towards “oo” as you go.",
  "AO OW": "Hold it steady with the mouth half open: no glide towards “oo”.",
  "ER R": "Make it a vowel of its own, and hold it: nothing closes the way.",
  "R ER": "Make it short and slide into the next vowel: the way narrows, as for a consonant.",
};

const places: Record<Consonant["place"], string> = {
  lips: "Bring both lips together.",
  "lip-teeth": "Rest your top teeth on your lower lip.",
  teeth: "Put the tip of your tongue between your teeth.",
  "back-of-teeth": "Put the tip of your tongue against the back of your top teeth.",
  ridge: "Bring the tip of your tongue to the ridge behind your top teeth.",
  "behind-ridge": "Draw your tongue back from the ridge, and push your lips forward a little.",
  palate: "Raise the middle of your tongue towards the hard palate.",
  "soft-palate": "Raise the back of your tongue to the soft palate.",
  throat: "Let tongue and lips rest: the air comes straight from the throat.",
  "round-lips": "Round your lips as if to whistle.",
};
const manners: Record<Consonant["manner"], string> = {
  stop: "Stop the air fully, then let it burst.",
  fricative: "Leave a narrow gap that the air rubs through, without a stop.",
  affricate: "Stop the air first, then let it out with friction.",
  nasal: "Let it hum through your nose.",
  approximant: "Let the voice flow: no stop and no friction.",
  lateral: "Let the voice flow past the sides of your tongue.",
  tap: "Touch once, quick and light: a tap of the tongue.",
  trill: "Keep the tip of your tongue loose and blow until it trembles.",
};

/**
 * What a learner can do to say `phone` where `heard` was said, or so that it is clearer where nothing else was.
 * One or two short sentences; empty for a phone of another language than English and Spanish.
 */
export function hintFor(phone: string, heard?: string): string {
  const target = articulationOf(phone);
  const made = making[phone];
  if (!target || !made) return "";
  const other = heard === undefined ? undefined : articulationOf(heard);
  if (!other || heard === phone) return made;
  const special = apart[`${phone} ${heard}`];
  if (special) return special;
  // A vowel for a consonant, or the reverse: the whole recipe says more than the difference.
  if (target.kind !== other.kind) return made;
  const differs = featuresThatDiffer(target, other);
  const parts = differs.map((feature) => sentenceFor(feature, target, other));
  // Where all is different, the whole recipe says more than two of its parts.
  return parts.length > 2 && target.kind === "consonant" ? made : parts.slice(0, 2).join(" ");
}

/** What to say of a phone that was left out. */
export function droppedHint(phone: string): string {
  const made = making[phone];
  const example = exampleOf(phone);
  if (!made) return "";
  return example ? `Don’t leave it out: it is the sound of “${example}”. ${made}` : `Don’t leave it out. ${made}`;
}

function sentenceFor(feature: PhoneFeature, target: Articulation, heard: Articulation): string {
  if (target.kind === "consonant") {
    if (feature === "place") return places[target.place];
    if (feature === "manner") return manners[target.manner];
    return target.voiced ? "Switch your voice on: your throat hums." : "Switch your voice off: only air.";
  }
  return vowelSentence(feature, target, heard as Vowel);
}

function vowelSentence(feature: PhoneFeature, target: Vowel, heard: Vowel): string {
  switch (feature) {
    case "rhoticity":
      return target.rhotic ? "Curl the tongue back as for “r”, and hold it." : "Keep the tongue flat: no “r” in it.";
    case "glide":
      return target.glide === "none"
        ? "Hold it steady: no glide at its end."
        : `Glide towards “${target.glide}” at its end.`;
    case "rounding":
      return target.rounded ? "Round your lips." : "Don’t round your lips.";
    case "backness":
      if (target.backness === "central") return "Let your tongue rest in the middle of the mouth.";
      return target.backness === "front" ? "Push your tongue forward." : "Draw your tongue back.";
    case "height":
      return target.height > heard.height
        ? "Lift your tongue and close your mouth a little."
        : "Drop your jaw further.";
    default:
      return target.long ? "Make it longer." : "Keep it short and relaxed.";
  }
}
