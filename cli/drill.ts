import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Connection, type DrillEvent, DrillSession, request } from "#client";
import { azureAlphabet, toAzureAssessment } from "#protocol";
import { type Command, defaultUrl, failed } from "./command.ts";
import { readAudio } from "./wav.ts";

const RATE = 16_000;
const FRAME_MS = 20;
const FRAME_SAMPLES = (RATE * FRAME_MS) / 1_000;
/** At full speed, audio runs this far ahead of what is judged: under the server's limit, and enough to keep it busy. */
const MAX_AHEAD_MS = 5_000;

const usage =
  'drill FILE.wav --text "…" | --drill ID  [--speed 1|max] [--json | --azure IPA|ARPABET|SAPI] [--url URL] [--name NAME]';

/** Signs in as a guest, streams a file as a microphone would, and prints each judgement as it arrives, or the result as Azure's. */
export const drill: Command = async (args) => {
  const options = readOptions(args);
  if (!options) {
    console.error(usage);
    return 2;
  }
  const { json, url, target } = options;
  try {
    const audio = await readAudio(options.file, RATE);
    const { accessToken } = await request(url, "signInAsGuest", { name: options.name });
    const connection = new Connection(url, { token: () => accessToken });
    try {
      await connection.ready();
      await practise(new DrillSession(connection), target, audio, options);
    } finally {
      connection.close();
    }
    return 0;
  } catch (error) {
    return failed(error, json);
  }
};

type Options = NonNullable<ReturnType<typeof readOptions>>;

function readOptions(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        text: { type: "string" },
        drill: { type: "string" },
        speed: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        azure: { type: "string" },
        url: { type: "string", default: defaultUrl },
        name: { type: "string", default: "drill" },
      },
    });
    const [file, ...rest] = positionals;
    const { text, drill: drillId, speed, json, url, name } = values;
    const azure = azureAlphabet.optional().parse(values.azure);
    if (file === undefined || rest.length > 0 || (text === undefined) === (drillId === undefined)) return undefined;
    if ((speed !== "1" && speed !== "max") || (json && azure)) return undefined;
    const target = drillId === undefined ? { text: text ?? "" } : { drillId };
    return { file, target, atFullSpeed: speed === "max", json, azure, url, name };
  } catch {
    return undefined;
  }
}

async function practise(session: DrillSession, target: Options["target"], audio: Float32Array, options: Options) {
  let beganAtMs = 0;
  /** Where the microphone would be now, in ms of audio. */
  const clock = () => (options.atFullSpeed ? session.snapshot().sentMs : performance.now() - beganAtMs);
  session.onEvent((event) => {
    if (options.azure) return;
    const line = asLine(event, Math.round(clock()));
    if (options.json) print(line);
    else console.log(inWords(event));
  });
  await session.start(target);
  beganAtMs = performance.now();
  for (let at = 0; at < audio.length && session.snapshot().phase === "listening"; at += FRAME_SAMPLES) {
    if (options.atFullSpeed) await room(session);
    else {
      // A microphone has a frame only once its last sample was spoken.
      const waitMs = beganAtMs + ((at + FRAME_SAMPLES) * 1_000) / RATE - performance.now();
      if (waitMs > 0) await sleep(waitMs);
    }
    session.feed(audio.subarray(at, at + FRAME_SAMPLES));
  }
  const attempt = await session.finish();
  if (options.azure) print(toAzureAssessment(attempt, options.azure));
}

/** Resolves when the server has judged enough for more audio. */
async function room(session: DrillSession): Promise<void> {
  const full = () => {
    const { sentMs, judgedMs, phase } = session.snapshot();
    return phase === "listening" && sentMs - judgedMs >= MAX_AHEAD_MS;
  };
  if (!full()) return;
  await new Promise<void>((resolve) => {
    const stop = session.subscribe(() => {
      if (full()) return;
      stop();
      resolve();
    });
  });
}

function asLine(event: DrillEvent, atMs: number): Record<string, unknown> {
  if (event.type === "result") return { ...event, atMs };
  const { attemptId: _, ...rest } = event;
  return { ...rest, atMs };
}

function inWords(event: DrillEvent): string {
  if (event.type === "phoneme") {
    const mark = event.final ? " " : "~";
    const heard = event.heard ? `, heard as ${event.heard}` : "";
    return `  ${mark} ${event.phone.padEnd(3)} ${String(Math.round(event.score)).padStart(3)} ${event.band}${heard}`;
  }
  if (event.type === "word") {
    const fault = event.errorType === "none" ? "" : ` (${event.errorType})`;
    return `${event.text}: ${Math.round(event.score)}${fault}`;
  }
  if (event.type === "unheard") return `not heard: ${event.reason}`;
  const { outcome, total, accuracy, fluency, completeness } = event;
  return `${outcome}: ${total} in all, accuracy ${accuracy}, fluency ${fluency}, completeness ${completeness}`;
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
