import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { Publisher, PushName } from "#protocol";
import type { Database } from "../../src/db/database.ts";
import { Drills, type DrillsOptions, type DrillTimes, type Learner } from "../../src/drills/drills.ts";
import type { Scoring } from "../../src/drills/ports.ts";
import { AppError } from "../../src/lib/app-error.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { coach } from "../../src/phonemes/coach.ts";
import { readLanguages } from "../../src/phonemes/languages.ts";
import { Lexicon } from "../../src/phonemes/lexicon.ts";
import { ScoringPool } from "../../src/phonemes/pool.ts";
import { embeddedDatabase, silent as log, storedGuest } from "../support/database.ts";
import { frameOf, modelDir, silence } from "../support/drill.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

const TEXT = "Hello world";
const source = { kind: "socket", sampleRate: 16_000 } as const;
const asked = { text: TEXT, feedback: "live" } as const;
let database: Database;
let scoring: ScoringPool;
const pronouncer = new Lexicon({ modelDir });
const languages = [...(await readLanguages(modelDir, log)).values()].map(({ about }) => about);

before(async () => {
  scoring = new ScoringPool({ threads: 1, streamsPerThread: 50, modelDir, log, metrics: createMetrics() });
  database = await embeddedDatabase();
  await scoring.ready();
});
after(async () => {
  scoring.close();
  await database.close();
});

/** Real drills, with a record of what is pushed. */
async function practice(times: Partial<DrillTimes> = {}, parts: Partial<DrillsOptions> = {}) {
  const pushes: { name: PushName; payload: unknown }[] = [];
  const publisher: Publisher = {
    publish: (_to, name, payload) => pushes.push({ name, payload }),
    subscribe: async () => {},
    unsubscribe: async () => {},
  };
  const audioTap = { tap: () => Promise.reject(new AppError("NO_MICROPHONE_TRACK")) };
  const drills = new Drills({
    ...{ languages, drills: database.drills, attempts: database.attempts },
    ...{ pronouncer, coach, scoring, audioTap, publisher },
    ...{ log, metrics: createMetrics(), times },
    ...parts,
  });
  const { id: userId } = await storedGuest(database);
  const learner: Learner = { userId, connectionId: randomUUID() };
  const names = () => new Set(pushes.map(({ name }) => name));
  const stored = async () => (await drills.history(learner, { limit: 10 })).attempts;
  return { drills, learner, pushes, names, stored };
}

test("[DRILL-16] a drill without audio ends as if finished", async () => {
  const { drills, learner, names, stored } = await practice({ idleMs: 30 });
  const { attemptId } = await drills.start(learner, { ...asked, source });
  await until("it ended", () => !drills.busy(learner.connectionId));
  assert.ok(names().has("drill.result"));
  const { attempt } = await drills.finish(learner, attemptId);
  assert.equal(attempt.id, attemptId);
  assert.equal((await stored()).length, 1);
});

test("[DRILL-16] a drill that never stops ends too", async () => {
  const { drills, learner, names } = await practice({ wholeMs: 100 });
  await drills.start(learner, { ...asked, source });
  let number = 0;
  await until("it ended", () => {
    try {
      drills.frame(learner.connectionId, frameOf(number++, silence(0.02)));
      return false;
    } catch (error) {
      return (error as AppError).code === "DRILL_NOT_RUNNING" && !drills.busy(learner.connectionId);
    }
  });
  assert.ok(names().has("drill.result"));
});

test("[DRILL-15] a connection that goes while its drill starts leaves no drill behind", async () => {
  const { drills, learner, stored } = await practice();
  const streams = scoring.openStreams;
  const starting = drills.start(learner, { ...asked, source });
  drills.disconnected(learner.connectionId);
  await assert.rejects(starting, { code: "UNAVAILABLE" });
  assert.deepEqual([drills.busy(learner.connectionId), scoring.openStreams, await stored()], [false, streams, []]);
});

