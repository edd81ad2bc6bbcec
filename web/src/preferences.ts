import { type FirstLanguage, firstLanguages, type PhoneAlphabet } from "#protocol";

/** How sounds may be written here. */
export const alphabets = ["IPA", "respelling", "ARPABET"] as const satisfies PhoneAlphabet[];
export type Alphabet = (typeof alphabets)[number];
/** When judgements are shown, as `drill.start` takes it. */
export const paces = ["live", "word", "sentence"] as const;
export type Pace = (typeof paces)[number];

export type Wishes = {
  readonly alphabet: Alphabet;
  readonly pace: Pace;
  readonly firstLanguage: FirstLanguage | null;
  /** The language one practises, by its BCP 47 tag. */
  readonly language: string;
};

const KEY = "parlance.preferences";
const usual: Wishes = { alphabet: "IPA", pace: "live", firstLanguage: null, language: "en" };

/** What one likes in this browser, kept for the next visit. */
export class Preferences {
  readonly #listeners = new Set<() => void>();
  #wishes = load();

  readonly snapshot = (): Wishes => this.#wishes;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  change(wishes: Partial<Wishes>): void {
    this.#wishes = { ...this.#wishes, ...wishes };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#wishes));
    } catch {
      // A browser that keeps nothing: they hold until the page is closed.
    }
    for (const listener of [...this.#listeners]) listener();
  }
}

/** What was kept, as far as it still means something. */
function load(): Wishes {
  let kept: Partial<Record<keyof Wishes, unknown>> = {};
  try {
    kept = Object(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  } catch {
    // No storage, or not ours.
  }
  const known = <T>(values: readonly T[], value: unknown) => values.find((each) => each === value);
  return {
    alphabet: known(alphabets, kept.alphabet) ?? usual.alphabet,
    pace: known(paces, kept.pace) ?? usual.pace,
    firstLanguage: known(Object.keys(firstLanguages) as FirstLanguage[], kept.firstLanguage) ?? usual.firstLanguage,
    language: typeof kept.language === "string" ? kept.language : usual.language,
  };
}
