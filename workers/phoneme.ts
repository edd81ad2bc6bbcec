import { setImmediate as turn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { OpusPacket } from "../src/drills/ports.ts";
import type { FromThread, ThreadData, ThreadInbox } from "../src/phonemes/thread-messages.ts";
import { ScoringEngine, type ScoringStream, type SpeechEvent } from "./phoneme/engine.ts";
import { OpusTrack } from "./phoneme/opus-track.ts";
import { loadPack } from "./phoneme/pack.ts";

/** At most this much of a stream is handed to the engine at once: a long backlog of one speaker delays nobody else. */
const CHUNK_SAMPLES = 1_600;
const MAX_PENDING_MS = 200;
/** Audio judged between two progress messages. */
const PROGRESS_MS = 240;
const SAMPLES_PER_MS = 16;

/** The thread's view of one stream. */
type Speaker = {
  readonly id: number;
  readonly stream: ScoringStream;
  /** Audio that has arrived and was not handed on yet. */
  readonly takeChunk: () => Int16Array | undefined;
  readonly track: OpusTrack | null;
  /** Packets that came before the decoder was ready. */
  early: OpusPacket[] | null;
  /** For `pcm`: how many samples lie in the shared memory. */
  available: number;
  fedSamples: number;
  reportedMs: number;
  ended: boolean;
  /** The engine knows that no more comes. */
  flushed: boolean;
};

const port = parentPort;
if (!port) throw new Error("this file runs as a worker thread");
// opus-decoder prints a line for each broken packet, which a peer could send at will.
console.error = () => {};

const { packDirs } = workerData as ThreadData;
const engines = new Map<string, ScoringEngine>();
const broken: string[] = [];
for (const dir of packDirs) {
  try {
    const pack = await loadPack(dir);
    engines.set(pack.manifest.language, new ScoringEngine(pack));
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error));
  }
}
if (engines.size === 0) throw new Error(broken.join("; ") || "there is no language pack");
const speakers = new Map<number, Speaker>();
let events: Extract<FromThread, { type: "events" }>["events"] = [];
let running = false;
let leaving = false;

const post = (message: FromThread) => port.postMessage(message);

port.on("message", (message: ThreadInbox) => {
  if (message.type === "ping") {
    post({ type: "pong", sentAtMs: message.sentAtMs });
    return;
  }
  if (message.type === "exit") {
    leaving = true;
    if (!running) process.exit(0);
    return;
  }
  if (message.type === "open") {
    open(message);
    return;
  }
  if (message.type === "listen") {
    listen(message.stream, message.pcm, message.fromMs);
    return;
  }
  if (message.type === "pcm") {
    for (const [id, samples] of message.samples) {
      const speaker = speakers.get(id);
      if (speaker) speaker.available = samples;
    }
    void run();
    return;
  }
  const speaker = speakers.get(message.stream);
  if (!speaker) return;
  switch (message.type) {
    case "opus":
      if (speaker.early) speaker.early.push(...message.packets);
      else for (const packet of message.packets) guard(speaker, () => speaker.track?.push(packet));
      break;
    case "end":
      speaker.ended = true;
      break;
    case "close":
      close(speaker);
      break;
    default:
      message satisfies never;
  }
  void run();
});
post({ type: "ready", languages: [...engines.keys()], broken });

function open({ stream: id, words, language, earlier, pcm }: Extract<ThreadInbox, { type: "open" }>): void {
  try {
    const engine = engines.get(language);
    if (!engine) throw new Error(`no pack for ${language}`);
    const stream = engine.open(words, (event) => events.push({ stream: id, event }), undefined, earlier);
    const speaker = pcm ? pcmSpeaker(id, stream, pcm) : opusSpeaker(id, stream);
    speakers.set(id, speaker);
  } catch (error) {
    post({ type: "failed", stream: id, reason: String(error) });
  }
}

function listen(id: number, memory: SharedArrayBuffer | null, fromMs: number): void {
  try {
    const engine = engines.get("en");
    if (!engine) throw new Error("no English pack");
    const stream = engine.listen((event) => events.push({ stream: id, event: later(event, fromMs) }));
    const speaker = memory ? pcmSpeaker(id, stream, memory) : opusSpeaker(id, stream);
    speaker.fedSamples = fromMs * SAMPLES_PER_MS;
    speaker.reportedMs = fromMs;
    speakers.set(id, speaker);
  } catch (error) {
    post({ type: "failed", stream: id, reason: String(error) });
  }
}

