import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppError } from "../../src/lib/app-error.ts";
import { Lexicon } from "../../src/phonemes/lexicon.ts";

const lexicon = new Lexicon({ modelDir: new URL("../../models/en", import.meta.url).pathname });
const phones = new Set(
  "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split(" "),
);

/** The canonical pronunciation of each word, as text. */
async function say(text: string): Promise<string[]> {
  return (await lexicon.words(text)).map((word) => word.pronunciations[0]?.join(" ") ?? "");
}
/** What a text sounds like in words that the dictionary holds. */
async function soundsLike(text: string, words: string): Promise<void> {
  assert.deepEqual((await say(text)).join(" "), (await say(words)).join(" "), text);
}
async function code(text: string): Promise<[string, unknown]> {
  const error = await lexicon.words(text).then(
    () => assert.fail(`"${text}" was read`),
    (caught: AppError) => caught,
  );
  return [error.code, error.details?.word];
}

test("[DRILL-1] words are those written, without the punctuation around them", async () => {
  const words = await lexicon.words("“Hello,” she said — and it's a well-known (old) joke...");
  assert.deepEqual(
    words.map((word) => word.text),
    ["Hello", "she", "said", "and", "it's", "a", "well-known", "old", "joke"],
  );
  assert.deepEqual(
    (await lexicon.words("Mr. Hill - yes.")).map((word) => word.text),
    ["Mr.", "Hill", "yes"],
  );
});

test("[DRILL-2] the dictionary's variants, four at the most, without stress", async () => {
  const [the, tomato] = await lexicon.words("The tomato");
  assert.deepEqual(the?.pronunciations, [
    ["DH", "AH"],
    ["DH", "IY"],
  ]);
  assert.equal(tomato?.pronunciations.length, 2);
  for (const word of await lexicon.words("and our with often either because 1,234,567 $2.50 read"))
    assert.ok(word.pronunciations.length >= 1 && word.pronunciations.length <= 4);
});

test("[DRILL-2] numbers, amounts, times and ordinals are read as in speech", async () => {
  await soundsLike("0 7 13 20 21 100 105", "zero seven thirteen twenty twenty one one hundred one hundred five");
  await soundsLike("1,000,001", "one million one");
  await soundsLike("1999", "nineteen ninety nine");
  await soundsLike("1905 2000 2005 2024", "nineteen oh five two thousand two thousand five twenty twenty four");
  await soundsLike("1990s", "nineteen nineties");
  await soundsLike("1st 2nd 3rd 12th 20th 21st", "first second third twelfth twentieth twenty first");
  await soundsLike("3.14 50% -5", "three point one four fifty percent five");
  await soundsLike("$5 $1 £3.50 €0.01", "five dollars one dollar three pounds and fifty pence zero euros and one cent");
  await soundsLike("7:05 10:30 9:00", "seven oh five ten thirty nine o'clock");
  await soundsLike("007", "zero zero seven");
  await soundsLike("B2B MP3 1.2.3", "be two be m p three one two three");
});

test("[DRILL-2] abbreviations and initialisms", async () => {
  await soundsLike("Mr. Mrs. Dr. vs. etc. & e.g.", "mister missus doctor versus et cetera and for example");
  await soundsLike("the BBC, the NPM and HTTPX", "the b b c the n p m and h t t p x");
  await soundsLike("X.Y.Z.", "x y z");
  // In a text all in capitals, capitals say nothing.
  await soundsLike("THE CAT SAT", "the cat sat");
});

test("[DRILL-2] unknown words by their letters, with their endings", async () => {
  const [name, possessive, café, compound] = await say("Zorblat Zorblat's café zorblat-cat");
  assert.equal(possessive, `${name} S`);
  assert.equal(café, (await say("cafe"))[0]);
  assert.equal(compound, `${name} K AE T`);
  assert.match(name ?? "", /^Z AO R B L/);
  assert.equal((await say("Brillig’s dogs’"))[1], (await say("dogs"))[0]);
});

test("[DRILL-3] what can't be read, each with its own code", async () => {
  assert.deepEqual(await code(""), ["TEXT_EMPTY", undefined]);
  assert.deepEqual(await code(" \n\t "), ["TEXT_EMPTY", undefined]);
  assert.deepEqual(await code("你好"), ["WORD_UNPRONOUNCEABLE", "你好"]);
  assert.deepEqual(await code("hello привет, world"), ["WORD_UNPRONOUNCEABLE", "привет"]);
  assert.deepEqual(await code("---"), ["WORD_UNPRONOUNCEABLE", "---"]);
  assert.equal((await code("word ".repeat(10_000)))[0], "TEXT_TOO_LONG");
  assert.equal((await code("a ".repeat(61)))[0], "TEXT_TOO_LONG");
  assert.equal((await code("b".repeat(501)))[0], "TEXT_TOO_LONG");
  assert.equal((await code("777777777777777 ".repeat(30)))[0], "TEXT_TOO_LONG");
  assert.equal((await lexicon.words("a ".repeat(60))).length, 60);
});

test("[DRILL-2] whatever is typed is read in known phones or refused with a code", async () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const alphabet = [
    ..."abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 .,'’-–—/$£%&@+=()\"!?:;éßæ你я😀\u0000\u200b\ud800constructor__proto__",
  ];
  for (let round = 0; round < 400; round++) {
    const text = Array.from({ length: random(40) }, () => alphabet[random(alphabet.length)]).join("");
    try {
      for (const { pronunciations } of await lexicon.words(text)) {
        assert.ok(pronunciations.length > 0);
        for (const pronunciation of pronunciations)
          assert.ok(
            pronunciation.length > 0 && pronunciation.every((phone) => phones.has(phone)),
            JSON.stringify(text),
          );
      }
    } catch (error) {
      assert.match((error as AppError).code ?? String(error), /^(TEXT_|WORD_)/, JSON.stringify(text));
    }
  }
  assert.ok((await say("constructor toString __proto__")).every((said) => said.length > 0));
});

test("[SCORE-43] of words with several syllables the stressed one is known, by pronunciation", async () => {
  const stress = async (text: string) => (await lexicon.words(text)).map((word) => word.stress?.[0]);
  assert.deepEqual(await stress("vegetables banana hello education"), [0, 1, 1, 2]);
  // One syllable, several main stresses, one spelling with two stresses, and sounds made up from the letters.
  assert.deepEqual(await stress("cat rock-climbing permit blimflorpy"), [-1, -1, -1, -1]);
  assert.deepEqual(await stress("Washington's 2041"), [0, -1]);
  const [record] = await lexicon.words("record");
  assert.deepEqual(
    record?.pronunciations.map((phones, i) => `${phones.join(" ")} ${record.stress?.[i]}`),
    ["R AH K AO R D 1", "R EH K ER D 0", "R IH K AO R D 1"],
  );
});
