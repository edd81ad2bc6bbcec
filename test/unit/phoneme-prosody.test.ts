import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { resultOf, score } from "../support/reading.ts";
import { synthesise } from "../support/voice.ts";

const packDir = join(import.meta.dirname, "../../models/en");
const text = "we went to the market to buy fresh vegetables";
let pack: Pack;
let speech: Int16Array;

before(async () => {
  pack = await loadPack(packDir);
  speech = await synthesise(text, { voice: "slt" });
});

test("[SCORE-45] the serving code judges prosody and fluency as the nets that were trained", async () => {
  const { cases } = JSON.parse(await readFile(join(packDir, "prosody-check.json"), "utf8")) as {
    cases: { measures: number[]; scores: [number, number] }[];
  };
  assert.ok(cases.length >= 5);
  for (const { measures, scores } of cases) {
    const judged = pack.prosody?.judge(Float32Array.from(measures));
    assert.ok(judged && Math.abs(judged.prosody - scores[0]) < 1e-3, `${judged?.prosody} is not ${scores[0]}`);
    assert.ok(Math.abs(judged.fluency - scores[1]) < 1e-3);
  }
});

test("[SCORE-45] a pack without prosody gives results without it, and one with another's is refused", async () => {
  const dir = await mkdtemp(join(tmpdir(), "parlance-prosody-"));
  try {
    await cp(packDir, dir, { recursive: true });
    await rm(join(dir, "prosody.json"));
    const without = resultOf(await score(await loadPack(dir), speech, text));
    const { prosody, ...rest } = resultOf(await score(pack, speech, text));
    assert.equal(without.prosody, undefined);
    assert.ok(prosody !== undefined);
    assert.deepEqual([without.accuracy, without.total, without.words], [rest.accuracy, rest.total, rest.words]);
    const stored = JSON.parse(await readFile(join(packDir, "prosody.json"), "utf8"));
    stored.tensors.mean = { shape: [3], data: Buffer.from(Float32Array.of(1, 2, 3).buffer).toString("base64") };
    await writeFile(join(dir, "prosody.json"), JSON.stringify(stored));
    await assert.rejects(loadPack(dir), /other measures/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("[SCORE-46] words read one by one, with pauses between them, have less prosody and fluency than a sentence", async () => {
  const fluent = resultOf(await score(pack, speech, text));
  const pause = new Int16Array(11_000);
  const parts = fluent.words.map(({ startMs }, i) => {
    const from = i === 0 ? 0 : startMs * 16;
    return speech.subarray(from, (fluent.words[i + 1]?.startMs ?? Number.POSITIVE_INFINITY) * 16);
  });
  const halting = resultOf(await score(pack, Int16Array.from(parts.flatMap((part) => [...part, ...pause])), text));
  assert.equal(halting.outcome, "scored");
  assert.ok((fluent.prosody ?? 0) > 75, `fluent ${fluent.prosody}`);
  assert.ok(
    (halting.prosody ?? 0) < (fluent.prosody ?? 0) - 15,
    `halting ${halting.prosody}, fluent ${fluent.prosody}`,
  );
  assert.ok(halting.fluency < fluent.fluency - 15, `halting ${halting.fluency}, fluent ${fluent.fluency}`);
});

test("[SCORE-46] silence has no prosody, another text half of it at the most, and it stays within 0 to 100", async () => {
  const silence = resultOf(await score(pack, new Int16Array(48_000), text));
  assert.deepEqual([silence.prosody, silence.speaking], [undefined, undefined]);
  const other = resultOf(await score(pack, speech, "the quick brown fox jumps over a lazy dog"));
  assert.equal(other.outcome, "mismatch");
  assert.ok((other.prosody ?? 0) <= 50);
  const click = resultOf(await score(pack, speech.subarray(4000, 9000), "we"));
  assert.ok((click.prosody ?? 0) >= 0 && (click.prosody ?? 0) <= 100);
});
