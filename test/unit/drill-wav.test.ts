import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWav } from "../../cli/wav.ts";

type Options = {
  channels?: number;
  rate?: number;
  bits?: number;
  encoding?: number;
  before?: string;
  promise?: number;
};

function wav(samples: number[], options: Options = {}): Uint8Array {
  const { channels = 1, rate = 16_000, bits = 16, encoding = 1, before = "", promise } = options;
  const extra = Buffer.from(before, "latin1");
  const data = Buffer.alloc(samples.length * 2);
  samples.forEach((sample, i) => {
    data.writeInt16LE(sample, 2 * i);
  });
  const format = Buffer.alloc(24);
  format.write("fmt ", 0, "latin1");
  format.writeUInt32LE(16, 4);
  format.writeUInt16LE(encoding, 8);
  format.writeUInt16LE(channels, 10);
  format.writeUInt32LE(rate, 12);
  format.writeUInt16LE(bits, 22);
  const head = Buffer.alloc(8);
  head.write("data", 0, "latin1");
  head.writeUInt32LE(promise ?? data.length, 4);
  return Buffer.concat([Buffer.from("RIFF\0\0\0\0WAVE", "latin1"), format, extra, head, data]);
}

test("[CLI-3] mono and stereo, any rate, other chunks in between, a length that promises too much", () => {
  const mono = parseWav(wav([0, 16_384, -32_768], { rate: 44_100 }), "a.wav");
  assert.equal(mono.sampleRate, 44_100);
  assert.deepEqual([...mono.samples], [0, 0.5, -1]);
  const stereo = parseWav(wav([16_384, 0, -16_384, -16_384], { channels: 2 }), "a.wav");
  assert.deepEqual([...stereo.samples], [0.25, -0.5]);
  const listed = parseWav(wav([16_384], { before: "LIST\x03\0\0\0abc\0" }), "a.wav");
  assert.deepEqual([...listed.samples], [0.5]);
  assert.deepEqual([...parseWav(wav([16_384], { promise: 0xffff_ffff }), "a.wav").samples], [0.5]);
});

test("[CLI-5] what is no 16-bit PCM WAV is refused in plain words", () => {
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /no WAV/],
    [Buffer.from("ID3 something else entirely"), /no WAV/],
    [wav([1], { bits: 24 }), /16-bit/],
    [wav([1], { encoding: 3 }), /16-bit/],
    [wav([1], { channels: 0 }), /broken/],
    [wav([1]).subarray(0, 36), /no audio/],
    [Buffer.from("RIFF\0\0\0\0WAVEdata\x02\0\0\0\0\0", "latin1"), /broken/],
  ];
  for (const [bytes, message] of cases) assert.throws(() => parseWav(bytes, "a.wav"), message);
});
