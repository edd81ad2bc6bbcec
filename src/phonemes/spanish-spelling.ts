/** Two ways to say what is written: `z` with s or th (Spain), `ks` before a consonant as s or in full. */
const CHOICES: Record<string, string[][]> = { z: [["s"], ["th"]], x: [["s"], ["k", "s"]] };

/** Letters and the phones that they stand for, the first rule that fits at a place counts. `<z>` and `<x>` are choices. */
const RULES: [letters: RegExp, phones: string][] = [
  [/[cs]h/y, "ch"],
  [/(?<!\p{L})ps/uy, "s"],
  [/ll/y, "y"],
  [/rr|(?<![^nls])r/y, "rr"],
  [/r/y, "r"],
  [/qu(?=[eiéí])|[kq]/y, "k"],
  [/gu(?=[eiéí])/y, "g"],
  [/gü/y, "g w"],
  [/g(?=[eiéí])|j/y, "x"],
  [/g/y, "g"],
  [/sc(?=[eiéí])/y, "s <z>"],
  [/c(?=[eiéí])|z/y, "<z>"],
  [/c/y, "k"],
  [/(?<!\p{L})x/uy, "s"],
  [/x(?=[^aeiouáéíóúh])/y, "<x>"],
  [/x/y, "k s"],
  [/ñ/y, "ny"],
  [/nv/y, "m b"],
  [/[bv]/y, "b"],
  // At a word's start "hie" begins as "ye" does.
  [/(?<!\p{L})hi(?=[eé])/uy, "y"],
  [/h/y, ""],
  [/y(?=[aeiouáéíóú])/y, "y"],
  // Next to another vowel i and u are glides, unless an accent says otherwise.
  [/i(?=h?[aeouáéóú])|(?<=[aeoáéó]h?)i|(?<=[aeouáéóú])y/y, "j"],
  [/u(?=h?[aeioáéíó])|(?<=[aeoáéó]h?)u|w/y, "w"],
  [/[aá]/y, "a"],
  [/[eé]/y, "e"],
  [/[iíy]/y, "i"],
  [/[oó]/y, "o"],
  [/[uúü]/y, "u"],
  [/[dflmnpst]/y, "$&"],
];

/** What no rule tells. */
const EXCEPTIONS: Record<string, string[]> = {
  muy: ["m u j", "m w i"],
  méxico: ["m e x i k o"],
  mexicano: ["m e x i k a n o"],
  mexicana: ["m e x i k a n a"],
  oaxaca: ["w a x a k a"],
  texas: ["t e x a s"],
};

/**
 * The ways to say a written Spanish word, the one of most speakers first (z as s, ll as y): its spelling tells them but for
 * the accent, which no phone has. `word` is in lower case, of the letters of Spanish; empty for what has no sound.
 */
export function spanishSounds(word: string): string[][] {
  const known = Object.hasOwn(EXCEPTIONS, word) ? EXCEPTIONS[word] : undefined;
  if (known) return known.map((phones) => phones.split(" "));
  const units = unitsOf(word);
  const choices = Object.entries(CHOICES).filter(([name]) => units.includes(`<${name}>`));
  const said = choices.reduce<string[][]>(
    (ways, [name, options]) =>
      ways.flatMap((way) => options.map((option) => way.flatMap((unit) => (unit === `<${name}>` ? option : [unit])))),
    [units],
  );
  return said.map(withoutDoubles).filter((phones) => phones.length > 0);
}

function unitsOf(word: string): string[] {
  const units: string[] = [];
  for (let at = 0; at < word.length; ) {
    const [length, phones] = match(word, at);
    if (phones !== "") units.push(...phones.split(" "));
    at += length;
  }
  return units;
}

function match(word: string, at: number): [length: number, phones: string] {
  for (const [letters, phones] of RULES) {
    letters.lastIndex = at;
    const found = letters.exec(word);
    if (found) return [found[0].length, phones === "$&" ? found[0] : phones];
  }
  return [1, ""];
}

/** "perenne" has one n, and "escena" one s where z is s; vowels are said twice. */
function withoutDoubles(phones: string[]): string[] {
  return phones.filter((phone, i) => phone !== phones[i - 1] || /^[aeiou]$/.test(phone));
}
