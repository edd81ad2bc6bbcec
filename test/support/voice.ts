import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export type Voice = "slt" | "rms" | "kal16" | "espeak" | "spanish" | "castilian";

const run = promisify(execFile);
/** The Spanish ones are variants that the Spanish pack was not trained on. */
const espeakVoices: Partial<Record<Voice, string>> = {
  espeak: "en-us",
  spanish: "es-419+m7",
  castilian: "es+f5",
};

/** Speaks `text` with a speech synthesiser of the system (flite or espeak-ng; needs sox too). Returns 16 kHz mono samples. */
export async function synthesise(text: string, options: { voice?: Voice } = {}): Promise<Int16Array> {
  const voice = options.voice ?? "slt";
  const dir = await mkdtemp(join(tmpdir(), "parlance-voice-"));
  try {
    const wav = join(dir, "a.wav");
    const raw = join(dir, "a.s16");
    const espeak = espeakVoices[voice];
    if (espeak) await run("espeak-ng", ["-v", espeak, "-s", "150", "-w", wav, text]);
    else await run("flite", ["-voice", voice, "-t", text, "-o", wav]);
    await run("sox", ["-D", wav, "-r", "16000", "-c", "1", "-b", "16", "-e", "signed", "-t", "raw", raw]);
    const bytes = await readFile(raw);
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~1)));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
