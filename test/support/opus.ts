import { spawn } from "node:child_process";
import { buffer } from "node:stream/consumers";

/** 16 kHz mono PCM as Opus packets of 20 ms each, made by ffmpeg's libopus. */
export async function encodeOpus(pcm: Int16Array): Promise<Uint8Array[]> {
  const input = ["-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0"];
  const output = ["-c:a", "libopus", "-b:a", "32k", "-frame_duration", "20", "-f", "ogg", "pipe:1"];
  const child = spawn("ffmpeg", ["-v", "error", ...input, ...output], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength));
  // The first two packets are headers (RFC 7845, section 3).
  return oggPackets(await buffer(child.stdout)).slice(2);
}

/** Packets of an Ogg file with one stream (RFC 3533): a segment of less than 255 bytes ends one. */
function oggPackets(file: Buffer): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  for (let page = 0; page < file.length; ) {
    const segments = file[page + 26] ?? 0;
    let at = page + 27 + segments;
    for (let i = 0; i < segments; i++) {
      const size = file[page + 27 + i] ?? 0;
      parts.push(file.subarray(at, at + size));
      at += size;
      if (size === 255) continue;
      packets.push(Buffer.concat(parts));
      parts = [];
    }
    page = at;
  }
  return packets;
}
