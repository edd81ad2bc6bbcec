import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import type { ScoredPhone } from "#protocol";
import { type Database, openDatabase } from "../../src/db/database.ts";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { silent } from "../support/database.ts";
import { auditPage } from "../support/page-audit.ts";
import { postgresMissing, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";

const DAY_MS = 86_400_000;
/** A database that this process can write to beside the server. */
const skip = postgresMissing();

let postgres: TestPostgres;
let database: Database;
let server: TestServer;
let browser: TestBrowser;
before(async () => {
  if (skip) return;
  postgres = await startPostgres();
  const url = await postgres.createDatabase();
  server = await startServer({ DATABASE_URL: url });
  database = await openDatabase({ DATA_DIR: "", DATABASE_URL: url }, { log: silent });
  browser = await openBrowser(server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await database?.close();
  await postgres?.stop();
});

/** A reading some days ago, stored for whoever is signed in on that page. */
async function read(page: Page, daysAgo: number, said: Partial<ScoredPhone>[]): Promise<void> {
  const userId = await page.evaluate(
    () => JSON.parse(localStorage.getItem("parlance.session") ?? "").user.id as string,
  );
  const phones = said.map((phone) => ({
    phone: "K",
    score: 95,
    band: "good" as const,
    startMs: 0,
    endMs: 80,
    ...phone,
  }));
  await database.attempts.insert(userId, {
    ...{
      id: randomUUID(),
      drillId: null,
      language: "en",
      text: "word",
      startedAtMs: Date.now() - daysAgo * DAY_MS,
      outcome: "scored",
    },
    ...{ accuracy: 80, fluency: 80, completeness: 100, total: 75, pronunciation: 84, audioMs: 30_000, insertions: [] },
    words: [{ text: "word", score: 80, errorType: "none", startMs: 0, endMs: 80, phones }],
  });
}
const figures = (page: Page) => page.locator(".figure").allTextContents();

for (const [name, look] of [
  ["light, wide", { width: 1280, dark: false }],
  ["dark, phone", { width: 360, height: 740, dark: true }],
] as const) {
  test(`[WEB-22] progress from the first reading on: ${name}`, { skip }, async () => {
    const { page, problems } = await browser.guest("Ana", look);
    await page.getByRole("link", { name: "Progress" }).click();
    await page.getByText("Nothing was read in this time.").waitFor();
    assert.deepEqual(await auditPage(page), []);

    await read(page, 0, [{}, { phone: "TH", score: 40, band: "poor", heard: "S" }]);
    await page.reload();
    await page.getByText("One reading so far").waitFor();
    assert.deepEqual(await figures(page), ["day in a row1", "minutes spoken0.5", "reading1", "mean score84"]);
    assert.deepEqual(await auditPage(page), []);

    for (const daysAgo of [1, 1, 2, 20, 60])
      await read(page, daysAgo, [{}, ...Array(5).fill({ phone: "TH", score: 20, band: "poor", heard: "S" })]);
    await page.reload();
    await page.getByText("readings", { exact: true }).waitFor();
    assert.deepEqual(await figures(page), ["days in a row3", "minutes spoken2.5", "readings5", "mean score84"]);
    const sounds = page.getByRole("region", { name: "Sounds" });
    assert.match((await sounds.textContent()) ?? "", /as in “think”.*it sounded like the one in “sun” \(21 times\)/);
    await sounds.getByRole("button", { name: /as in “key”/ }).click();
    await sounds.getByText("Over time: the sound in “key”").waitFor();
    await sounds.getByText("As a table").click();
    const rows = await sounds.getByRole("row").allTextContents();
    assert.equal(rows[0], "FromThis soundTimes saidAll sounds");
    assert.match(rows.at(-1) ?? "", /95\d+\d\d$/);
    assert.deepEqual(await auditPage(page), []);

    await page.getByText("3 months").click();
    await page.getByText("readings", { exact: true }).waitFor();
    await page.locator(".figure", { hasText: "readings6" }).waitFor();
    assert.deepEqual(problems, []);
  });
}

test("[WEB-26] a reading has one overall score wherever it is told", { skip }, async () => {
  const { page } = await browser.guest("Clara");
  // What experts would give (`total`) is another number.
  await read(page, 0, [{}]);
  await page.goto("/history");
  const reading = page.getByRole("link", { name: /^84 of 100/ });
  await reading.click();
  const result = page.getByRole("region", { name: "Result" });
  await result.waitFor();
  const text = (await result.textContent()) ?? "";
  assert.match(text, /^84of 100/);
  assert.doesNotMatch(text, /75/);
  await page.goto("/progress");
  await page.locator(".figure", { hasText: "mean score84" }).waitFor();
});

test("[WEB-23] what went worst is on the practice page, with what to read for it", { skip }, async () => {
  const { page } = await browser.guest("Berta");
  await page.goto("/practice");
  await page.getByRole("list").getByRole("link").nth(5).waitFor();
  assert.equal(await page.getByRole("region", { name: "For you" }).count(), 0);
  await read(page, 1, Array(10).fill({ phone: "TH", score: 20, band: "poor", heard: "S" }));
  await page.reload();
  const forYou = page.getByRole("region", { name: "For you" });
  await forYou.waitFor();
  assert.match(
    (await forYou.textContent()) ?? "",
    /the sound in “think”20 of 100, said 10 times; often like the one in “sun”/,
  );
  assert.deepEqual(await auditPage(page), []);
  await forYou.getByRole("link", { name: /Tell them apart/ }).click();
  await page.getByRole("heading", { level: 1, name: "Your sentence" }).waitFor();
  assert.match((await page.locator(".lane-text").first().textContent()) ?? "", /th/);
});
