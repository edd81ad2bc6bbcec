import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AcousticModel, STEP_MELS } from "../../workers/phoneme/acoustic.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";

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
  head["final.2.bias"].data = Buffer.from(Float32Array.of(Number.NaN).buffer).toString("base64");
  await broken("e", "head.json", JSON.stringify(head), /finite/);
});
