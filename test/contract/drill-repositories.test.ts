import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type Attempt, attempt as attemptSchema, drillItem, limits, pronunciationScore } from "#protocol";
import { onBothDatabases, storedGuest } from "../support/database.ts";

function attempt(extra: Partial<Attempt> = {}): Attempt {
  const phone = { band: "good" as const, startMs: 10.5, endMs: 90 };
  const parts = { accuracy: 81.5, fluency: 70, completeness: 66.7 };
  return {
    id: randomUUID(),
    drillId: null,
    language: "en",
    text: "The cat sat",
    startedAtMs: 1_800_000_000_000,
    outcome: "scored",
    ...parts,
    total: 75.25,
    pronunciation: pronunciationScore({ ...parts, ...extra }),
    insertions: [],
    audioMs: 2_340,
    words: [
      {
        ...{ text: "The", score: 88.2, errorType: "none", startMs: 10.5, endMs: 170 },
        phones: [
          { ...phone, phone: "DH", score: 90.1 },
          { ...phone, phone: "AH", score: 45, band: "poor", heard: "IH" },
        ],
      },
      { text: "cat", score: 0, errorType: "omission", startMs: 170, endMs: 170, phones: [] },
    ],
    ...extra,
  };
}

onBothDatabases("AttemptRepository", (database) => {
  test("an attempt comes back with every word and phone as it was stored", async () => {
    const user = await storedGuest(database());
    const stored = attempt({ drillId: "a1-weather" });
    await database().attempts.insert(user.id, stored);
    assert.deepEqual(await database().attempts.byId(user.id, stored.id), stored);
  });

  test("[DRILL-65] the newest profiles of a user's readings in a language come back, the newest last", async () => {
    const [user, other] = [await storedGuest(database()), await storedGuest(database())];
    const profile = (value: number) => ({ model: "2", values: [value, -0.125] });
    const { attempts } = database();
    for (const [i, at] of [3, 1, 2, 4].entries())
      await attempts.insert(user.id, attempt({ startedAtMs: 1_000 * at }), profile(100 + i));
    await attempts.insert(user.id, attempt({ startedAtMs: 5_000 }));
    await attempts.insert(user.id, attempt({ startedAtMs: 6_000, language: "es" }), profile(7));
    await attempts.insert(other.id, attempt({ startedAtMs: 7_000 }), profile(8));
    assert.deepEqual(await attempts.profiles(user.id, "en", 3), [profile(102), profile(100), profile(103)]);
    assert.deepEqual(await attempts.profiles(user.id, "es", 3), [profile(7)]);
    assert.deepEqual(await attempts.profiles(user.id, "de", 3), []);
  });

  test("[DB-9] all details of a result come back as they were stored", async () => {
    const user = await storedGuest(database());
    const { words } = attempt();
    const [the, cat] = [words[0]!, words[1]!];
    const [first, second] = [the.phones[0]!, the.phones[1]!];
    const feedback = {
      ...{ fault: "substituted" as const, differs: ["height" as const, "length" as const] },
      ...{ hint: "It’s “uh”, not “ih”: {open} \\ your jaw.", typical: true },
    };
    const nBest = [
      { phone: "IH", score: 100 },
      { phone: "AH", score: 40 },
    ];
    const stored = attempt({
      prosody: 61.5,
      speaking: {
        ...{ phonesPerSecond: 9.25, wordsPerMinute: 131, pauses: 2, longestPauseMs: 480, pauseShare: 0.125 },
        pitchRangeSemitones: 7.5,
      },
      insertions: [
        { text: "the", kind: "repetition", beforeWord: 1, startMs: 100, endMs: 170 },
        { text: null, kind: "other", beforeWord: 2, startMs: 200, endMs: 900.5 },
      ],
      words: [
        { ...the, stress: { expected: 0, heard: 1, score: 12.5 }, phones: [first, { ...second, nBest, feedback }] },
        cat,
      ],
    });
    await database().attempts.insert(user.id, stored);
    assert.deepEqual(await database().attempts.byId(user.id, stored.id), stored);
    const [summary] = await database().attempts.history(user.id, { limit: 1 });
    assert.equal(summary?.prosody, 61.5);
    assert.equal(summary?.pronunciation, stored.pronunciation);
  });

  test("[DB-9] attempts from before there were details are read as having none", async () => {
    const user = await storedGuest(database());
    const { words, insertions: _, pronunciation: __, ...before } = attempt();
    const { db } = database();
    const attemptId = before.id;
    await db
      .insertInto("attempts")
      .values({ ...before, userId: user.id })
      .execute();
    for (const [wordIndex, { phones, stress: _, ...word }] of words.entries()) {
      await db
        .insertInto("attemptWords")
        .values({ ...word, attemptId, wordIndex })
        .execute();
      for (const [phoneIndex, { nBest: _, feedback: __, ...phone }] of phones.entries())
        await db
          .insertInto("attemptPhones")
          .values({ ...phone, heard: phone.heard ?? null, attemptId, wordIndex, phoneIndex })
          .execute();
    }
    const read = await database().attempts.byId(user.id, attemptId);
    assert.deepEqual(read, attempt({ id: attemptId }));
    // .6 of the lowest, 66.7, and .2 of the others.
    assert.equal(read?.pronunciation, 70.3);
  });

  test("the largest attempt fits", async () => {
    const user = await storedGuest(database());
    const nBest = Array(5).fill({ phone: "AH", score: 50 });
    const feedback = { fault: "unclear" as const, differs: [], hint: "x".repeat(200), typical: false };
    const phone = { phone: "AH", score: 50, band: "fair" as const, startMs: 1, endMs: 2, nBest, feedback };
    const word = { text: "word", score: 50, errorType: "none" as const, startMs: 1, endMs: 2 };
    const words = Array.from({ length: limits.drillWords }, () => ({ ...word, phones: Array(30).fill(phone) }));
    const stored = attempt({ words });
    await database().attempts.insert(user.id, stored);
    assert.deepEqual(await database().attempts.byId(user.id, stored.id), stored);
  });

  test("an attempt without words is kept too", async () => {
    const user = await storedGuest(database());
    const stored = attempt({ outcome: "silence", words: [] });
    await database().attempts.insert(user.id, stored);
    assert.deepEqual(await database().attempts.byId(user.id, stored.id), stored);
  });

  test("the same attempt stored again changes nothing", async () => {
    const user = await storedGuest(database());
    const stored = attempt();
    await database().attempts.insert(user.id, stored);
    await database().attempts.insert(user.id, { ...stored, total: 1, words: [] });
    assert.deepEqual(await database().attempts.byId(user.id, stored.id), stored);
  });

  test("nobody sees another person's attempts", async () => {
    const [user, other] = [await storedGuest(database()), await storedGuest(database())];
    const stored = attempt();
    await database().attempts.insert(user.id, stored);
    assert.equal(await database().attempts.byId(other.id, stored.id), undefined);
    assert.deepEqual(await database().attempts.history(other.id, { limit: 10 }), []);
  });

  test("history pages from the newest to the oldest, without words", async () => {
    const user = await storedGuest(database());
    const all = [1_000, 3_000, 2_000].map((startedAtMs) => attempt({ startedAtMs }));
    for (const one of all) await database().attempts.insert(user.id, one);
    const page = async (range: { beforeMs?: number; limit: number }) =>
      (await database().attempts.history(user.id, range)).map((summary) => summary.startedAtMs);
    assert.deepEqual(await page({ limit: 2 }), [3_000, 2_000]);
    assert.deepEqual(await page({ beforeMs: 2_000, limit: 2 }), [1_000]);
    assert.deepEqual(await page({ beforeMs: 2_000.5, limit: 2 }), [2_000, 1_000]);
    assert.deepEqual(await page({ beforeMs: 1e300, limit: 1 }), [3_000]);
    const { words: _, insertions: __, ...summary } = all[1]!;
    assert.deepEqual((await database().attempts.history(user.id, { limit: 1 }))[0], summary);
    assert.ok(attemptSchema.safeParse(all[1]).success);
  });
});

