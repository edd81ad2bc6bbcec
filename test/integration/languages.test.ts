import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DrillSession, type ParlanceError } from "#client";
import type { CallInput } from "#protocol";
import { modelDir, nextPush } from "../support/drill.ts";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";
import { synthesise } from "../support/voice.ts";

let scratch: string;
let server: TestServer;
let learner: Guest;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "parlance-packs-"));
  await cp(modelDir, join(scratch, "en"), { recursive: true });
  await cp(join(modelDir, "../es"), join(scratch, "es"), { recursive: true });
  // One whose model is none, and one without a word about itself.
  const manifest = await readFile(join(scratch, "es/manifest.json"), "utf8");
  await cp(join(scratch, "es"), join(scratch, "xx"), { recursive: true });
  await writeFile(join(scratch, "xx/manifest.json"), manifest.replace('"language": "es"', '"language": "xx"'));
  await writeFile(join(scratch, "xx/acoustic.onnx"), "no model");
  await mkdir(join(scratch, "broken"));
  await writeFile(join(scratch, "broken/manifest.json"), "{}");
  server = await startServer({ PARLANCE_MODEL_DIR: scratch });
  learner = await guest(server.url, "Ann");
});
after(async () => {
  learner?.connection.close();
  await server?.stop();
  await rm(scratch, { recursive: true, force: true });
});

const refusal = (request: CallInput<"drill.start">) =>
  learner.connection.call("drill.start", request).then(
    () => assert.fail("it was started"),
    (error: ParlanceError) => error,
  );

test("[DRILL-40, SCORE-60] the languages that have a whole pack are told, with their sounds and quality", async () => {
  const { languages } = await learner.connection.call("drill.languages", {});
  assert.deepEqual(
    languages.map(({ language }) => language),
    ["en", "es"],
  );
  const [english, spanish] = languages;
  assert.equal(english?.quality.basis, "experts");
  assert.equal(spanish?.quality.basis, "synthetic");
  assert.ok(spanish.sounds.some(({ phone, ipa, kind }) => phone === "rr" && ipa === "r" && kind === "trill"));
  assert.ok(english.sounds.some(({ phone, ipa, kind }) => phone === "TH" && ipa === "θ" && kind === "fricative"));
});

test("[DRILL-41] a region's tag stands for its language; one without a pack is refused with those there are", async () => {
  const { connection } = learner;
  const started = await connection.call("drill.start", { text: "hello", language: "en-GB" });
  assert.equal(started.language, "en");
  await connection.call("drill.cancel", { attemptId: started.attemptId });
  const error = await refusal({ text: "hallo", language: "de-AT" });
  assert.equal(error.code, "LANGUAGE_UNAVAILABLE");
  assert.deepEqual(error.details, { languages: ["en", "es"] });
  assert.equal((await refusal({ drillId: "a1-weather", language: "de" })).code, "LANGUAGE_UNAVAILABLE");
  assert.equal((await refusal({ text: "hello", language: "english please" })).code, "INVALID_REQUEST");
  const mixedUp = await refusal({ drillId: "a1-weather", language: "es" });
  assert.deepEqual([mixedUp.code, mixedUp.details?.path], ["INVALID_REQUEST", "language"]);
  const spanish = await connection.call("drill.start", { drillId: "es-a1-perro", language: "es-MX" });
  assert.deepEqual([spanish.language, spanish.words[1]?.phones], ["es", ["p", "e", "rr", "o"]]);
  await connection.call("drill.cancel", { attemptId: spanish.attemptId });
});

test("[DRILL-42] drills are listed by language", async () => {
  const { connection } = learner;
  const all = (await connection.call("drill.list", {})).drills;
  assert.deepEqual([...new Set(all.map(({ language }) => language))], ["en", "es"]);
  for (const language of ["en", "es"]) {
    const { drills } = await connection.call("drill.list", { language });
    assert.ok(drills.length > 0);
    assert.deepEqual(
      drills,
      all.filter((drill) => drill.language === language),
    );
  }
  await assert.rejects(connection.call("drill.list", { language: "de" }), { code: "LANGUAGE_UNAVAILABLE" });
});

test("[DRILL-43] an attempt tells its language", async () => {
  const { connection } = learner;
  const { attemptId } = await connection.call("drill.start", { text: "hello" });
  const result = nextPush(connection, "drill.result");
  const { attempt } = await connection.call("drill.finish", { attemptId });
  await result;
  assert.equal(attempt.language, "en");
  const { attempts } = await connection.call("drill.history", {});
  assert.equal(attempts[0]?.language, "en");
});

test("[SCORE-61] readings in two languages are judged at once, each with its own sounds", async () => {
  const texts = { en: "The weather is better there than here", es: "El perro corre por la playa" };
  const read = async (language: "en" | "es", voice: "slt" | "spanish") => {
    const { connection } = await guest(server.url, language);
    const session = new DrillSession(connection);
    await session.start({ text: texts[language], language });
    session.feed(await synthesise(texts[language], { voice }));
    const attempt = await session.finish();
    connection.close();
    return attempt;
  };
  const attempts = await Promise.all([
    read("en", "slt"),
    read("es", "spanish"),
    read("es", "spanish"),
    read("en", "slt"),
  ]);
  for (const { outcome, language, words } of attempts) {
    assert.equal(outcome, "scored");
    const names = words.flatMap(({ phones }) => phones.map(({ phone }) => phone));
    assert.ok(names.every((phone) => (language === "es" ? /^[a-z]+$/ : /^[A-Z]+$/).test(phone)));
    const good = words.flatMap(({ phones }) => phones).filter(({ band }) => band === "good").length;
    assert.ok(good > 0.7 * names.length, `${language}: ${good} of ${names.length}`);
  }
  assert.deepEqual(
    attempts.map(({ language }) => language),
    ["en", "es", "es", "en"],
  );
});
