import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { limits } from "#protocol";
import { parseWav } from "../../cli/wav.ts";
import type { ReferenceVoice, WavFile } from "../../src/drills/ports.ts";
import { EspeakVoice } from "../../src/phonemes/espeak-voice.ts";

/** Every voice that this system may have. */
const voices: { name: string; find: () => Promise<ReferenceVoice | undefined> }[] = [
  { name: "espeak-ng", find: () => EspeakVoice.find(["en-us", "es"]) },
];

const normal = { language: "en", speed: 1 };
const seconds = (wav: WavFile) => {
  const { samples, sampleRate } = parseWav(Buffer.from(wav), "answer");
  assert.equal(wav.length, 44 + samples.length * 2, "the lengths in the head are true");
  return samples.length / sampleRate;
};

for (const { name, find } of voices) {
  const found = await find();
  describe(name, { skip: found ? false : `${name} is not installed` }, () => {
    const voice = found as ReferenceVoice;

    test("[DRILL-30] says words, sentences and phones, and slowly at half the speed", async () => {
      const sentence = { text: "We call it bear." };
      const quick = seconds(await voice.speak(sentence, normal));
      const slow = seconds(await voice.speak(sentence, { ...normal, speed: 0.5 }));
      assert.ok(quick > 0.7 && quick < 3, `${quick} s`);
      assert.ok(slow / quick > 1.5 && slow / quick < 2.5, `${slow / quick} times as long`);
      const word = await voice.speak({ text: "cat" }, normal);
      const phones = await voice.speak({ phones: ["K", "AE", "T"] }, normal);
      for (const wav of [word, phones]) assert.ok(seconds(wav) < quick && seconds(wav) > 0.2);
      for (const phone of ["T", "S", "AA", "ZH", "NG", "OY"])
        assert.ok(seconds(await voice.speak({ phones: [phone] }, normal)) > 0.1, phone);
      for (const phones of [["p", "e", "rr", "o"], ["ny"], ["x"], ["y"]])
        assert.ok(seconds(await voice.speak({ phones }, { language: "es", speed: 1 })) > 0.1, phones.join(" "));
      assert.ok(seconds(await voice.speak({ text: "¿Dónde está?" }, { language: "es", speed: 1 })) > 0.3);
    });

    test("[DRILL-31] text is text: no option, no markup, no notation of its own", async () => {
      const texts = [
        "-x --help",
        "--path=/etc/passwd",
        "<speak><audio src='x'/></speak> a",
        "[[h@l'oU]] a",
        "🙂 a",
        "a\n-v es",
      ];
      for (const text of texts) assert.ok(seconds(await voice.speak({ text }, normal)) > 0.1, text);
      const bracketed = await voice.speak({ text: "[[_:_:_:]] cat" }, normal);
      assert.notEqual(seconds(bracketed), seconds(await voice.speak({ text: "cat" }, normal)));
    });

    test("[DRILL-31] what takes longer than the longest audio is TEXT_TOO_LONG, a phone that is none INVALID_REQUEST", async () => {
      const longest = "777 ".repeat(limits.drillText / 4);
      await assert.rejects(voice.speak({ text: longest }, { ...normal, speed: 0.5 }), { code: "TEXT_TOO_LONG" });
      for (const phone of ["QQ", "SIL", "constructor", "rr"])
        await assert.rejects(voice.speak({ phones: ["AA", phone] }, normal), { code: "INVALID_REQUEST" });
      assert.ok(seconds(await voice.speak({ text: "still here" }, normal)) > 0.1);
    });
  });
}

describe("a voice that fails", () => {
  let dir: string;
  const path = process.env.PATH;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "parlance-voice-"));
    process.env.PATH = `${dir}:${path}`;
  });
  after(async () => {
    process.env.PATH = path;
    await rm(dir, { recursive: true });
  });
  /** Puts a program in espeak-ng's place that finds its voices, and then does as the script says. */
  const failing = async (script: string) => {
    const file = join(dir, "espeak-ng");
    await writeFile(file, `#!/bin/sh\n[ "$1" = -q ] && exit 0\n${script}\n`);
    await chmod(file, 0o755);
    const voice = await EspeakVoice.find(["en-us"], 1_000);
    assert.ok(voice);
    return voice.speak({ text: "hello" }, normal);
  };

  test("[DRILL-33] a bad status, no audio, too much of it and no end to it are errors of their own", async () => {
    await assert.rejects(failing("exit 3"), { code: "UNAVAILABLE", message: /ended with 3/ });
    await assert.rejects(failing("kill -9 $$"), { code: "UNAVAILABLE", message: /SIGKILL/ });
    await assert.rejects(failing("exit 0"), { code: "UNAVAILABLE", message: /no audio/ });
    await assert.rejects(failing("echo this is no sound, whatever the status of the program says"), {
      code: "UNAVAILABLE",
    });
    await assert.rejects(failing("exec cat /dev/zero"), { code: "TEXT_TOO_LONG" });
    await assert.rejects(failing("exec sleep 600"), { code: "TIMEOUT" });
  });

  test("[DRILL-33] without the program, or without the voices that are named, there is none", async () => {
    process.env.PATH = dir;
    await rm(join(dir, "espeak-ng"));
    assert.equal(await EspeakVoice.find(["en-us"]), undefined);
    process.env.PATH = `${dir}:${path}`;
    assert.equal(await EspeakVoice.find([]), undefined);
    assert.equal(await EspeakVoice.find(["nosuchvoice"]), undefined);
  });
});
