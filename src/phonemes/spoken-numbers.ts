const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SCALES = ["", "thousand", "million", "billion", "trillion"];
const ORDINALS: Record<string, string> = {
  one: "first",
  two: "second",
  three: "third",
  five: "fifth",
  eight: "eighth",
  nine: "ninth",
  twelve: "twelfth",
};
const CURRENCIES: Record<string, [one: string, many: string, hundredth: string]> = {
  $: ["dollar", "dollars", "cent"],
  "£": ["pound", "pounds", "penny"],
  "€": ["euro", "euros", "cent"],
  "¥": ["yen", "yen", "sen"],
};

const AMOUNT = /^([$£€¥])?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?(st|nd|rd|th|s|%)?$/;
const TIME = /^(\d{1,2}):([0-5]\d)$/;

/**
 * How a number is read in English, the usual way first: "1999" is "nineteen ninety nine" or "one thousand nine hundred
 * ninety nine". `undefined` for what is no number: `text` is in lower case, without spaces.
 */
export function readNumber(text: string): string[][] | undefined {
  const time = TIME.exec(text);
  if (time) return [readTime(Number(time[1]), Number(time[2]))];
  const amount = AMOUNT.exec(text);
  if (!amount) return undefined;
  const [, currency, grouped = "", fraction, suffix] = amount;
  const digits = grouped.replaceAll(",", "");
  if (currency) return suffix && suffix !== "%" ? undefined : [readMoney(currency, digits, fraction)];
  const point = fraction === undefined ? [] : ["point", ...readDigits(fraction)];
  if (suffix === "%") return [[...cardinal(digits), ...point, "percent"]];
  if (fraction !== undefined) return suffix ? undefined : [[...cardinal(digits), ...point]];
  const isYear = grouped === digits && /^(1[1-9]\d\d|20[1-9]\d)$/.test(digits);
  const readings = isYear ? [readYear(digits), cardinal(digits)] : [cardinal(digits)];
  if (suffix === "s") return readings.map((words) => ending(words, plural));
  if (suffix) return [ending(cardinal(digits), ordinal)];
  return readings;
}

function cardinal(digits: string): string[] {
  const number = Number(digits);
  // What is that long, or starts with zeros, is a code and read out by digits.
  if (digits.length > 15 || (digits.length > 1 && digits.startsWith("0"))) return readDigits(digits);
  if (number === 0) return ["zero"];
  const words: string[] = [];
  for (let scale = SCALES.length - 1; scale >= 0; scale--) {
    const part = Math.floor(number / 1_000 ** scale) % 1_000;
    if (part === 0) continue;
    words.push(...belowThousand(part));
    if (scale > 0) words.push(SCALES[scale] ?? "");
  }
  return words;
}

function belowThousand(number: number): string[] {
  const rest = number % 100;
  const hundreds = number >= 100 ? [ONES[Math.floor(number / 100)] ?? "", "hundred"] : [];
  return rest === 0 ? hundreds : [...hundreds, ...belowHundred(rest)];
}

function belowHundred(number: number): string[] {
  if (number < 20) return [ONES[number] ?? ""];
  const tens = TENS[Math.floor(number / 10)] ?? "";
  return number % 10 === 0 ? [tens] : [tens, ONES[number % 10] ?? ""];
}

function readYear(digits: string): string[] {
  const [century, rest] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (rest === 0) return [...belowHundred(century), "hundred"];
  return [...belowHundred(century), ...(rest < 10 ? ["oh"] : []), ...belowHundred(rest)];
}

function readTime(hour: number, minute: number): string[] {
  if (minute === 0) return [...belowHundred(hour), "o'clock"];
  return [...belowHundred(hour), ...(minute < 10 ? ["oh"] : []), ...belowHundred(minute)];
}

function readMoney(sign: string, digits: string, fraction: string | undefined): string[] {
  const [one, many, hundredth] = CURRENCIES[sign] ?? ["", "", ""];
  const whole = [...cardinal(digits), Number(digits) === 1 ? one : many];
  if (fraction === undefined) return whole;
  if (fraction.length !== 2) return [...cardinal(digits), "point", ...readDigits(fraction), many];
  const cents = Number(fraction);
  if (cents === 0) return whole;
  const unit = cents === 1 ? hundredth : hundredth === "penny" ? "pence" : `${hundredth}s`;
  return [...whole, "and", ...belowHundred(cents), unit];
}

function readDigits(digits: string): string[] {
  return [...digits].map((digit) => ONES[Number(digit)] ?? "");
}

function ending(words: string[], change: (word: string) => string): string[] {
  return [...words.slice(0, -1), change(words.at(-1) ?? "")];
}

function ordinal(word: string): string {
  return ORDINALS[word] ?? (word.endsWith("y") ? `${word.slice(0, -1)}ieth` : `${word}th`);
}

function plural(word: string): string {
  return word.endsWith("y") ? `${word.slice(0, -1)}ies` : word.endsWith("x") ? `${word}es` : `${word}s`;
}
