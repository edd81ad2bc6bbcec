import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { auditPage } from "../support/page-audit.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { synthesise } from "../support/voice.ts";

const SENTENCE = "La vaca bebe agua y el lobo vive en el bosque.";

let server: TestServer;
let browser: TestBrowser;
before(async () => {
  server = await startServer();
  const spoken = await synthesise(SENTENCE, { voice: "spanish" });
  const pcm = new Int16Array(spoken.length + 64_000);
  pcm.set(spoken, 24_000);
  browser = await openBrowser(server.url, { kind: "speaks", pcm });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("[DRILL-42, SCORE-61, WEB-10] one chooses Spanish, reads a sentence of it, and sees its sounds judged", async () => {
  const { page, problems } = await browser.guest("Ana");
  await page.getByRole("link", { name: "Practice" }).click();
  await page.getByText("Spanish", { exact: true }).click();
  await page.getByText("synthetic voices only").waitFor();
  assert.equal(await page.getByRole("link", { name: "My three brothers" }).count(), 0);
  assert.deepEqual(await auditPage(page), []);
  await page.getByRole("link", { name: SENTENCE }).click();
  await page.getByRole("button", { name: "Start speaking" }).click();
  const result = page.getByRole("region", { name: "Result" });
  await result.waitFor();
  const bands = await page
    .locator('.tile[data-state="final"]')
    .evaluateAll((all) => all.map((tile) => tile.getAttribute("data-band")));
  assert.ok(bands.filter((band) => band === "good").length > 0.8 * bands.length, bands.join());
  assert.deepEqual(await auditPage(page), []);
  assert.deepEqual(problems, []);
});