onBothDatabases("DrillRepository", (database) => {
  test("[DB-7] practice sentences over the levels A1 to C1 are there from the start, each with an id of its own", async () => {
    const items = await database().drills.list(["en"]);
    assert.ok(items.length >= 40, `${items.length} items`);
    assert.equal(new Set(items.map((item) => item.id)).size, items.length);
    assert.deepEqual([...new Set(items.map((item) => item.level))], ["A1", "A2", "B1", "B2", "C1"]);
    for (const item of items) {
      assert.deepEqual(drillItem.parse(item), item);
      assert.ok(item.text.length <= limits.drillText);
      assert.ok(item.text.split(" ").length <= limits.drillWords);
    }
  });

  test("a drill is found by id", async () => {
    const [first] = await database().drills.list(["en"]);
    assert.deepEqual(await database().drills.byId(first!.id), first);
    assert.equal(await database().drills.byId("none"), undefined);
  });

  test("only drills of the wanted languages are listed", async () => {
    const { drills } = database();
    for (const item of await drills.list(["en", "xx"])) assert.equal(item.language, "en");
    assert.deepEqual(await drills.list(["xx"]), []);
    assert.deepEqual(await drills.list([]), []);
  });
});

onBothDatabases("RoomRepository", (database) => {
  test("a room is listed while it is open, the newest first", async () => {
    const room = (createdAtMs: number) => ({
      ...{ id: randomUUID(), topic: "Travel", language: "en", capacity: 20, createdBy: "somebody" },
      ...{ createdAtMs, closedAtMs: null },
    });
    const [older, newer, closed] = [room(1_000), room(2_000), room(3_000)];
    for (const one of [older, newer, closed]) await database().rooms.insert(one);
    await database().rooms.close(closed.id, 4_000);
    await database().rooms.close(closed.id, 5_000);
    assert.deepEqual(await database().rooms.listOpen(10), [newer, older]);
    assert.deepEqual(await database().rooms.listOpen(1), [newer]);
    assert.deepEqual(await database().rooms.byId(closed.id), { ...closed, closedAtMs: 4_000 });
    assert.equal(await database().rooms.byId("none"), undefined);
  });
});
