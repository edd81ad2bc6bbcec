/** ARPAbet without stress, as the model knows it. */
const phones = new Set(
  "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split(" "),
);
/** What other phone sets split further, by the nearest phone of ours (TIMIT's names). */
const nearest: Record<string, string> = {
  AX: "AH",
  "AX-H": "AH",
  IX: "IH",
  AXR: "ER",
  UX: "UW",
  DX: "T",
  NX: "N",
  EM: "M",
  EN: "N",
  ENG: "NG",
  EL: "L",
  HV: "HH",
  OX: "AO",
};

/** `AH0_B` is AH: stress and position in the word taken off. Undefined for what the model has no phone for. */
export function knownPhone(name: string): string | undefined {
  const bare = name
    .replace(/_[BIES]$/, "")
    .replace(/[0-9*]+$/, "")
    .toUpperCase();
  return phones.has(bare) ? bare : nearest[bare];
}
