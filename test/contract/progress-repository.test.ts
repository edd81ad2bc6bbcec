import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type Attempt, type Band, pronunciationScore } from "#protocol";
import type { Database } from "../../src/db/database.ts";
import { onBothDatabases, storedGuest } from "../support/database.ts";

type Said = { phone: string; score: number; band?: Band; heard?: string; leftOut?: boolean };

/** Stores one reading of one word for a user. */
async function read(
  database: Database,
  userId: string,
  startedAtMs: number,
  said: Said[],
  extra: Partial<Attempt> = {},
): Promise<void> {
  const phones = said.map(({ band = "good", leftOut, ...phone }, i) => ({
    ...phone,
    band,
    startMs: i * 100,
    endMs: leftOut ? i * 100 : i * 100 + 80,
  }));
  await database.attempts.insert(userId, {
    id: randomUUID(),
    drillId: null,
    language: "en",
    text: "word",
    startedAtMs,
    outcome: "scored",
    accuracy: 80,
    fluency: 80,
    completeness: 100,
    total: 80,
    pronunciation: 84,
    audioMs: 1_000,
    insertions: [],
    words: [{ text: "word", score: 80, errorType: "none", startMs: 0, endMs: 1_000, phones }],
    ...extra,
  });
}

onBothDatabases("ProgressRepository", (database) => {
  test("[DRILL-50] readings are counted by period, from the first period on", async () => {
    const user = await storedGuest(database());
    for (const [at, audioMs] of [
      [999, 5_000],
      [1_000, 1_000],
      [1_999.5, 2_000],
      [3_000, 4_000],
      [9e12, 8_000],
    ] as const)
      await read(database(), user.id, at, [], { audioMs });
    const tallies = await database().progress.practised(user.id, [1_000, 2_000, 3_000]);
    assert.deepEqual(
      tallies.map(({ period, attempts, audioMs }) => ({ period, attempts, audioMs })),
      [
        { period: 0, attempts: 2, audioMs: 3_000 },
        { period: 2, attempts: 2, audioMs: 12_000 },
      ],
    );
  });

  test("[DRILL-50] a period's score is the mean of its readings' pronunciation scores, with prosody and without", async () => {
    const user = await storedGuest(database());
    const parts = [
      { accuracy: 90, fluency: 60, completeness: 100 },
      { accuracy: 70, fluency: 80, completeness: 75, prosody: 40 },
      { accuracy: 35, fluency: 80, completeness: 100, prosody: 90 },
    ];
    for (const [at, each] of parts.entries()) await read(database(), user.id, at, [], each);
    const [tally] = await database().progress.practised(user.id, [0]);
    const mean = parts.reduce((sum, each) => sum + pronunciationScore(each), 0) / parts.length;
    assert.ok(Math.abs((tally?.pronunciation ?? 0) - mean) < 0.05, `${tally?.pronunciation} and ${mean}`);
  });

  test("[DRILL-50] silence, other texts and other people's readings don't count; what broke off does", async () => {
    const [user, other] = [await storedGuest(database()), await storedGuest(database())];
    const said = [{ phone: "TH", score: 50 }];
    for (const outcome of ["silence", "mismatch", "incomplete"] as const)
      await read(database(), user.id, 10, said, { outcome });
    await read(database(), other.id, 10, said);
    const [period, ...others] = await database().progress.practised(user.id, [0]);
    assert.equal(period?.attempts, 1);
    assert.deepEqual(others, []);
    const [tally] = await database().progress.phones(user.id, "en", [0], 100);
    assert.equal(tally?.count, 1);
  });

  test("[DRILL-52] sounds are counted by period and by what was heard, without those that were left out", async () => {
    const user = await storedGuest(database());
    await read(database(), user.id, 5, [
      { phone: "TH", score: 20, band: "poor", heard: "S" },
      { phone: "TH", score: 30, band: "poor", heard: "S" },
      { phone: "TH", score: 90 },
      { phone: "TH", score: 0, band: "poor", leftOut: true },
    ]);
    await read(database(), user.id, 15, [{ phone: "TH", score: 70.5, band: "fair", heard: "S" }]);
    const found = await database().progress.phones(user.id, "en", [0, 10], 100);
    const order = (a: (typeof found)[number]) => `${a.period} ${a.heard}`;
    assert.deepEqual(
      found.sort((a, b) => order(a).localeCompare(order(b))),
      [
        { period: 0, phone: "TH", heard: null, count: 1, scores: 90, poor: 0 },
        { period: 0, phone: "TH", heard: "S", count: 2, scores: 50, poor: 2 },
        { period: 1, phone: "TH", heard: "S", count: 1, scores: 70.5, poor: 0 },
      ],
    );
  });

  test("[DRILL-52] each language has its own sounds", async () => {
    const user = await storedGuest(database());
    await read(database(), user.id, 1, [{ phone: "S", score: 50 }]);
    await read(database(), user.id, 1, [{ phone: "R", score: 50 }], { language: "es" });
    const phones = async (language: string) =>
      (await database().progress.phones(user.id, language, [0], 10)).map(({ phone }) => phone);
    assert.deepEqual([await phones("en"), await phones("es"), await phones("cs")], [["S"], ["R"], []]);
  });

  test("[DRILL-52] only the newest readings' sounds are counted", async () => {
    const user = await storedGuest(database());
    for (const at of [3, 1, 2]) await read(database(), user.id, at, [{ phone: `P${at}`, score: 50 }]);
    const phones = (await database().progress.phones(user.id, "en", [0], 2)).map(({ phone }) => phone);
    assert.deepEqual(phones.sort(), ["P2", "P3"]);
  });

  test("who has read nothing has no tallies", async () => {
    const user = await storedGuest(database());
    assert.deepEqual(await database().progress.practised(user.id, [0]), []);
    assert.deepEqual(await database().progress.phones(user.id, "en", [0], 10), []);
  });
});
