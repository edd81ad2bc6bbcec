import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ParlanceError } from "#client";
import type { CallInput } from "#protocol";
import { modelDir, nextPush } from "../support/drill.ts";
import { type Guest, guest, startServer, type TestServer } from "../support/server.ts";

let scratch: string;
let server: TestServer;
let learner: Guest;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "parlance-packs-"));
  await cp(modelDir, join(scratch, "en"), { recursive: true });
  // Without a model, and without a word about itself.
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
    ["en"],
  );
  const [english] = languages;
  assert.equal(english?.quality.basis, "experts");
  assert.ok(english.sounds.some(({ phone, ipa, kind }) => phone === "TH" && ipa === "θ" && kind === "fricative"));
});

test("[DRILL-41] a region's tag stands for its language; one without a pack is refused with those there are", async () => {
  const { connection } = learner;
  const started = await connection.call("drill.start", { text: "hello", language: "en-GB" });
  assert.equal(started.language, "en");
  await connection.call("drill.cancel", { attemptId: started.attemptId });
  const error = await refusal({ text: "hallo", language: "de-AT" });
  assert.equal(error.code, "LANGUAGE_UNAVAILABLE");
  assert.deepEqual(error.details, { languages: ["en"] });
  assert.equal((await refusal({ drillId: "a1-weather", language: "de" })).code, "LANGUAGE_UNAVAILABLE");
  assert.equal((await refusal({ text: "hello", language: "english please" })).code, "INVALID_REQUEST");
});

test("[DRILL-42] drills are listed by language", async () => {
  const { connection } = learner;
  const all = (await connection.call("drill.list", {})).drills;
  assert.ok(all.length > 0 && all.every(({ language }) => language === "en"));
  assert.deepEqual((await connection.call("drill.list", { language: "en" })).drills, all);
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
