import type { FirstLanguage } from "#protocol";

/**
 * How speakers of a first language often say English sounds: after each expected phone what it becomes. Where several are
 * known they stand in no order. The sources name the sounds that are missing or merged, and we wrote them as phones of
 * American English, the nearest ones where the learner's sound is none of them.
 */
const confusions: Record<FirstLanguage, { source: string; said: Record<string, string> }> = {
  ar: {
    source: "Bernard Smith, “Arabic speakers”, in Swan & Smith (eds.), Learner English, 2nd ed., Cambridge 2001",
    said: {
      ...{ P: "B", B: "P", V: "F", F: "V", TH: "S T", DH: "Z D", CH: "SH", JH: "ZH", ZH: "JH", G: "K JH", NG: "N G" },
      ...{ IH: "EH IY", EH: "IH AE", AH: "AA AE", UH: "UW", EY: "EH", OW: "AO", AO: "OW AA" },
    },
  },
  cs: {
    source:
      "Skarnitzl & Rumlová, “Phonetic aspects of strongly-accented Czech speakers of English”, AUC Philologica 2019(2), 109–128 (open vowels, NG); the sounds that Czech lacks or devoices after Šimáčková, Podlipský & Chládková, “Czech spoken in Bohemia and Moravia”, JIPA 42(2), 2012",
    said: {
      ...{ TH: "S T F", DH: "D Z", W: "V", V: "W F", NG: "N G K", B: "P", D: "T", G: "K", Z: "S", ZH: "SH", JH: "CH" },
      ...{ AE: "EH", EH: "AE", AH: "AA", AA: "AO", IH: "IY", IY: "IH", UH: "UW", UW: "UH", ER: "EH" },
    },
  },
  de: {
    source: "Michael Swan, “German speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "S F", DH: "Z D", W: "V", V: "W F", Z: "S", ZH: "SH", JH: "CH", B: "P", D: "T", G: "K" },
      ...{ AE: "EH", EH: "AE", AH: "AA AE", EY: "EH", OW: "AO", AO: "OW", AA: "AO" },
    },
  },
  es: {
    source: "Norman Coe, “Speakers of Spanish and Catalan”, in Learner English (2001)",
    said: {
      ...{ V: "B", B: "V", Z: "S", ZH: "SH", SH: "CH S", CH: "SH", JH: "Y CH", Y: "JH", TH: "S T", DH: "D", D: "DH" },
      ...{ NG: "N", M: "N", W: "G", IH: "IY", IY: "IH", AE: "AA EH", AH: "AA AE", UH: "UW", UW: "UH" },
      ...{ AO: "OW", OW: "AO", ER: "EH" },
    },
  },
  fr: {
    source: "Catherine Walter, “French speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "S F T", DH: "Z D V", CH: "SH", JH: "ZH", NG: "N G", IH: "IY", IY: "IH", AE: "AA AH", AH: "AA AE" },
      ...{ UH: "UW", UW: "UH", EY: "EH", OW: "AO", AO: "OW" },
    },
  },
  hi: {
    source: "Christopher Shackle, “Speakers of South Asian languages”, in Learner English (2001)",
    said: {
      ...{ V: "W", W: "V", TH: "T", DH: "D", F: "P", Z: "JH S", ZH: "JH Z SH", SH: "S", P: "B", T: "D", K: "G" },
      ...{ AE: "EH", EH: "AE EY", EY: "EH", OW: "AO", AO: "AA OW", AH: "AA" },
    },
  },
  it: {
    source: "Alison Duguid, “Italian speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "T S F", DH: "D", Z: "S", S: "Z", ZH: "JH", NG: "N G", IH: "IY", IY: "IH", AE: "EH", EH: "AE" },
      ...{ AH: "AA AE", UH: "UW", UW: "UH", AO: "OW", OW: "AO", ER: "EH" },
    },
  },
  ja: {
    source: "Ian Thompson, “Japanese speakers”, in Learner English (2001)",
    said: {
      ...{ R: "L", L: "R", TH: "S T", DH: "Z D", V: "B", F: "HH", HH: "F", S: "SH", SH: "S", T: "CH", D: "JH" },
      ...{ Z: "JH", ZH: "JH", N: "NG", NG: "N G", IH: "IY", IY: "IH", AE: "AH AA EH", AH: "AA AE", ER: "AA AH" },
      ...{ UH: "UW", UW: "UH", OW: "AO", AO: "OW" },
    },
  },
  ko: {
    source: "Jung Ae Lee, “Korean speakers”, in Learner English (2001)",
    said: {
      ...{
        F: "P",
        V: "B",
        TH: "S T",
        DH: "D",
        Z: "JH S",
        ZH: "JH SH",
        R: "L",
        L: "R",
        B: "P",
        D: "T",
        G: "K",
        JH: "CH",
      },
      ...{ IH: "IY", IY: "IH", AE: "EH", EH: "AE", UH: "UW", UW: "UH", AO: "OW", OW: "AO", AH: "AA AO" },
    },
  },
  pl: {
    source: "Grzegorz Śpiewak & Lucyna Gołębiowska, “Polish speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "S T F", DH: "D Z V", W: "V", V: "F", NG: "N K", B: "P", D: "T", G: "K", Z: "S", ZH: "SH", JH: "CH" },
      ...{ IH: "IY", IY: "IH", AE: "EH", EH: "AE", AH: "AA", UH: "UW", UW: "UH", OW: "AO", AO: "OW", ER: "EH" },
    },
  },
  pt: {
    source: "David Shepherd, “Portuguese speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "T S F", DH: "D Z", T: "CH", D: "JH", CH: "SH", JH: "ZH", R: "HH", L: "W UH", NG: "N", Z: "S" },
      ...{ IH: "IY", IY: "IH", AE: "EH", EH: "AE", UH: "UW", UW: "UH", AH: "AA AE", ER: "EH" },
    },
  },
  ru: {
    source: "Bruce Monk & Alexander Burak, “Russian speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "S F T", DH: "Z D", W: "V", V: "W F", NG: "N G", B: "P", D: "T", G: "K", Z: "S", ZH: "SH", JH: "CH" },
      ...{ IH: "IY", IY: "IH", AE: "EH", EH: "AE", UH: "UW", UW: "UH", AH: "AA", AA: "AO", OW: "AO", AO: "OW" },
    },
  },
  tr: {
    source: "Ian Thompson, “Turkish speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "T S", DH: "D Z", W: "V", V: "W", NG: "N G", B: "P", D: "T", G: "K", Z: "S", JH: "CH" },
      ...{ AE: "EH", EH: "AE", IH: "IY", IY: "IH", UH: "UW", UW: "UH", AH: "AA", OW: "AO", AO: "OW" },
    },
  },
  zh: {
    source: "Jung Chang, “Chinese speakers”, in Learner English (2001)",
    said: {
      ...{ TH: "S T F", DH: "D Z", V: "W F", Z: "S", ZH: "SH R", JH: "CH", B: "P", D: "T", G: "K", R: "L W", L: "R N" },
      ...{ N: "L NG", NG: "N", IH: "IY", IY: "IH", AE: "EH", EH: "AE", UH: "UW", UW: "UH", AH: "AA", EY: "EH" },
      ...{ OW: "AO", AO: "OW" },
    },
  },
};

/** Whether speakers of that language often say `heard` for `phone`. */
export function isTypical(language: FirstLanguage, phone: string, heard: string): boolean {
  return confusions[language].said[phone]?.split(" ").includes(heard) ?? false;
}

/** Every pair of the table, for tests and for documentation. */
export function typicalPairs(language: FirstLanguage): { source: string; pairs: [phone: string, heard: string][] } {
  const { source, said } = confusions[language];
  const pairs = Object.entries(said).flatMap(([phone, heard]) =>
    heard.split(" ").map((one): [string, string] => [phone, one]),
  );
  return { source, pairs };
}
