import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { ParlanceError } from "#client";
import type { Attempt, ScoredPhone } from "#protocol";
import type { Database } from "../../src/db/database.ts";
import { Practice } from "../../src/drills/practice.ts";
import { Lexicon } from "../../src/phonemes/lexicon.ts";
import { embeddedDatabase, storedGuest } from "../support/database.ts";
import { modelDir } from "../support/drill.ts";
import { guest, startServer } from "../support/server.ts";

const NOW_MS = Date.parse("2026-11-20T14:00:00Z");
const DAY_MS = 86_400_000;

let database: Database;
let practice: Practice;
before(async () => {
  database = await embeddedDatabase();
  practice = new Practice({ ...database, pronouncer: new Lexicon({ modelDir }) });
});
after(() => database?.close());

/** One reading some days ago, in which these sounds were said. */
async function read(userId: string, daysAgo: number, said: Partial<ScoredPhone>[] = []): Promise<void> {
  const phones = said.map((phone) => ({
    phone: "TH",
    score: 95,
    band: "good" as const,
    startMs: 0,
    endMs: 80,
    ...phone,
  }));
  const attempt: Attempt = {
    id: randomUUID(),
    drillId: null,
    language: "en",
    text: "word",
    startedAtMs: NOW_MS - daysAgo * DAY_MS,
    outcome: "scored",
    accuracy: 80,
    fluency: 80,
    completeness: 100,
    total: 80,
    pronunciation: 84,
    audioMs: 1_500,
    insertions: [],
    words: [{ text: "word", score: 80, errorType: "none", startMs: 0, endMs: 80, phones }],
  };
  await database.attempts.insert(userId, attempt);
}
const progressOf = (userId: string, days = 30) =>
  practice.progress(userId, { timeZone: "Europe/Prague", days, language: "en" }, NOW_MS);

test("[DRILL-50] who has not read anything has an empty progress and no list", async () => {
  const { id } = await storedGuest(database);
  const { firstDay, today, periods, ...rest } = await progressOf(id);
  assert.deepEqual(rest, { streakDays: 0, days: [], phones: [] });
  assert.deepEqual([firstDay, today], ["2026-10-22", "2026-11-20"]);
  assert.equal(periods.length, 10);
  assert.equal(periods[0], firstDay);
  assert.deepEqual(await practice.list(id, { language: "en" }, NOW_MS), { targets: [] });
});

test("[DRILL-50] days with readings are told by the learner's calendar", async () => {
  const { id } = await storedGuest(database);
  // 23:30 UTC on the 18th is the 19th in Prague.
  await read(id, 1 + 14.5 / 24);
  await read(id, 1);
  await read(id, 29);
  await read(id, 31);
  const { days } = await progressOf(id);
  assert.deepEqual(days, [
    { day: "2026-10-22", attempts: 1, audioMs: 1_500, pronunciation: 84 },
    { day: "2026-11-19", attempts: 2, audioMs: 3_000, pronunciation: 84 },
  ]);
});

test("[DRILL-51] a streak holds while today is not over, breaks with a day without a reading, and may fill years", async () => {
  const { id } = await storedGuest(database);
  const streak = async () => (await progressOf(id, 7)).streakDays;
  await read(id, 3);
  assert.equal(await streak(), 0);
  await read(id, 1);
  assert.equal(await streak(), 1);
  await read(id, 2);
  assert.equal(await streak(), 3);
  await read(id, 0);
  await read(id, 0);
  assert.equal(await streak(), 4);
  for (let day = 4; day < 800; day++) await read(id, day);
  await read(id, 801);
  assert.equal(await streak(), 800);
});

