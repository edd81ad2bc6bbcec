import { z } from "zod";

/** First languages whose usual confusions are known, by the BCP 47 code that `drill.start` takes. */
export const firstLanguages = {
  ar: "Arabic",
  cs: "Czech",
  de: "German",
  es: "Spanish",
  fr: "French",
  hi: "Hindi",
  it: "Italian",
  ja: "Japanese",
  ko: "Korean",
  pl: "Polish",
  pt: "Portuguese",
  ru: "Russian",
  tr: "Turkish",
  zh: "Mandarin",
} as const;
export type FirstLanguage = keyof typeof firstLanguages;
export const firstLanguage = z.enum(Object.keys(firstLanguages) as [FirstLanguage, ...FirstLanguage[]]);
