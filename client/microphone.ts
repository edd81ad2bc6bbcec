/** Why there is no microphone; each has its own remedy. "insecure": the page is neither on https nor on localhost. */
export type MicrophoneTrouble = "denied" | "missing" | "busy" | "insecure";

export class MicrophoneError extends Error {
  override readonly name = "MicrophoneError";
  readonly trouble: MicrophoneTrouble;

  constructor(trouble: MicrophoneTrouble, cause?: unknown) {
    super(`no microphone: ${trouble}`, { cause });
    this.trouble = trouble;
  }
}

export type MicrophoneOptions = {
  /** Mono audio of -1 to 1 in chunks of about 20 ms, at the device's own rate in Hz. */
  onAudio: (samples: Float32Array, sampleRate: number) => void;
  /** The device went away, or the permission was taken back. */
  onEnded?: () => void;
};

/** The microphone of a browser, as plain samples for `DrillSession.feed`. */
export class Microphone {
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  #closed = false;

  /** Asks for the microphone. @throws MicrophoneError */
  static async open(options: MicrophoneOptions): Promise<Microphone> {
    if (!globalThis.navigator?.mediaDevices || typeof AudioWorkletNode === "undefined")
      throw new MicrophoneError("insecure");
    let stream: MediaStream;
    try {
      // What the browser does to please human ears blurs the very sounds that are to be judged; only the level is evened out.
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: true },
      });
    } catch (error) {
      throw new MicrophoneError(microphoneTroubleOf(error), error);
    }
    const context = new AudioContext();
    try {
      await context.audioWorklet.addModule(new URL("./microphone-worklet.js", import.meta.url));
      if (context.state === "suspended") await context.resume();
      return new Microphone(stream, context, options);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      void context.close();
      throw new MicrophoneError("busy", error);
    }
  }

  private constructor(stream: MediaStream, context: AudioContext, options: MicrophoneOptions) {
    this.#stream = stream;
    this.#context = context;
    const tap = new AudioWorkletNode(context, "microphone-tap", { numberOfOutputs: 0 });
    tap.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      if (!this.#closed) options.onAudio(data, context.sampleRate);
    };
    context.createMediaStreamSource(stream).connect(tap);
    for (const track of stream.getAudioTracks())
      track.addEventListener("ended", () => {
        if (!this.#closed) options.onEnded?.();
      });
  }

  /** Lets go of the device. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#context.close();
  }
}

/** What a failed getUserMedia means. */
export function microphoneTroubleOf(error: unknown): MicrophoneTrouble {
  switch ((error as { name?: string } | undefined)?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    default:
      return "busy";
  }
}
