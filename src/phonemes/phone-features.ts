import type { PhoneFeature } from "#protocol";

export type Consonant = {
  kind: "consonant";
  voiced: boolean;
  place:
    | "lips"
    | "lip-teeth"
    | "teeth"
    | "back-of-teeth"
    | "ridge"
    | "behind-ridge"
    | "palate"
    | "soft-palate"
    | "throat"
    | "round-lips";
  manner: "stop" | "fricative" | "affricate" | "nasal" | "approximant" | "lateral" | "tap" | "trill";
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
const english: Record<string, Articulation> = {
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

/** How the phones of Spanish are made, after Martínez-Celdrán, Fernández-Planas & Carrera-Sabaté, “Castilian Spanish”, JIPA 33(2), 2003. */
const spanish: Record<string, Articulation> = {
  p: consonant(false, "lips", "stop"),
  b: consonant(true, "lips", "stop"),
  t: consonant(false, "back-of-teeth", "stop"),
  d: consonant(true, "back-of-teeth", "stop"),
  k: consonant(false, "soft-palate", "stop"),
  g: consonant(true, "soft-palate", "stop"),
  ch: consonant(false, "behind-ridge", "affricate"),
  f: consonant(false, "lip-teeth", "fricative"),
  th: consonant(false, "teeth", "fricative"),
  s: consonant(false, "ridge", "fricative"),
  x: consonant(false, "soft-palate", "fricative"),
  y: consonant(true, "palate", "fricative"),
  m: consonant(true, "lips", "nasal"),
  n: consonant(true, "ridge", "nasal"),
  ny: consonant(true, "palate", "nasal"),
  l: consonant(true, "ridge", "lateral"),
  r: consonant(true, "ridge", "tap"),
  rr: consonant(true, "ridge", "trill"),
  w: consonant(true, "round-lips", "approximant"),
  j: consonant(true, "palate", "approximant"),

  i: vowel(5, "front"),
  e: vowel(3, "front"),
  a: vowel(0, "central"),
  o: vowel(3, "back", { rounded: true }),
  u: vowel(5, "back", { rounded: true }),
};

/** Of a phone by its pack's name, which for English is in capitals and for Spanish is not; undefined for any other. */
export function articulationOf(phone: string): Articulation | undefined {
  return english[phone] ?? spanish[phone];
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
