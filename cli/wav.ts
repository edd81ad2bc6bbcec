import { readFile } from "node:fs/promises";
import { Resampler } from "#client";

export type Wav = { /** Mono, -1 to 1. */ samples: Float32Array /** Hz. */; sampleRate: number };

const PCM = 1;
const EXTENSIBLE = 0xfffe;

/**
 * Reads a 16-bit PCM WAV file of any rate; several channels are averaged to one. A data chunk that promises more than the
 * file holds (written by a pipe) is read as far as it goes.
 * @throws Error in plain words for what is no such file
 */
export async function readWav(path: string): Promise<Wav> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path} can't be read: ${error.code === "ENOENT" ? "there is no such file" : error.message}`);
  });
  return parseWav(bytes, path);
}

/** A WAV file as mono at `rate` Hz, -1 to 1. @throws Error as `readWav` */
export async function readAudio(path: string, rate: number): Promise<Float32Array> {
  const { samples, sampleRate } = await readWav(path);
  if (sampleRate === rate) return samples;
  const resampler = new Resampler(sampleRate, rate);
  const [most, rest] = [resampler.push(samples), resampler.flush()];
  const joined = new Float32Array(most.length + rest.length);
  joined.set(most);
  joined.set(rest, most.length);
  return joined;
}

/** Samples from -1 to 1 as 16-bit PCM; louder ones are clipped. */
export function toPcm(samples: Float32Array): Int16Array {
  return Int16Array.from(samples, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))));
}

export function parseWav(bytes: Uint8Array, name: string): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") throw new Error(`${name} is no WAV file`);
  let format: { channels: number; sampleRate: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (tag(at) === "fmt " && body + 16 <= bytes.length) {
      const encoding = view.getUint16(body, true);
      const coding = encoding === EXTENSIBLE && body + 26 <= bytes.length ? view.getUint16(body + 24, true) : encoding;
      if (coding !== PCM || view.getUint16(body + 14, true) !== 16)
        throw new Error(`${name} is not 16-bit PCM; convert it first, for example: sox ${name} -b 16 out.wav`);
      format = { channels: view.getUint16(body + 2, true), sampleRate: view.getUint32(body + 4, true) };
      if (format.channels === 0 || format.sampleRate === 0) throw new Error(`${name} has a broken WAV header`);
    } else if (tag(at) === "data") {
      if (!format) throw new Error(`${name} has a broken WAV header`);
      return { samples: mix(view, body, Math.min(size, bytes.length - body), format.channels), ...format };
    }
    at = body + size + (size % 2);
  }
  throw new Error(`${name} holds no audio`);
}

function mix(view: DataView, start: number, bytes: number, channels: number): Float32Array {
  const samples = new Float32Array(Math.floor(bytes / 2 / channels));
  for (let i = 0; i < samples.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++)
      sum += view.getInt16(start + 2 * (i * channels + channel), true);
    samples[i] = sum / channels / 32_768;
  }
  return samples;
}
