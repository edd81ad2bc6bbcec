import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { azureAssessment, drillResult } from "#protocol";
import { cli } from "../support/cli.ts";
import { orderFaults } from "../support/drill.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { synthesise } from "../support/voice.ts";
import { writeWav } from "../support/wav-file.ts";

const TEXT = "The birch canoe slid on the smooth planks";
let server: TestServer;
let folder: string;
let wav: string;
let voice: Int16Array;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "parlance-cli-"));
  wav = join(folder, "a.wav");
  [server, voice] = await Promise.all([startServer(), synthesise(TEXT)]);
  await writeWav(wav, voice);
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

type Line = {
  type: "phoneme" | "word" | "result";
  word: number;
  index: number;
  final?: boolean;
  atMs: number;
  score: number;
  band: string;
  endMs: number;
  words: { phones: unknown[] }[];
  outcome: string;
};

const drill = (...args: string[]) => cli(["drill", ...args], { PARLANCE_URL: server.url });

test("[CLI-3] drill at full speed: a JSON line for each judgement, in order", async () => {
  const { code, lines, err } = await drill(wav, "--text", TEXT, "--speed", "max", "--json");
  assert.equal(code, 0, err);
  const events = lines() as Line[];
  const result = events.at(-1);
  assert.deepEqual(orderFaults(events, result?.words.map(({ phones }) => ({ phones: phones.length })) ?? []), []);
  assert.equal(result?.outcome, "scored");
  for (const event of events.slice(0, -1)) {
    assert.ok(event.score >= 0 && event.score <= 100 && event.atMs >= 0);
    if (event.type === "phoneme") assert.match(event.band, /^(good|fair|poor)$/);
  }
});

test("[CLI-3, CLI-4] drill at the pace of a microphone hears finals before the audio ends", async () => {
  const { code, lines, err } = await drill(wav, "--text", TEXT, "--json");
  assert.equal(code, 0, err);
  const events = lines() as Line[];
  const audioMs = voice.length / 16;
  const finals = events.filter((event) => event.type === "phoneme" && event.final);
  assert.ok(finals.some(({ atMs }) => atMs < audioMs));
  // Nothing is judged before it was spoken.
  for (const { atMs, endMs } of finals) assert.ok(atMs >= Math.min(endMs, audioMs) - 20, `${atMs} for ${endMs}`);
  assert.ok((events.at(-1)?.atMs ?? 0) >= audioMs);
});

test("[CLI-3] drill reads stereo of another rate, and prints words without --json", async () => {
  const stereo = join(folder, "stereo.wav");
  // 16 kHz as 32 kHz stereo: each sample four times.
  await writeWav(
    stereo,
    Int16Array.from({ length: voice.length * 4 }, (_, i) => voice[i >> 2] ?? 0),
    32_000,
    2,
  );
  const { code, out, err } = await drill(stereo, "--text", TEXT, "--speed", "max");
  assert.equal(code, 0, err);
  assert.match(out, /canoe: \d+/);
  assert.match(out, /scored: /);
});

test("[CLI-3, DRILL-41] drill reads a text in the language that is asked for", async () => {
  const spanish = join(folder, "es.wav");
  const text = "El perro corre por la playa";
  await writeWav(spanish, await synthesise(text, { voice: "spanish" }));
  const { code, lines, err } = await drill(spanish, "--text", text, "--language", "es", "--speed", "max", "--json");
  assert.equal(code, 0, err);
  const phones = (lines() as { type: string; phone?: string }[]).filter(({ type }) => type === "phoneme");
  assert.ok(phones.some(({ phone }) => phone === "rr"));
  assert.equal((lines() as Line[]).at(-1)?.outcome, "scored");
  const unknown = await drill(spanish, "--text", text, "--language", "de", "--json");
  assert.equal(unknown.code, 1);
  assert.match(unknown.err + unknown.out, /LANGUAGE_UNAVAILABLE/);
});

test("[CLI-3, SCORE-23] drill takes the reader's first language", async () => {
  const exchanged = join(folder, "exchanged.wav");
  await writeWav(exchanged, await synthesise("The led light and the lead load are light."));
  const read = async (...more: string[]) => {
    const text = "The red right and the read road are right";
    const { code, lines, err } = await drill(exchanged, "--text", text, "--speed", "max", "--json", ...more);
    assert.equal(code, 0, err);
    const { words } = drillResult.parse(lines().at(-1));
    return words.flatMap(({ phones }) => phones).filter(({ phone, heard }) => phone === "R" && heard === "L");
  };
  const [japanese, unknown] = [await read("--first-language", "ja"), await read()];
  assert.ok(japanese.length > 0 && japanese.every(({ feedback }) => feedback?.typical));
  assert.ok(unknown.every(({ feedback }) => !feedback?.typical));
});

