/** How phones are written: ARPAbet (as the protocol has them), IPA, SAPI's names, or a respelling for learners. */
export type PhoneAlphabet = "ARPABET" | "IPA" | "SAPI" | "respelling";

/** ARPAbet, which the scorer speaks, as what a learner knows: the IPA sign, a word that has the sound, and a respelling. */
const symbols: Record<string, readonly [ipa: string, as: string, respelling: string]> = {
  AA: ["ɑ", "father", "ah"],
  AE: ["æ", "cat", "a"],
  AH: ["ʌ", "cup", "uh"],
  AO: ["ɔ", "law", "aw"],
  AW: ["aʊ", "cow", "ow"],
  AY: ["aɪ", "my", "eye"],
  B: ["b", "bed", "b"],
  CH: ["tʃ", "chair", "ch"],
  D: ["d", "day", "d"],
  DH: ["ð", "this", "th(is)"],
  EH: ["ɛ", "red", "e"],
  ER: ["ɝ", "bird", "er"],
  EY: ["eɪ", "day", "ay"],
  F: ["f", "four", "f"],
  G: ["ɡ", "go", "g"],
  HH: ["h", "house", "h"],
  IH: ["ɪ", "sit", "i"],
  IY: ["i", "see", "ee"],
  JH: ["dʒ", "job", "j"],
  K: ["k", "key", "k"],
  L: ["l", "leg", "l"],
  M: ["m", "man", "m"],
  N: ["n", "no", "n"],
  NG: ["ŋ", "sing", "ng"],
  OW: ["oʊ", "go", "oh"],
  OY: ["ɔɪ", "boy", "oy"],
  P: ["p", "pen", "p"],
  R: ["ɹ", "red", "r"],
  S: ["s", "sun", "s"],
  SH: ["ʃ", "shoe", "sh"],
  T: ["t", "tea", "t"],
  TH: ["θ", "think", "th(ink)"],
  UH: ["ʊ", "good", "oo(k)"],
  UW: ["u", "blue", "oo"],
  V: ["v", "very", "v"],
  W: ["w", "we", "w"],
  Y: ["j", "yes", "y"],
  Z: ["z", "zoo", "z"],
  ZH: ["ʒ", "vision", "zh"],
};

export function ipa(phone: string): string {
  return symbols[phone]?.[0] ?? phone.toLowerCase();
}

/** A word that has the sound, for those who don't read IPA. */
export function exampleOf(phone: string): string | undefined {
  return symbols[phone]?.[1];
}

/** A phone in that alphabet; one that is not ARPAbet stays as it is, in lower case but for `ARPABET`. */
export function phoneIn(alphabet: PhoneAlphabet, phone: string): string {
  if (alphabet === "ARPABET") return phone;
  if (alphabet === "IPA") return ipa(phone);
  if (alphabet === "respelling") return symbols[phone]?.[2] ?? phone.toLowerCase();
  // SAPI's American English names are ARPAbet's in lower case but for this one.
  return phone === "HH" ? "h" : phone.toLowerCase();
}
