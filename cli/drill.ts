import { parseArgs } from "node:util";
import { type DrillEvent, DrillSession } from "#client";
import { azureAlphabet, firstLanguage, toAzureAssessment } from "#protocol";
import { asGuest, type Command, defaultUrl, failed } from "./command.ts";
import { play, RATE } from "./play.ts";
import { readAudio } from "./wav.ts";

const usage =
  'drill FILE.wav --text "…" [--language TAG] | --drill ID  [--first-language TAG] [--speed 1|max] [--json | --azure IPA|ARPABET|SAPI] [--url URL] [--name NAME]';

/** Signs in as a guest, streams a file as a microphone would, and prints each judgement as it arrives, or the result as Azure's. */
export const drill: Command = async (args) => {
  const options = readOptions(args);
  if (!options) {
    console.error(usage);
    return 2;
  }
  const { json, target } = options;
  try {
    const audio = await readAudio(options.file, RATE);
    await asGuest(options, (connection) => practise(new DrillSession(connection), target, audio, options));
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
        language: { type: "string", default: "en" },
        "first-language": { type: "string" },
        speed: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        azure: { type: "string" },
        url: { type: "string", default: defaultUrl },
        name: { type: "string", default: "drill" },
      },
    });
    const [file, ...rest] = positionals;
    const { text, drill: drillId, language, speed, json, url, name } = values;
    const azure = azureAlphabet.optional().parse(values.azure);
    const native = firstLanguage.optional().parse(values["first-language"]);
    if (file === undefined || rest.length > 0 || (text === undefined) === (drillId === undefined)) return undefined;
    if ((speed !== "1" && speed !== "max") || (json && azure)) return undefined;
    const target = drillId === undefined ? { text: text ?? "", language } : { drillId };
    return { file, target, native, atFullSpeed: speed === "max", json, azure, url, name };
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
  await session.start(target, { firstLanguage: options.native });
  beganAtMs = performance.now();
  await play(audio, options.atFullSpeed, {
    listening: () => session.snapshot().phase === "listening",
    aheadMs: () => session.snapshot().sentMs - session.snapshot().judgedMs,
    subscribe: session.subscribe,
    feed: (samples) => session.feed(samples),
  });
  const attempt = await session.finish();
  if (options.azure) print(toAzureAssessment(attempt, options.azure));
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
  const { outcome, pronunciation, accuracy, fluency, completeness, prosody } = event;
  const parts = `accuracy ${accuracy}, fluency ${fluency}, completeness ${completeness}`;
  const scores = `${outcome}: ${pronunciation} in all, ${parts}${prosody === undefined ? "" : `, prosody ${prosody}`}`;
  const hints = event.words.flatMap(({ text, phones }) =>
    phones.flatMap(({ phone, feedback }) => (feedback ? `  ${text}, ${phone}: ${feedback.hint}` : [])),
  );
  return [scores, ...hints].join("\n");
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