test("[DRILL-21] without a microphone in the room nothing is started", async () => {
  const { drills, learner } = await practice();
  const streams = scoring.openStreams;
  const room = { kind: "room", roomId: "anywhere" } as const;
  await assert.rejects(drills.start(learner, { ...asked, source: room }), { code: "NO_MICROPHONE_TRACK" });
  assert.deepEqual([drills.busy(learner.connectionId), scoring.openStreams], [false, streams]);
  const { attemptId } = await drills.start(learner, { ...asked, source });
  drills.cancel(learner, attemptId);
});

test("[DRILL-13] a result that can't be stored is told, and said to be retryable", async () => {
  const attempts = { ...database.attempts, insert: () => Promise.reject(new Error("the disk is full")) };
  const { drills, learner, names } = await practice({}, { attempts });
  const { attemptId } = await drills.start(learner, { ...asked, source });
  await assert.rejects(drills.finish(learner, attemptId), { code: "UNAVAILABLE" });
  assert.ok(names().has("drill.result"), "the learner still sees the judgement");
  assert.equal(drills.busy(learner.connectionId), false);
});

test("[DRILL-65] what a reading told of its learner is stored, never sent, and given to the judging of the next", async () => {
  const given: unknown[] = [];
  const listened: Scoring = {
    serves: (language) => scoring.serves(language),
    open(words, from, listener, options) {
      given.push(options?.earlier);
      return scoring.open(words, from, listener, options);
    },
  };
  const { drills, learner, pushes } = await practice({}, { scoring: listened });
  const text = "We went to the market to buy fresh vegetables";
  const pcm = await synthesise(text);
  for (let reading = 0; reading < 2; reading++) {
    const { attemptId } = await drills.start(learner, { text, feedback: "live", source });
    for (let at = 0, number = 0; at < pcm.length; at += 1_600)
      drills.frame(learner.connectionId, frameOf(number++, pcm.subarray(at, at + 1_600)));
    const { attempt } = await drills.finish(learner, attemptId);
    assert.equal(attempt.outcome, "scored");
    assert.ok(!("profile" in attempt));
  }
  assert.ok(!JSON.stringify(pushes).includes('"profile"'));
  const stored = await database.attempts.profiles(learner.userId, "en", 20);
  assert.equal(stored.length, 2);
  assert.deepEqual(given, [[], stored.slice(0, 1)]);
  // A reading can be judged without them too.
  const attempts = { insert: async () => {}, profiles: () => Promise.reject(new Error("the disk is gone")) };
  const alone = await practice({}, { attempts: attempts as unknown as DrillsOptions["attempts"], scoring: listened });
  const { attemptId } = await alone.drills.start(alone.learner, { ...asked, source });
  await alone.drills.finish(alone.learner, attemptId);
  assert.deepEqual(given[2], []);
});

test("[DRILL-18] when scoring is gone for good, the drill fails with a code and another may start", async () => {
  const own = new ScoringPool({ threads: 1, streamsPerThread: 2, modelDir, log, metrics: createMetrics() });
  await own.ready();
  const { drills, learner, pushes } = await practice({}, { scoring: own });
  const { attemptId } = await drills.start(learner, { ...asked, source });
  const finished = drills.finish(learner, attemptId);
  own.close();
  await assert.rejects(finished, { code: "SCORING_UNAVAILABLE" });
  const failed = pushes.filter(({ name }) => name === "drill.failed").map(({ payload }) => payload);
  const { message } = new AppError("SCORING_UNAVAILABLE");
  assert.deepEqual(failed, [{ attemptId, error: { code: "SCORING_UNAVAILABLE", message, retryable: true } }]);
  assert.equal(drills.busy(learner.connectionId), false);
});

test("[DRILL-13] closing ends the drills that run, stores what they gave, and takes no more", async () => {
  const { drills, learner, stored } = await practice();
  await drills.start(learner, { ...asked, source });
  drills.frame(learner.connectionId, frameOf(0, silence(0.1)));
  await drills.close();
  await drills.close();
  assert.equal(drills.busy(learner.connectionId), false);
  assert.equal((await stored()).length, 1);
  await assert.rejects(drills.start(learner, { ...asked, source }), { code: "DRAINING" });
});