function later(event: SpeechEvent, byMs: number): SpeechEvent {
  if (event.type === "over") return { ...event, audioMs: event.audioMs + byMs };
  const startMs = event.startMs + byMs;
  return event.type === "pause" ? { ...event, startMs } : { ...event, startMs, endMs: event.endMs + byMs };
}

function pcmSpeaker(id: number, stream: ScoringStream, memory: SharedArrayBuffer): Speaker {
  // Follows the memory's length as the pool grows it; that of free speech is a ring, which a reading's never comes round.
  const pcm = new Int16Array(memory);
  const speaker: Speaker = {
    ...fresh(id, stream),
    takeChunk() {
      const count = Math.min(speaker.available - speaker.fedSamples, CHUNK_SAMPLES);
      if (count <= 0) return undefined;
      const at = speaker.fedSamples % pcm.length;
      return pcm.slice(at, Math.min(at + count, pcm.length));
    },
  };
  return speaker;
}

function opusSpeaker(id: number, stream: ScoringStream): Speaker {
  const chunks: Int16Array[] = [];
  const track = new OpusTrack((pcm) => {
    for (let at = 0; at < pcm.length; at += CHUNK_SAMPLES) chunks.push(pcm.subarray(at, at + CHUNK_SAMPLES));
  });
  const speaker: Speaker = { ...fresh(id, stream), track, early: [], takeChunk: () => chunks.shift() };
  track.ready.then(
    () => {
      const early = speaker.early ?? [];
      speaker.early = null;
      for (const packet of early) guard(speaker, () => track.push(packet));
      void run();
    },
    (error: unknown) => fail(speaker, error),
  );
  return speaker;
}

function fresh(id: number, stream: ScoringStream): Omit<Speaker, "takeChunk"> {
  const none = { track: null, early: null, available: 0, fedSamples: 0, reportedMs: 0 };
  return { id, stream, ...none, ended: false, flushed: false };
}

function close(speaker: Speaker): void {
  speakers.delete(speaker.id);
  speaker.stream.close();
  speaker.track?.close();
}

function fail(speaker: Speaker, error: unknown): void {
  close(speaker);
  post({ type: "failed", stream: speaker.id, reason: String(error) });
}

/** What one stream's audio throws ends that stream only. */
function guard(speaker: Speaker, work: () => void): void {
  try {
    work();
  } catch (error) {
    fail(speaker, error);
  }
}

/** Hands waiting audio to the engine, a chunk of each stream in turn; whether there was any. */
function feed(): boolean {
  let fed = false;
  for (const speaker of speakers.values()) {
    if (speaker.flushed || speaker.early || speaker.stream.pendingMs >= MAX_PENDING_MS) continue;
    guard(speaker, () => {
      let chunk = speaker.takeChunk();
      if (!chunk && speaker.ended) {
        speaker.track?.flush();
        chunk = speaker.takeChunk();
      }
      if (chunk) {
        speaker.stream.push(chunk);
        speaker.fedSamples += chunk.length;
        fed = true;
      } else if (speaker.ended) {
        speaker.flushed = true;
        speaker.stream.end();
        fed = true;
      }
    });
  }
  return fed;
}

function report(): void {
  if (events.length > 0) {
    post({ type: "events", events });
    events = [];
  }
  const judged: { stream: number; judgedMs: number }[] = [];
  for (const speaker of speakers.values()) {
    const judgedMs = Math.max(0, speaker.fedSamples / SAMPLES_PER_MS - speaker.stream.pendingMs);
    if (judgedMs - speaker.reportedMs < PROGRESS_MS) continue;
    speaker.reportedMs = judgedMs;
    judged.push({ stream: speaker.id, judgedMs });
  }
  if (judged.length > 0) post({ type: "progress", judged });
}

/** Works until nothing is left to do; messages come in between the steps. An error of a shared step ends the thread. */
async function run(): Promise<void> {
  if (running) return;
  running = true;
  for (;;) {
    const fed = feed();
    let stepped = false;
    for (const engine of engines.values()) stepped = (await engine.step()) || stepped;
    if (leaving) process.exit(0);
    report();
    if (!fed && !stepped) break;
    await turn();
  }
  running = false;
}
