/** What the benches' speakers read, in turn. */
export const SENTENCES = [
  "She had your dark suit in greasy wash water all year",
  "The birch canoe slid on the smooth planks",
  "Please call Stella and ask her to bring these things",
  "The quick brown fox jumps over the lazy dog",
];