test("[DRILL-27] drill prints the result alone in Azure's shape", async () => {
  const { code, out, err } = await drill(wav, "--text", TEXT, "--speed", "max", "--azure", "SAPI");
  assert.equal(code, 0, err);
  const { RecognitionStatus, NBest } = azureAssessment.parse(JSON.parse(out));
  assert.equal(RecognitionStatus, "Success");
  const words = NBest?.[0]?.Words.filter((word) => word.PronunciationAssessment.ErrorType !== "Insertion") ?? [];
  assert.deepEqual(
    words.map(({ Word }) => Word),
    TEXT.split(" "),
  );
  assert.equal(words[0]?.Phonemes?.[0]?.Phoneme, "dh");
});

test("[CLI-5] drill says what is wrong, by status and code", async () => {
  for (const args of [
    [],
    [wav],
    ["--text", "x"],
    [wav, "--text", "x", "--speed", "2"],
    [wav, "--text", "x", "--nonsense"],
    [wav, "--text", "x", "--first-language", "Klingon"],
    [wav, "--text", "x", "--azure", "Greek"],
    [wav, "--text", "x", "--azure", "IPA", "--json"],
  ]) {
    const { code, err } = await drill(...args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, /drill FILE\.wav/);
  }
  const broken = join(folder, "broken.wav");
  await writeFile(broken, "not audio");
  const cases: [string[], RegExp][] = [
    [[join(folder, "none.wav"), "--text", "x"], /none\.wav can't be read: there is no such file/],
    [[broken, "--text", "x"], /no WAV/],
    [[wav, "--text", ""], /TEXT_EMPTY/],
    [[wav, "--text", "你好"], /WORD_UNPRONOUNCEABLE/],
    [[wav, "--drill", "no-such-drill"], /DRILL_NOT_FOUND/],
    [[wav, "--text", "x", "--url", "http://127.0.0.1:1"], /UNAVAILABLE/],
  ];
  for (const [args, message] of cases) {
    const { code, err, lines } = await drill(...args, "--json");
    assert.equal(code, 1, args.join(" "));
    assert.match(err, message);
    assert.equal(lines()[0]?.type, "error");
  }
});

/** A folder in speechocean762's layout; returns its path. */
async function corpus(name: string, options: { scp: boolean; phones: boolean }): Promise<string> {
  const dir = join(folder, name);
  const speaker = join(dir, "WAVE", "SPEAKER0001");
  await mkdir(speaker, { recursive: true });
  await mkdir(join(dir, "test"));
  await mkdir(join(dir, "resource"));
  await writeWav(join(speaker, "000010035.WAV"), voice);
  await writeWav(join(speaker, "000010011.WAV"), await synthesise("Mark is going to see elephant"));
  const text = "000010035\tTHE BIRCH CANOE SLID ON THE SMOOTH PLANKS\n000010011\tMARK IS GOING TO SEE ELEPHANT\n";
  await writeFile(join(dir, "test", "text"), text);
  if (options.scp) {
    const scp = ["000010011", "000010035"].map((id) => `${id}\tWAVE/SPEAKER0001/${id}.WAV\n`);
    await writeFile(join(dir, "test", "wav.scp"), scp.join(""));
  }
  if (options.phones) {
    const words = [
      "M_B AA0_I R_I K_E",
      "IH0_B Z_E",
      "G_B OW0_I IH0_I NG_E",
      "T_B UW0_E",
      "SPN_S",
      "EH0_B L_I XX_I AX0_I F_I AH0_I N_I T_E",
    ];
    const birch = [
      "DH_B AX0_E",
      "B_B ER0_I CH_E",
      "K_B AH0_I N_I UW0_E",
      "S_B L_I IH0_I D_E",
      "AA0_B N_E",
      "DH_B AH0_E",
      "S_B M_I UW0_I DH_E",
      "P_B L_I AE0_I NG_I K_I S_E",
    ];
    const lines = [
      ...words.map((phones, i) => `000010011.${i}\t${phones}\n`),
      ...birch.map((phones, i) => `000010035.${i}\t${phones}\n`),
    ];
    await writeFile(join(dir, "resource", "text-phone"), lines.join(""));
  }
  // What the scorer must not look at.
  await writeFile(join(dir, "resource", "scores.json"), "not even JSON");
  return dir;
}

test("[CLI-6, CLI-7] score follows the folder's own phones, each with an entry, in the order of the text", async () => {
  const dir = await corpus("given", { scp: true, phones: true });
  const out = join(folder, "given.jsonl");
  const { code, err } = await cli(["score", dir, "--split", "test", "--out", out, "--threads", "1"]);
  assert.equal(code, 0, err);
  const written = await readFile(out, "utf8");
  const lines = written
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ utt }) => utt),
    ["000010035", "000010011"],
  );
  const [birch, mark] = lines;
  assert.deepEqual(
    mark.phones.map(({ word, phone }: { word: number; phone: string }) => `${word} ${phone}`),
    [
      "0 M",
      "0 AA",
      "0 R",
      "0 K",
      "1 IH",
      "1 Z",
      "2 G",
      "2 OW",
      "2 IH",
      "2 NG",
      "3 T",
      "3 UW",
      "4 SPN_S",
      "5 EH",
      "5 L",
      "5 XX_I",
      "5 AH",
      "5 F",
      "5 AH",
      "5 N",
      "5 T",
    ],
  );
  assert.equal(birch.phones.length, 27);
  assert.deepEqual(
    birch.words.map(({ text }: { text: string }) => text),
    TEXT.toUpperCase().split(" "),
  );
  for (const { phones, words, accuracy, fluency, completeness, prosodic, total } of lines) {
    const scores = [
      ...phones.map(({ score }: { score: number }) => score),
      ...words.map((word: { accuracy: number }) => word.accuracy),
    ];
    for (const score of [...scores, accuracy, fluency, completeness, prosodic, total])
      assert.ok(score >= 0 && score <= 100);
    for (const { band } of phones) assert.match(band, /^(good|fair|poor)$/);
  }
  const again = join(folder, "again.jsonl");
  await cli(["score", dir, "--split", "test", "--out", again, "--threads", "2"]);
  assert.equal(await readFile(again, "utf8"), written);
});

