const ONES =
  "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve".split(
    " ",
  );
const TENS = "- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa".split(" ");
const HUNDREDS =
  "- ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos".split(" ");
const ORDINALS = "- primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo".split(" ");
const CURRENCIES: Record<string, [one: string, many: string]> = {
  $: ["dólar", "dólares"],
  "£": ["libra", "libras"],
  "€": ["euro", "euros"],
  "¥": ["yen", "yenes"],
};
const AMOUNT = /^([$£€¥])?(\d{1,3}(?:\.\d{3})+|\d+)(?:([.,])(\d+))?([$£€¥]|%|º|ª|o|a)?$/;
const TIME = /^(\d{1,2}):([0-5]\d)$/;

/**
 * How a number is read in Spanish, the usual way first; what agrees with a following word ("uno", "un", "una") in every
 * form. A point sets off thousands, or, with other than three digits behind it, a fraction as a comma does. `undefined`
 * for what is no number: `text` is in lower case, without spaces.
 */
export function readSpanishNumber(text: string): string[][] | undefined {
  const time = TIME.exec(text);
  if (time) return readTime(Number(time[1]), Number(time[2]));
  const amount = AMOUNT.exec(text);
  if (!amount) return undefined;
  const [, before, grouped = "", sign, fraction, after] = amount;
  const digits = grouped.replaceAll(".", "");
  const currency = CURRENCIES[before ?? after ?? ""];
  if (currency) return [readMoney(currency, digits, fraction)];
  const whole = cardinal(digits);
  if (after && after !== "%") return fraction === undefined ? [readOrdinal(digits, after)] : undefined;
  const rest = fraction === undefined ? [] : [sign === "," ? "coma" : "punto", ...readFraction(fraction)];
  if (after === "%") return [[...whole, ...rest, "por", "ciento"]];
  return fraction === undefined ? agreeing(whole) : [[...whole, ...rest]];
}

function cardinal(digits: string): string[] {
  // What is that long, or starts with zeros, is a code and read out by digits.
  if (digits.length > 12 || (digits.length > 1 && digits.startsWith("0")))
    return [...digits].map((digit) => ONES[Number(digit)] ?? "");
  const number = Number(digits);
  if (number === 0) return ["cero"];
  const millions = Math.floor(number / 1e6);
  return [
    ...(millions === 0 ? [] : millions === 1 ? ["un", "millón"] : [...shortened(belowMillion(millions)), "millones"]),
    ...belowMillion(number % 1e6),
  ];
}

function belowMillion(number: number): string[] {
  const thousands = Math.floor(number / 1_000);
  const head = thousands === 0 ? [] : thousands === 1 ? ["mil"] : [...shortened(belowThousand(thousands)), "mil"];
  return [...head, ...belowThousand(number % 1_000)];
}

function belowThousand(number: number): string[] {
  if (number === 0) return [];
  if (number === 100) return ["cien"];
  const rest = number % 100;
  const hundreds = number > 100 ? [HUNDREDS[Math.floor(number / 100)] ?? ""] : [];
  if (rest === 0) return hundreds;
  if (rest < 30) return [...hundreds, ONES[rest] ?? ""];
  const tens = TENS[Math.floor(rest / 10)] ?? "";
  return rest % 10 === 0 ? [...hundreds, tens] : [...hundreds, tens, "y", ONES[rest % 10] ?? ""];
}

/** Before a noun "uno" loses its end. */
function shortened(words: string[]): string[] {
  const last = words.at(-1) ?? "";
  return [...words.slice(0, -1), last === "veintiuno" ? "veintiún" : last.replace(/^uno$/, "un")];
}

function agreeing(words: string[]): string[][] {
  const feminine = words.map((word) =>
    word.replace(/(?<=un)o$|(?<=cient)os$|(?<=quinient)os$/, (end) => `a${end.slice(1)}`),
  );
  const forms = [words, shortened(words), feminine];
  return forms.filter((form, i) => forms.findIndex((other) => other.join() === form.join()) === i);
}

function readTime(hour: number, minute: number): string[][] {
  const hours = hour === 1 ? ["una"] : cardinal(String(hour));
  if (minute === 0) return [hours, [...hours, "en", "punto"]];
  const minutes = cardinal(String(minute));
  const named = minute === 30 ? [[...hours, "y", "media"]] : minute === 15 ? [[...hours, "y", "cuarto"]] : [];
  return [...named, [...hours, "y", ...minutes], [...hours, ...minutes]];
}

function readMoney([one, many]: [string, string], digits: string, fraction: string | undefined): string[] {
  const words = one === "libra" ? (agreeing(cardinal(digits)).at(-1) ?? []) : shortened(cardinal(digits));
  const round = /0{6}$/.test(digits) ? ["de"] : [];
  const whole = [...words, ...round, Number(digits) === 1 ? one : many];
  if (fraction === undefined || Number(fraction) === 0) return whole;
  return [...whole, "con", ...cardinal(String(Number(fraction.padEnd(2, "0"))))];
}

function readOrdinal(digits: string, ending: string): string[] {
  const ordinal = ORDINALS[Number(digits)];
  if (ordinal === undefined || Number(digits) === 0) return cardinal(digits);
  return [ending === "ª" || ending === "a" ? ordinal.replace(/o$/, "a") : ordinal];
}

function readFraction(digits: string): string[] {
  return digits.length <= 2 && !digits.startsWith("0")
    ? cardinal(digits)
    : [...digits].map((digit) => ONES[Number(digit)] ?? "");
}
