import { spawn } from "node:child_process";
import { limits } from "#protocol";
import type { ReferenceVoice, Utterance, WavFile } from "../drills/ports.ts";
import { AppError } from "../lib/app-error.ts";

const COMMAND = "espeak-ng";
/** Words per minute at speed 1: a calm reading; its own default is 175. */
const WORDS_PER_MINUTE = 150;
/** espeak-ng makes a minute of speech in well under a second; on a machine that is fully busy it may take its time. */
const LIMIT_MS = 10_000;
/** The WAV that it writes: this head, then 16-bit mono PCM at this rate. */
const HEAD_BYTES = 44;
const SAMPLE_RATE = 22_050;
const MOST_BYTES = HEAD_BYTES + (limits.referenceMs / 1_000) * SAMPLE_RATE * 2;

/** A language pack's phones by the names that espeak-ng has for them in that language, as it gives them for example words. */
type PhoneNames = { vowels: Record<string, string>; consonants: Record<string, string>; open: string };
const phoneNames: Record<string, PhoneNames> = {
  en: {
    vowels: {
      ...{ AA: "A:", AE: "a", AH: "V", AO: "O:", AW: "aU", AY: "aI", EH: "E", ER: "3:", EY: "eI", IH: "I", IY: "i:" },
      ...{ OW: "oU", OY: "OI", UH: "U", UW: "u:" },
    },
    consonants: {
      ...{ B: "b", CH: "tS", D: "d", DH: "D", F: "f", G: "g", HH: "h", JH: "dZ", K: "k", L: "l", M: "m", N: "n" },
      ...{ NG: "N", P: "p", R: "r", S: "s", SH: "S", T: "t", TH: "T", V: "v", W: "w", Y: "j", Z: "z", ZH: "Z" },
    },
    open: "A:",
  },
  es: {
    vowels: { a: "a", e: "e", i: "i", o: "o", u: "u" },
    consonants: {
      ...{ b: "b", ch: "tS", d: "d", f: "f", g: "g", j: "j", k: "k", l: "l", m: "m", n: "n", ny: "n^", p: "p" },
      ...{ r: "*", rr: "R2", s: "s", t: "t", th: "T", w: "w", x: "x", y: "J^" },
    },
    open: "a",
  },
};

/** The system's espeak-ng: a process for each utterance, text by its standard input, no shell. */
export class EspeakVoice implements ReferenceVoice {
  readonly languages: readonly string[];
  readonly #voices: ReadonlyMap<string, string>;

  readonly #limitMs: number;

  private constructor(voices: ReadonlyMap<string, string>, limitMs: number) {
    this.#voices = voices;
    this.#limitMs = limitMs;
    this.languages = [...voices.keys()];
  }

  /**
   * Those of the named voices that are installed, `en-us` for `en` and so on; undefined where there is none of them, or no
   * espeak-ng at all. An utterance that takes longer than `limitMs` to make fails.
   */
  static async find(names: readonly string[], limitMs = LIMIT_MS): Promise<EspeakVoice | undefined> {
    const voices = new Map<string, string>();
    for (const name of names) {
      const found = await run(["-q", "-v", name, "--stdin"], "a", limitMs).then(
        () => true,
        () => false,
      );
      const language = name.split("-", 1)[0] as string;
      if (found && !voices.has(language)) voices.set(language, name);
    }
    return voices.size > 0 ? new EspeakVoice(voices, limitMs) : undefined;
  }

  async speak(what: Utterance, { language, speed }: { language: string; speed: number }): Promise<WavFile> {
    const voice = this.#voices.get(language);
    if (!voice) throw new AppError("REFERENCE_VOICE_UNAVAILABLE");
    const rate = String(Math.round(WORDS_PER_MINUTE * speed));
    const input = "text" in what ? plain(what.text) : `[[${phoneInput(language, what.phones)}]]`;
    const wav = await run(["-v", voice, "-s", rate, "-b", "1", "--stdin", "--stdout"], input, this.#limitMs);
    return withLengths(wav);
  }
}

/** Text in which espeak-ng finds no phone names: those stand between double brackets. */
function plain(text: string): string {
  return text.replace(/[[\]]+/g, " ");
}

/** Phones as espeak-ng reads them between double brackets, the first vowel stressed. @throws AppError INVALID_REQUEST */
function phoneInput(language: string, phones: readonly string[]): string {
  const { vowels, consonants, open } = phoneNames[language] ?? { vowels: {}, consonants: {}, open: "" };
  const names = phones.map((phone) => {
    const name = Object.hasOwn(vowels, phone) ? vowels[phone] : Object.hasOwn(consonants, phone) && consonants[phone];
    if (name) return name;
    const problem = `no phone ${phone} of ${language} is known here`;
    throw new AppError("INVALID_REQUEST", "There is no such phone.", { path: "phones", problem });
  });
  const stressed = phones.findIndex((phone) => Object.hasOwn(vowels, phone));
  // Consonants can't be heard by themselves: of 24 our own recogniser knows 14 between two vowels, 8 before a schwa, 2 alone.
  if (stressed < 0) return [open, ...names, `'${open}`].join("|");
  return names.map((name, i) => (i === stressed ? `'${name}` : name)).join("|");
}

/** @throws AppError TEXT_TOO_LONG, TIMEOUT or UNAVAILABLE */
function run(args: string[], input: string, limitMs: number): Promise<Buffer<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const child = spawn(COMMAND, args, { stdio: ["pipe", "pipe", "ignore"] });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const giveUp = (error: AppError) => {
      child.kill("SIGKILL");
      reject(error);
    };
    const timer = setTimeout(() => giveUp(new AppError("TIMEOUT")), limitMs);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) giveUp(new AppError("TEXT_TOO_LONG", "This takes too long to say."));
      else chunks.push(chunk);
    });
    // One that ends before it has read everything says why by its status.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", (error) => reject(failure(error.message)));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(failure(`it ended with ${code ?? signal}`));
    });
  });
}

/** The file with the lengths in its head set: a stream's head is written before they are known (Microsoft RIFF specification). */
function withLengths(wav: Buffer<ArrayBuffer>): WavFile {
  const head = wav.length > HEAD_BYTES && wav.toString("latin1", 0, 4) === "RIFF" && wav.toString("latin1", 36, 40);
  if (head !== "data") throw failure("it made no audio");
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.writeUInt32LE(wav.length - HEAD_BYTES, 40);
  return wav;
}

function failure(why: string): AppError {
  return new AppError("UNAVAILABLE", `The reference voice failed: ${why}.`);
}
