/** Which of a pack's classes make syllables. */
export interface Vowels {
  all: readonly number[];
  /** Those that unstressed vowels turn into. */
  reduced: readonly number[];
}

/** The vowels among ARPAbet's phones: those that begin with a vowel's letter. */
export function vowelsOf(phones: readonly string[]): Vowels {
  const classes = (pattern: RegExp): number[] => phones.flatMap((phone, c) => (pattern.test(phone) ? c : []));
  return { all: classes(/^[AEIOU]/), reduced: classes(/^(AH|IH)$/) };
}
