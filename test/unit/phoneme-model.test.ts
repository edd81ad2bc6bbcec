import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AcousticModel, STEP_MELS } from "../../workers/phoneme/acoustic.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { contextOf } from "../../workers/phoneme/profile.ts";
import type { ReadPhone } from "../../workers/phoneme/refiner.ts";

/** What train_refine.py wrote of one sentence; features are 32-bit floats in base64, a row per phone. */
interface RefineCase {
  features: string;
  phone: number[];
  prev: number[];
  next: number[];
  word: number[];
  pace: number[];
  earlier: number[][];
  profile: number[];
  scores: { phones: number[]; words: number[]; sentence: number[] };
}

const packDir = join(import.meta.dirname, "../../models/en");
let pack: Pack;
let check: { mel: number[]; logp: number[] };
let scratch: string;

before(async () => {
  pack = await loadPack(packDir);
  check = JSON.parse(await readFile(join(packDir, "check.json"), "utf8"));
  scratch = await mkdtemp(join(tmpdir(), "parlance-pack-"));
});
after(() => rm(scratch, { recursive: true }));

/** Posteriors of the check sentence for each speaker of a batch, who start one step after the other. */
async function replay(batch: number): Promise<number[][]> {
  const model = new AcousticModel(pack.session, pack.manifest.acoustic, pack.phones.length, batch);
  const speakers = Array.from({ length: batch }, (_, i) => ({
    state: model.newState(),
    wait: i,
    logp: [] as number[],
  }));
  const steps = check.mel.length / STEP_MELS;
  for (let turn = 0; turn < steps + batch; turn++) {
    const active = speakers.filter((s) => turn >= s.wait && s.state.step < steps);
    if (active.length === 0) continue;
    for (const [row, s] of active.entries())
      model.input(row).set(check.mel.slice(s.state.step * STEP_MELS, (s.state.step + 1) * STEP_MELS));
    await model.run(active.map((s) => s.state));
    for (const [row, s] of active.entries())
      s.logp.push(...model.logPosteriors.subarray(row * model.classes, (row + 1) * model.classes));
  }
  return speakers.map((s) => s.logp);
}

test("[SCORE-3] the served step graph gives the training graph's posteriors, alone and beside others", async () => {
  for (const batch of [1, 5]) {
    for (const logp of await replay(batch)) {
      assert.equal(logp.length, check.logp.length);
      const worst = Math.max(...logp.map((value, i) => Math.abs(value - (check.logp[i] as number))));
      assert.ok(worst < 2e-3, `differs by ${worst}`);
    }
  }
});

test("[SCORE-4] a pack knows 39 phones and silence", () => {
  assert.equal(pack.phones.length, 40);
  assert.equal(pack.phones.at(-1), "SIL");
  for (const phone of ["AA", "DH", "NG", "ZH"]) assert.ok(pack.phones.includes(phone));
});

test("[SCORE-4] a broken pack is refused with what is broken", async () => {
  const broken = async (name: string, file: string, text: string, expected: RegExp) => {
    const dir = join(scratch, name);
    await cp(packDir, dir, { recursive: true });
    await writeFile(join(dir, file), text);
    await assert.rejects(loadPack(dir), expected);
  };
  await assert.rejects(loadPack(join(scratch, "nowhere")), /manifest\.json/);
  await broken("a", "manifest.json", "{", /JSON/);
  await broken("b", "manifest.json", "{}", /phones/);
  await broken("c", "head.json", "{}", /head/);
  await broken("d", "acoustic.onnx", "no model", /./);
  const head = JSON.parse(await readFile(join(packDir, "head.json"), "utf8"));
  head.nets[0]["final.2.bias"].data = Buffer.from(Float32Array.of(Number.NaN).buffer).toString("base64");
  await broken("e", "head.json", JSON.stringify(head), /finite/);
  await broken("f", "refine.json", '{"nets":[]}', /refiner: no nets/);
  const refine = JSON.parse(await readFile(join(packDir, "refine.json"), "utf8"));
  refine.nets[0]["phone.2.bias"].data = "AAAAAA==";
  refine.nets[0]["phone.2.bias"].shape = [3];
  await broken("g", "refine.json", JSON.stringify(refine), /wrong size/);
});

test("[SCORE-18] the serving code judges whole sentences as the nets that were trained", async () => {
  const { cases } = JSON.parse(await readFile(join(packDir, "refine-check.json"), "utf8")) as { cases: RefineCase[] };
  assert.ok(cases.length >= 3);
  for (const { features, phone, prev, next, word, pace, earlier, profile, scores } of cases) {
    const bytes = Buffer.from(features, "base64");
    const values = Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    const width = values.length / phone.length;
    const phones: ReadPhone[] = phone.map((id, i) => ({
      word: word[i] as number,
      phone: id,
      prev: prev[i] as number,
      next: next[i] as number,
      features: values.subarray(i * width, (i + 1) * width),
      said: 1,
    }));
    const spoken = {
      phonesPerSecond: (pace[0] as number) * 10,
      pauseShare: pace[1] as number,
      longestPauseSteps: Math.expm1(pace[2] as number),
    };
    const known = earlier.map((values) => ({ model: "own", values }));
    const judged = pack.refiner.judge(phones, spoken, contextOf(known, "own", profile.length));
    assert.ok(judged.profile?.every((value, i) => Math.abs(value - (profile[i] as number)) < 0.002));
    const expected = [
      ...scores.phones.map((score) => Math.max(0, Math.min(2, score))),
      ...[...scores.words, ...scores.sentence].map((score) => 5 * score),
    ];
    const got = [...judged.phones, ...judged.words.values(), judged.accuracy, judged.fluency, judged.total];
    assert.equal(got.length, expected.length);
    const worst = Math.max(...got.map((value, i) => Math.abs(value - (expected[i] as number))));
    assert.ok(worst < 1e-3, `differs by ${worst}`);
  }
});
