import type { PhoneFeature } from "#protocol";

export type Consonant = {
  kind: "consonant";
  voiced: boolean;
  place: "lips" | "lip-teeth" | "teeth" | "ridge" | "behind-ridge" | "palate" | "soft-palate" | "throat" | "round-lips";
  manner: "stop" | "fricative" | "affricate" | "nasal" | "approximant" | "lateral";
};
export type Vowel = {
  kind: "vowel";
  /** Of the tongue where the vowel begins: 0 is the lowest (“father”), 5 the highest (“see”). */
  height: number;
  backness: "front" | "central" | "back";
  rounded: boolean;
  long: boolean;
  /** Where the vowel moves to: “ee” of “my”, “oo” of “cow”. */
  glide: "none" | "ee" | "oo";
  rhotic: boolean;
};
export type Articulation = Consonant | Vowel;

const consonant = (voiced: Consonant["voiced"], place: Consonant["place"], manner: Consonant["manner"]): Consonant => ({
  kind: "consonant",
  voiced,
  place,
  manner,
});
const vowel = (
  height: number,
  backness: Vowel["backness"],
  traits: Partial<Pick<Vowel, "rounded" | "long" | "glide" | "rhotic">> = {},
): Vowel => ({ kind: "vowel", height, backness, rounded: false, long: false, glide: "none", rhotic: false, ...traits });

/** How General American's phones are made, after Ladefoged & Johnson, A Course in Phonetics, 7th ed., chapters 2 to 4. */
const articulations: Record<string, Articulation> = {
  P: consonant(false, "lips", "stop"),
  B: consonant(true, "lips", "stop"),
  T: consonant(false, "ridge", "stop"),
  D: consonant(true, "ridge", "stop"),
  K: consonant(false, "soft-palate", "stop"),
  G: consonant(true, "soft-palate", "stop"),
  CH: consonant(false, "behind-ridge", "affricate"),
  JH: consonant(true, "behind-ridge", "affricate"),
  F: consonant(false, "lip-teeth", "fricative"),
  V: consonant(true, "lip-teeth", "fricative"),
  TH: consonant(false, "teeth", "fricative"),
  DH: consonant(true, "teeth", "fricative"),
  S: consonant(false, "ridge", "fricative"),
  Z: consonant(true, "ridge", "fricative"),
  SH: consonant(false, "behind-ridge", "fricative"),
  ZH: consonant(true, "behind-ridge", "fricative"),
  HH: consonant(false, "throat", "fricative"),
  M: consonant(true, "lips", "nasal"),
  N: consonant(true, "ridge", "nasal"),
  NG: consonant(true, "soft-palate", "nasal"),
  L: consonant(true, "ridge", "lateral"),
  R: consonant(true, "behind-ridge", "approximant"),
  W: consonant(true, "round-lips", "approximant"),
  Y: consonant(true, "palate", "approximant"),

  IY: vowel(5, "front", { long: true }),
  IH: vowel(4, "front"),
  EY: vowel(3, "front", { long: true, glide: "ee" }),
  EH: vowel(2, "front"),
  AE: vowel(1, "front"),
  AA: vowel(0, "back", { long: true }),
  AO: vowel(2, "back", { rounded: true, long: true }),
  OW: vowel(3, "back", { rounded: true, long: true, glide: "oo" }),
  UH: vowel(4, "back", { rounded: true }),
  UW: vowel(5, "back", { rounded: true, long: true }),
  AH: vowel(2, "central"),
  ER: vowel(3, "central", { long: true, rhotic: true }),
  AY: vowel(0, "central", { long: true, glide: "ee" }),
  AW: vowel(0, "central", { long: true, glide: "oo" }),
  OY: vowel(2, "back", { rounded: true, long: true, glide: "ee" }),
};

/** Undefined for a phone that is not of American English. */
export function articulationOf(phone: string): Articulation | undefined {
  return articulations[phone];
}

/** In what two sounds differ; a vowel and a consonant in their manner. */
export function featuresThatDiffer(a: Articulation, b: Articulation): PhoneFeature[] {
  const differs: PhoneFeature[] = [];
  if (a.kind === "consonant" && b.kind === "consonant") {
    if (a.place !== b.place) differs.push("place");
    if (a.manner !== b.manner) differs.push("manner");
    if (a.voiced !== b.voiced) differs.push("voicing");
  } else if (a.kind === "vowel" && b.kind === "vowel") {
    if (a.rhotic !== b.rhotic) differs.push("rhoticity");
    if (a.glide !== b.glide) differs.push("glide");
    if (a.rounded !== b.rounded) differs.push("rounding");
    if (a.backness !== b.backness) differs.push("backness");
    if (a.height !== b.height) differs.push("height");
    if (a.long !== b.long) differs.push("length");
  } else differs.push("manner");
  return differs;
}
