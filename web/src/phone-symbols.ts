/** ARPAbet, which the scorer speaks, as what a learner knows: the IPA sign and a word that has the sound. */
const symbols: Record<string, readonly [ipa: string, as: string]> = {
  AA: ["ɑ", "father"],
  AE: ["æ", "cat"],
  AH: ["ʌ", "cup"],
  AO: ["ɔ", "law"],
  AW: ["aʊ", "cow"],
  AY: ["aɪ", "my"],
  B: ["b", "bed"],
  CH: ["tʃ", "chair"],
  D: ["d", "day"],
  DH: ["ð", "this"],
  EH: ["ɛ", "red"],
  ER: ["ɝ", "bird"],
  EY: ["eɪ", "day"],
  F: ["f", "four"],
  G: ["ɡ", "go"],
  HH: ["h", "house"],
  IH: ["ɪ", "sit"],
  IY: ["i", "see"],
  JH: ["dʒ", "job"],
  K: ["k", "key"],
  L: ["l", "leg"],
  M: ["m", "man"],
  N: ["n", "no"],
  NG: ["ŋ", "sing"],
  OW: ["oʊ", "go"],
  OY: ["ɔɪ", "boy"],
  P: ["p", "pen"],
  R: ["ɹ", "red"],
  S: ["s", "sun"],
  SH: ["ʃ", "shoe"],
  T: ["t", "tea"],
  TH: ["θ", "think"],
  UH: ["ʊ", "good"],
  UW: ["u", "blue"],
  V: ["v", "very"],
  W: ["w", "we"],
  Y: ["j", "yes"],
  Z: ["z", "zoo"],
  ZH: ["ʒ", "vision"],
};

export function ipa(phone: string): string {
  return symbols[phone]?.[0] ?? phone.toLowerCase();
}

/** A word that has the sound, for those who don't read IPA. */
export function exampleOf(phone: string): string | undefined {
  return symbols[phone]?.[1];
}