test("[DRILL-52] sounds are told with their mean, what was heard, their change and their course, the worst first", async () => {
  const { id } = await storedGuest(database);
  const bad = { score: 30, band: "poor" as const, heard: "S" };
  await read(id, 28, [bad, bad, bad, { ...bad, heard: "T" }, {}, { phone: "K" }]);
  await read(id, 1, [bad, {}, {}, {}, {}]);
  const { phones, periods } = await progressOf(id);
  assert.deepEqual(phones, [
    {
      phone: "TH",
      count: 10,
      score: 62.5,
      poor: 5,
      change: 82 - 43,
      heard: [
        { phone: "S", count: 4 },
        { phone: "T", count: 1 },
      ],
      points: [
        { period: 0, count: 5, score: 43 },
        { period: periods.length - 1, count: 5, score: 82 },
      ],
    },
    { phone: "K", count: 1, score: 95, poor: 0, change: null, heard: [], points: [{ period: 0, count: 1, score: 95 }] },
  ]);
  for (const days of [1, 7, 14, 15, 90, 366]) assert.ok((await progressOf(id, days)).periods.length <= 14);
});

test("[DRILL-53] the list takes the worst sounds with enough behind them, and finds what to read for them", async () => {
  const { id } = await storedGuest(database);
  const bad = { score: 30, band: "poor" as const, heard: "S" };
  await read(id, 5, Array(7).fill(bad));
  assert.deepEqual(await practice.list(id, { language: "en" }, NOW_MS), { targets: [] });
  await read(id, 4, [bad]);
  await read(id, 4, Array(20).fill({ phone: "K" }));
  await read(id, 4, Array(10).fill({ phone: "ZH", score: 60, band: "fair" }));
  await read(id, 61, Array(20).fill({ phone: "P", score: 0 }));
  const { targets } = await practice.list(id, { language: "en" }, NOW_MS);
  assert.deepEqual(
    targets.map(({ phone, count, score, heard }) => ({ phone, count, score, heard })),
    [
      { phone: "TH", count: 8, score: 30, heard: "S" },
      { phone: "ZH", count: 10, score: 60, heard: null },
    ],
  );
  const [th, zh] = targets;
  assert.match(th?.drills[0]?.focus ?? "", /^th /);
  const known = {
    think: "sink",
    thick: "sick",
    thumb: "sum",
    path: "pass",
    mouth: "mouse",
    math: "mass",
    faith: "face",
  };
  assert.equal(th?.pairs.length, 4);
  assert.ok(
    th.pairs.some(([word, other]) => known[word as keyof typeof known] === other),
    JSON.stringify(th.pairs),
  );
  assert.ok(th.words.length >= 4 && th.words.every((word) => word.includes("th")), String(th.words));
  assert.equal(zh?.drills[0]?.id, "b1-measure-vision");
  assert.deepEqual(zh.pairs, []);
});

test("[DRILL-53] a sound that no sentence holds is listed without any", async () => {
  const { id } = await storedGuest(database);
  await read(id, 1, Array(8).fill({ phone: "?", score: 10 }));
  const { targets } = await practice.list(id, { language: "en" }, NOW_MS);
  assert.deepEqual(targets, [{ phone: "?", count: 8, score: 10, heard: null, words: [], pairs: [], drills: [] }]);
});

test("[DRILL-50] over the wire: a fresh learner's progress, and what is refused", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { connection } = await guest(server.url, "Ann");
  t.after(() => connection.close());
  const { days, streakDays } = await connection.call("practice.progress", { timeZone: "America/New_York" });
  assert.deepEqual({ days, streakDays }, { days: [], streakDays: 0 });
  assert.deepEqual(await connection.call("practice.list", {}), { targets: [] });
  for (const wrong of [
    { timeZone: "Mars/Olympus" },
    { timeZone: "+01:00" },
    { timeZone: "x".repeat(65) },
    { timeZone: "UTC", days: 367 },
    { timeZone: "UTC", days: 0 },
  ])
    await assert.rejects(connection.call("practice.progress", wrong), (error: ParlanceError) => {
      assert.equal(error.code, "INVALID_REQUEST");
      return true;
    });
});
