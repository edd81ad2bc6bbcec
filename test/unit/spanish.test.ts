import assert from "node:assert/strict";
import { test } from "node:test";
import { Lexicon } from "../../src/phonemes/lexicon.ts";

const lexicon = new Lexicon({ modelDir: "", kind: "spanish" });
/** All ways to say each word of a text. */
const said = async (text: string): Promise<string[][]> =>
  (await lexicon.words(text)).map(({ pronunciations }) => pronunciations.map((phones) => phones.join(" ")));

/** Words and how they are said, by what they show of the spelling. */
const words: Record<string, Record<string, string>> = {
  "h is silent": { hola: "o l a", ahora: "a o r a", alcohol: "a l k o o l" },
  "hue and hie": { hueso: "w e s o", huevo: "w e b o", hielo: "y e l o", hierba: "y e r b a" },
  "c and qu": { casa: "k a s a", queso: "k e s o", quien: "k j e n", club: "k l u b", acción: "a k s j o n" },
  "g and gu": { gato: "g a t o", guerra: "g e rr a", guitarra: "g i t a rr a", agua: "a g w a", gente: "x e n t e" },
  gü: { pingüino: "p i n g w i n o", vergüenza: "b e r g w e n s a", cigüeña: "s i g w e ny a" },
  "j and x": { jirafa: "x i r a f a", examen: "e k s a m e n", taxi: "t a k s i", méxico: "m e x i k o" },
  "r and rr": {
    pero: "p e r o",
    perro: "p e rr o",
    rosa: "rr o s a",
    honra: "o n rr a",
    alrededor: "a l rr e d e d o r",
  },
  "ll, y and ñ": { calle: "k a y e", yo: "y o", rey: "rr e j", leyes: "l e y e s", niño: "n i ny o", y: "i" },
  "b and v": { vaca: "b a k a", boca: "b o k a", invierno: "i m b j e r n o" },
  "ch and sh": { chico: "ch i k o", noche: "n o ch e" },
  diphthongs: { tierra: "t j e rr a", aire: "a j r e", ciudad: "s j u d a d", causa: "k a w s a", ruido: "rr w i d o" },
  hiatus: { día: "d i a", río: "rr i o", maíz: "m a i s", baúl: "b a u l", poeta: "p o e t a", leer: "l e e r" },
  "accents change no sound": { árbol: "a r b o l", él: "e l", "¿qué?": "k e", ÁRBOL: "a r b o l" },
  foreign: { web: "w e b", kilo: "k i l o", señor: "s e ny o r", psicología: "s i k o l o x i a" },
};
for (const [what, list] of Object.entries(words))
  test(`[SCORE-62] Spanish spelling: ${what}`, async () => {
    for (const [word, expected] of Object.entries(list)) assert.equal((await said(word))[0]?.[0], expected, word);
  });

test("[SCORE-62] z and c are said as in Latin America or as in Spain, one way throughout a word", async () => {
  assert.deepEqual(await said("cereza"), [["s e r e s a", "th e r e th a"]]);
  assert.deepEqual(await said("escena"), [["e s e n a", "e s th e n a"]]);
  assert.deepEqual(await said("casa"), [["k a s a"]]);
  assert.deepEqual(await said("extraño"), [["e s t r a ny o", "e k s t r a ny o"]]);
});

test("[SCORE-62] numbers, abbreviations, signs and letters are read in Spanish", async () => {
  const same = async (written: string, spoken: string) => {
    const phones = (await said(spoken)).map((ways) => ways[0]).join(" ");
    const ways = (await said(written)).map((one) => one);
    assert.ok(ways[0]?.includes(phones), `${written}: ${ways[0]} but not ${phones}`);
  };
  await same("16", "dieciséis");
  await same("21", "veintiún");
  await same("100", "cien");
  await same("101", "ciento uno");
  await same("1.234", "mil doscientos treinta y cuatro");
  await same("2026", "dos mil veintiséis");
  await same("1000000", "un millón");
  await same("200", "doscientas");
  await same("3,5", "tres coma cinco");
  await same("20%", "veinte por ciento");
  await same("5€", "cinco euros");
  await same("$1", "un dólar");
  await same("1º", "primero");
  await same("3:30", "tres y media");
  await same("Sra.", "señora");
  await same("etc.", "etcétera");
  await same("&", "y");
  await same("DVD", "de uve de");
});

test("[SCORE-62] what can't be said in Spanish is refused by name", async () => {
  await assert.rejects(lexicon.words("hola 你好"), (error: { code: string; details?: unknown }) => {
    assert.equal(error.code, "WORD_UNPRONOUNCEABLE");
    assert.deepEqual(error.details, { word: "你好" });
    return true;
  });
  await assert.rejects(lexicon.words(" "), { code: "TEXT_EMPTY" });
});

test("[SCORE-62] every word of Spanish letters has a sound, or is refused, and never another phone than the pack's", async () => {
  const letters = "abcdefghijklmnñopqrstuvwxyzáéíóúü'-.1€";
  const phones = new Set("a b ch d e f g i j k l m n ny o p r rr s t th u w x y".split(" "));
  let state = 7;
  const next = (limit: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state % limit;
  };
  for (let i = 0; i < 2_000; i++) {
    const word = Array.from({ length: 1 + next(10) }, () => letters[next(letters.length)]).join("");
    const ways = await said(word).catch((error: { code: string }) => {
      assert.ok(["WORD_UNPRONOUNCEABLE", "TEXT_EMPTY"].includes(error.code), `${word}: ${error}`);
      return [];
    });
    for (const way of ways.flat()) for (const phone of way.split(" ")) assert.ok(phones.has(phone), `${word}: ${way}`);
  }
});