test("[CLI-6, CLI-8] score takes the dictionary's phones and finds recordings by name; a missing one is told", async () => {
  const dir = await corpus("bare", { scp: false, phones: false });
  const out = join(folder, "bare.jsonl");
  const { code, err } = await cli(["score", dir, "--split", "test", "--out", out]);
  assert.equal(code, 0, err);
  const lines = (await readFile(out, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(lines[0].phones[0].phone, "DH");
  assert.equal(lines[1].words.length, 6);
  await rm(join(dir, "WAVE/SPEAKER0001/000010035.WAV"));
  const second = await cli(["score", dir, "--split", "test", "--out", out]);
  assert.equal(second.code, 1);
  const partly = (await readFile(out, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.match(partly[0].error, /recording/);
  assert.deepEqual(partly[1], lines[1]);
  assert.equal((await cli(["score", dir, "--out", out])).code, 2);
  assert.equal((await cli(["score", dir, "--split", "none", "--out", out])).code, 1);
  const unmodelled = await cli(["score", dir, "--split", "test", "--out", out, "--model", folder]);
  assert.equal(unmodelled.code, 1);
  assert.match(unmodelled.err, /no English language pack/);
});

test("[CLI-6] score scores every utterance, however many there are for the threads that are ready", async () => {
  const dir = join(folder, "many");
  await mkdir(join(dir, "WAVE"), { recursive: true });
  await Promise.all(["test", "resource"].map((name) => mkdir(join(dir, name))));
  const ids = Array.from({ length: 90 }, (_, i) => String(i).padStart(9, "0"));
  const short = await synthesise("hello");
  await Promise.all(ids.map((id) => writeWav(join(dir, "WAVE", `${id}.WAV`), short)));
  await writeFile(join(dir, "test", "text"), ids.map((id) => `${id}\tHELLO\n`).join(""));
  const phones = ids.map((id) => `${id}.0\tHH_B AH0_I L_I OW1_E\n`);
  await writeFile(join(dir, "resource", "text-phone"), phones.join(""));
  const out = join(folder, "many.jsonl");
  const { code, err } = await cli(["score", dir, "--split", "test", "--out", out, "--threads", "4"]);
  assert.equal(code, 0, err);
});

test("[CLI-8] an utterance without a recording keeps its entries, all 0; a file that can't be written is told", async () => {
  const dir = await corpus("silent", { scp: true, phones: true });
  await rm(join(dir, "WAVE/SPEAKER0001/000010035.WAV"));
  const out = join(folder, "silent.jsonl");
  assert.equal((await cli(["score", dir, "--split", "test", "--out", out])).code, 1);
  const [birch, mark] = (await readFile(out, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(mark.phones.length, 21);
  assert.equal(birch.phones.length, 27);
  assert.equal(birch.words.length, 8);
  assert.ok(birch.phones.every(({ score, band }: { score: number; band: string }) => score === 0 && band === "poor"));
  const lost = await cli(["score", dir, "--split", "test", "--out", join(folder, "none", "out.jsonl")]);
  assert.equal(lost.code, 1);
  assert.match(lost.err, /^ENOENT[^\n]*out\.jsonl[^\n]*\n$/);
});
