import type { ExpectedWord, Pronouncer } from "../drills/ports.ts";
import { AppError } from "../lib/app-error.ts";
import type { LanguagePack } from "./languages.ts";
import { Lexicon } from "./lexicon.ts";

/** A lexicon for each language that has a pack. */
export class Lexicons implements Pronouncer {
  readonly #byLanguage: ReadonlyMap<string, Lexicon>;

  /** Loads nothing yet: the first text in a language does. */
  constructor(packs: ReadonlyMap<string, LanguagePack>) {
    this.#byLanguage = new Map(
      [...packs].map(([language, { dir, lexicon }]) => [language, new Lexicon({ modelDir: dir, kind: lexicon })]),
    );
  }

  async words(text: string, language: string): Promise<ExpectedWord[]> {
    const lexicon = this.#byLanguage.get(language);
    if (!lexicon) throw new AppError("LANGUAGE_UNAVAILABLE");
    return lexicon.words(text);
  }
}
