import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { Lexicon } from "../../src/phonemes/lexicon.ts";
import { AcousticModel, STEP_MELS } from "../../workers/phoneme/acoustic.ts";
import { type ScoreEvent, ScoringEngine } from "../../workers/phoneme/engine.ts";
import { loadPack, type Pack } from "../../workers/phoneme/pack.ts";
import { synthesise, type Voice } from "../support/voice.ts";

const packDir = join(import.meta.dirname, "../../models/es");
const lexicon = new Lexicon({ modelDir: packDir, kind: "spanish" });
let pack: Pack;
before(async () => {
  pack = await loadPack(packDir);
});

/** The result of `said` read as `text`. */
async function read(said: string, text = said, voice: Voice = "spanish") {
  const engine = new ScoringEngine(pack);
  let result: Extract<ScoreEvent, { type: "result" }> | undefined;
  const stream = engine.open(await lexicon.words(text), (event) => {
    if (event.type === "result") result = event;
  });
  stream.push(await synthesise(said, { voice }));
  stream.end();
  while (await engine.step());
  assert.ok(result);
  return result;
}

const TEXT = "El perro de mi hermana corre por la playa";

for (const voice of ["spanish", "castilian"] as const)
  test(`[SCORE-63] the right text is green for the most part: ${voice}`, async () => {
    for (const text of [TEXT, "Compramos pan y queso en la tienda", "La cereza roja cuesta cinco pesos"]) {
      const { outcome, words } = await read(text, text, voice);
      assert.equal(outcome, "scored");
      const bands = words.flatMap(({ phones }) => phones.map(({ band }) => band));
      assert.ok(bands.filter((band) => band === "good").length >= 0.85 * bands.length, `${text}: ${bands}`);
    }
  });

test("[SCORE-63] a sound that was exchanged is not green, and the one that was said is told", async () => {
  const exchanged = async (said: string, text: string, word: number, index: number, heard: string) => {
    const { outcome, words } = await read(said, text);
    assert.equal(outcome, "scored");
    const phone = words[word]?.phones[index];
    assert.notEqual(phone?.band, "good", `${said} read as ${text}`);
    assert.equal(phone?.heard, heard);
  };
  await exchanged("Mi cama es grande", "Mi casa es grande", 1, 2, "m");
  await exchanged("Quiero una gata", "Quiero una rata", 2, 0, "g");
  await exchanged("El perro de mi hermana come por la playa", TEXT, 5, 2, "m");
  await exchanged("Mi peso es muy bajo", "Mi beso es muy bajo", 1, 0, "p");
});

test("[SCORE-63] another text is a mismatch", async () => {
  for (const said of ["Compramos pan y queso en la tienda", "Mañana viajamos a la montaña con mis amigos"])
    assert.equal((await read(said, TEXT)).outcome, "mismatch", said);
});

test("[SCORE-64] likelihoods judge the phones: surer evidence, a higher score", () => {
  const { head } = pack;
  const classes = pack.phones.length;
  const features = (own: number, rival: number) => {
    const values = new Float32Array(classes + 13).fill(rival, 0, classes);
    // Mean, best and middle of the phone's own, its lead over its rivals twice, and how often it won.
    values.set([own, own, own, own - rival, own - rival, own > rival ? 1 : 0, own, 0.2, 1.5], classes);
    return values;
  };
  const scoreOf = (own: number, rival: number) =>
    head.final(head.take(features(own, rival), 3, 25, 25, null, new Float32Array(0)), null).score;
  assert.ok(scoreOf(-0.1, -5) > 1.8);
  assert.ok(scoreOf(-5, -0.1) < 0.5);
});

test("[SCORE-64] a pack whose judge was made for other phones is refused", async () => {
  const dir = await mkdtemp(join(tmpdir(), "parlance-es-"));
  try {
    await cp(packDir, dir, { recursive: true });
    await writeFile(join(dir, "judge.json"), '{"weights":[1],"bias":[0]}');
    await assert.rejects(loadPack(dir), /judge/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("[SCORE-3] the Spanish step graph gives the training graph's posteriors", async () => {
  const check = JSON.parse(await readFile(join(packDir, "check.json"), "utf8")) as { mel: number[]; logp: number[] };
  const model = new AcousticModel(pack.session, pack.manifest.acoustic, pack.phones.length, 1);
  const state = model.newState();
  const logp: number[] = [];
  for (let at = 0; at < check.mel.length; at += STEP_MELS) {
    model.input(0).set(check.mel.slice(at, at + STEP_MELS));
    await model.run([state]);
    logp.push(...model.logPosteriors.subarray(0, model.classes));
  }
  assert.equal(logp.length, check.logp.length);
  assert.ok(Math.max(...logp.map((value, i) => Math.abs(value - (check.logp[i] as number)))) < 2e-3);
});
