import { parseArgs } from "node:util";
import { ParlanceError, type SpeechEvent, SpeechSession } from "#client";
import { asGuest, type Command, defaultUrl, failed } from "./command.ts";
import { play, RATE } from "./play.ts";
import { readAudio } from "./wav.ts";

const usage = "listen FILE.wav [--speed 1|max] [--json] [--url URL] [--name NAME]";

/** Signs in as a guest, streams a file as a microphone would, and prints the phones of what is said in it as they are heard. */
export const listen: Command = async (args) => {
  const options = readOptions(args);
  if (!options) {
    console.error(usage);
    return 2;
  }
  const { json } = options;
  try {
    const audio = await readAudio(options.file, RATE);
    await asGuest(options, (connection) => hear(new SpeechSession(connection), audio, options));
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
        speed: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        url: { type: "string", default: defaultUrl },
        name: { type: "string", default: "listen" },
      },
    });
    const [file, ...rest] = positionals;
    const { speed, json, url, name } = values;
    if (file === undefined || rest.length > 0 || (speed !== "1" && speed !== "max")) return undefined;
    return { file, atFullSpeed: speed === "max", json, url, name };
  } catch {
    return undefined;
  }
}

async function hear(session: SpeechSession, audio: Float32Array, { atFullSpeed, json }: Options): Promise<void> {
  let beganAtMs = 0;
  session.onEvent((event) => {
    // Where the microphone is now, in ms of audio.
    const atMs = Math.round(atFullSpeed ? session.sentMs : performance.now() - beganAtMs);
    process.stdout.write(json ? `${JSON.stringify({ ...event, atMs })}\n` : inWords(event));
  });
  await session.start();
  beganAtMs = performance.now();
  await play(audio, atFullSpeed, {
    listening: () => session.snapshot().phase === "listening",
    aheadMs: () => session.sentMs - session.snapshot().heardMs,
    subscribe: session.subscribe,
    feed: (samples) => session.feed(samples),
  });
  await session.stop();
  const { error } = session.snapshot();
  if (error) throw new ParlanceError(error);
}

/** A line for each group of words; what is uncertain is in brackets. */
function inWords(event: SpeechEvent): string {
  if (event.type === "phoneme") return event.confidence < 0.5 ? `(${event.phone}) ` : `${event.phone} `;
  return "\n";
}
