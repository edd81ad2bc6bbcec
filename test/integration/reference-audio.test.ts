import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ParlanceError, request } from "#client";
import type { EndpointInput, ErrorCode } from "#protocol";
import type { ReferenceVoice, WavFile } from "../../src/drills/ports.ts";
import { ReferenceAudio } from "../../src/drills/reference-audio.ts";
import { AppError } from "../../src/lib/app-error.ts";
import { EspeakVoice } from "../../src/phonemes/espeak-voice.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

const espeak = await EspeakVoice.find(["en-us"]);

describe("reference audio", { skip: espeak ? false : "espeak-ng is not installed" }, () => {
  let server: TestGateway;
  let token: string;
  before(async () => {
    server = await startGateway({}, { referenceAudio: new ReferenceAudio(espeak) });
    token = (await request(server.url, "signInAsGuest", { name: "Ear" })).accessToken;
  });
  after(() => server.stop());

  const ask = (input: EndpointInput<"referenceAudio">) => request(server.url, "referenceAudio", input, token);
  const refused = (code: ErrorCode, answer: Promise<unknown>) =>
    assert.rejects(answer, (error) => error instanceof ParlanceError && error.code === code);

  test("[DRILL-30] is a WAV file that a browser may keep, for those who are signed in", async () => {
    const wav = await ask({ text: "Good morning", speed: 0.75 });
    assert.equal(Buffer.from(wav.subarray(0, 4)).toString(), "RIFF");
    const response = await fetch(`${server.url}/api/reference-audio?phones=TH%20IH+NG`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(response.headers.get("content-type"), "audio/wav");
    assert.match(response.headers.get("cache-control") ?? "", /private/);
    assert.ok((await response.arrayBuffer()).byteLength > 1_000);
    assert.deepEqual((await request(server.url, "serverInfo", {})).referenceLanguages, ["en"]);
    await refused("UNAUTHENTICATED", request(server.url, "referenceAudio", { text: "hello" }));
  });

  test("[DRILL-31] what can't be said is refused by its own code", async () => {
    await refused("TEXT_EMPTY", ask({ text: "" }));
    await refused("TEXT_EMPTY", ask({ text: " 🙂 … \u0007 [[]] -- " }));
    await refused("INVALID_REQUEST", ask({}));
    await refused("INVALID_REQUEST", ask({ text: "a", phones: "AA" }));
    await refused("INVALID_REQUEST", ask({ text: "a\0b" }));
    await refused("INVALID_REQUEST", ask({ text: "x".repeat(501) }));
    for (const speed of [0, 0.49, 1.01, Number.NaN, Number.POSITIVE_INFINITY])
      await refused("INVALID_REQUEST", ask({ text: "a", speed }));
    for (const phones of ["", "aa", "rr", "QQ", "AA  AA", "'; ls", "AA ".repeat(60)])
      await refused("INVALID_REQUEST", ask({ phones }));
    await refused("INVALID_REQUEST", ask({ text: "a", language: "--version" }));
    await refused("REFERENCE_VOICE_UNAVAILABLE", ask({ text: "ahoj", language: "cs" }));
    await refused("INVALID_REQUEST", ask({ text: "a", voice: "x" } as never));
  });

  test("[DRILL-32] one user's requests have a rate; others go on", async () => {
    const codes = await Promise.all(
      Array.from({ length: 40 }, () =>
        ask({ text: "again" }).then(
          () => "OK",
          (error: ParlanceError) => error.code,
        ),
      ),
    );
    assert.deepEqual([...new Set(codes)].toSorted(), ["OK", "RATE_LIMITED"]);
    const other = await request(server.url, "signInAsGuest", { name: "Other" });
    assert.ok((await request(server.url, "referenceAudio", { text: "again" }, other.accessToken)).length > 1_000);
  });
});

/** A voice that speaks when it is told to, and says what it was asked for. */
class SlowVoice implements ReferenceVoice {
  readonly languages = ["en"];
  readonly asked: string[] = [];
  readonly bytes: number;
  #waiting: ((fail: boolean) => void)[] = [];
  constructor(bytes = 100) {
    this.bytes = bytes;
  }
  speak(what: { text: string } | { phones: string[] }): Promise<WavFile> {
    this.asked.push("text" in what ? what.text : what.phones.join(" "));
    return new Promise((resolve, reject) => {
      this.#waiting.push((fail) => (fail ? reject(new AppError("UNAVAILABLE")) : resolve(new Uint8Array(this.bytes))));
    });
  }
  /** Lets all that are being said come to their end, one way or the other; then those that waited for them. */
  async finish(fail = false): Promise<void> {
    while (this.#waiting.length > 0) {
      for (const end of this.#waiting.splice(0)) end(fail);
      await new Promise(setImmediate);
    }
  }
}

describe("the one voice for all", () => {
  const ask = (audio: ReferenceAudio, text: string) => audio.speak({ text, language: "en", speed: 1 });

  test("[DRILL-32] few speak at once, a bounded number waits, and the rest is UNAVAILABLE", async () => {
    const voice = new SlowVoice();
    const audio = new ReferenceAudio(voice);
    const answers = Array.from({ length: 200 }, (_, i) =>
      ask(audio, `number ${i}`).then(
        () => "OK",
        (e) => e.code,
      ),
    );
    await new Promise(setImmediate);
    const atOnce = voice.asked.length;
    assert.ok(atOnce >= 1 && atOnce <= 64, `${atOnce} at once`);
    await voice.finish();
    const codes = await Promise.all(answers);
    assert.equal(codes.filter((code) => code === "OK").length, atOnce + 32);
    assert.equal(codes.filter((code) => code === "UNAVAILABLE").length, 200 - atOnce - 32);
    const later = ask(audio, "later");
    await voice.finish();
    assert.equal((await later).length, 100);
  });

  test("[DRILL-32] the same words are made once, also for those who ask meanwhile; a failure is not kept", async () => {
    const voice = new SlowVoice();
    const audio = new ReferenceAudio(voice);
    const failed = assert.rejects(ask(audio, "hello"), { code: "UNAVAILABLE" });
    await voice.finish(true);
    await failed;
    const both = [ask(audio, "hello"), ask(audio, "  hello\n")];
    await voice.finish();
    await Promise.all(both);
    await ask(audio, "hello");
    assert.deepEqual(voice.asked, ["hello", "hello"]);
  });

  test("[DRILL-32] what is kept is bounded; the longest unasked goes first", async () => {
    const voice = new SlowVoice(12_000_000);
    const audio = new ReferenceAudio(voice);
    const say = async (text: string) => {
      const saying = ask(audio, text);
      await voice.finish();
      await saying;
    };
    for (const text of ["one", "two", "one", "three", "one", "two"]) await say(text);
    assert.deepEqual(voice.asked, ["one", "two", "three", "two"]);
  });

  test("[DRILL-33] a server without a voice says so", async () => {
    await assert.rejects(ask(new ReferenceAudio(undefined), "hello"), { code: "REFERENCE_VOICE_UNAVAILABLE" });
    assert.deepEqual(new ReferenceAudio(undefined).languages, []);
  });
});
