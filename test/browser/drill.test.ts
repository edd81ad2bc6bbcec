import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { auditPage } from "../support/page-audit.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

const SENTENCE = "My three brothers think that math is fun.";

let server: TestServer;
let browser: TestBrowser;
before(async () => {
  server = await startServer();
  // Silence around it: the microphone's file plays again and again, whenever it was opened.
  const spoken = await synthesise(SENTENCE);
  const pcm = new Int16Array(spoken.length + 64_000);
  pcm.set(spoken, 24_000);
  browser = await openBrowser(server.url, { kind: "speaks", pcm });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Notes at each change of the page how many phones are judged for good while the microphone is still listened to. */
async function watchLane(page: Page): Promise<() => Promise<{ judgedWhileSpeaking: number; mostProvisional: number }>> {
  await page.evaluate(() => {
    const seen = { judgedWhileSpeaking: 0, mostProvisional: 0 };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      if (!document.body.textContent?.includes("Listening. Read the sentence aloud.")) return;
      const count = (state: string) => document.querySelectorAll(`.tile[data-state="${state}"]`).length;
      seen.judgedWhileSpeaking = Math.max(seen.judgedWhileSpeaking, count("final"));
      seen.mostProvisional = Math.max(seen.mostProvisional, count("provisional"));
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  return () =>
    page.evaluate(() => (window as unknown as { seen: { judgedWhileSpeaking: number; mostProvisional: number } }).seen);
}

test("[WEB-10, WEB-11, WEB-15] a sentence is judged while it is read; its result is in the history after a reload", async () => {
  const { page, problems } = await browser.guest("Ana");
  await page.getByRole("link", { name: "Practice" }).click();
  await page.getByRole("link", { name: SENTENCE }).click();
  await page.getByRole("button", { name: "Start speaking" }).waitFor();
  const seen = await watchLane(page);
  await page.getByRole("button", { name: "Start speaking" }).click();
  const result = page.getByRole("region", { name: "Result" });
  // It ends by itself after the last word.
  await result.waitFor();
  const { judgedWhileSpeaking } = await seen();
  assert.ok(judgedWhileSpeaking >= 8, `${judgedWhileSpeaking} phones were judged while listening`);
  assert.match((await result.textContent()) ?? "", /\d+of 100/);

  // Each judged phone carries a sign beside its colour.
  const tiles = await page.locator('.tile[data-state="final"]').evaluateAll((all) =>
    all.map((tile) => ({
      band: tile.getAttribute("data-band"),
      sign: tile.querySelector(".tile-mark")?.textContent,
    })),
  );
  assert.ok(tiles.length >= 20);
  for (const { band, sign } of tiles) assert.equal(sign, { good: "✓", fair: "~", poor: "✕" }[band ?? ""]);
  assert.deepEqual(await auditPage(page), []);
  await page.emulateMedia({ colorScheme: "dark" });
  assert.deepEqual(await auditPage(page), []);
  // A screen reader hears each word's judgement.
  const spoken = await page.locator('[aria-live="polite"] p').allTextContents();
  assert.equal(spoken.length, SENTENCE.split(" ").length + 1);

  await page.reload();
  await page.getByRole("link", { name: "History" }).click();
  await page.getByRole("link", { name: new RegExp(SENTENCE) }).click();
  await page.getByRole("region", { name: "Result" }).waitFor();
  assert.equal(await page.locator('.tile[data-state="final"]').count(), tiles.length);
  assert.deepEqual(problems, []);
});

test("[WEB-10, WEB-14] a whole drill by keyboard alone, on a sentence of one's own", async () => {
  const { page } = await browser.guest("Berta");
  await page.goto("/practice");
  const field = page.getByLabel("A sentence of your own");
  await field.waitFor();
  const focusedName = () => page.evaluate(() => document.activeElement?.textContent?.trim());
  await until("the field has the focus", async () => {
    await page.keyboard.press("Tab");
    return field.evaluate((element) => element === document.activeElement);
  });
  await page.keyboard.type("My three brothers think that math is fun");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Your sentence" }).waitFor();
  await until("the button has the focus", async () => {
    await page.keyboard.press("Tab");
    return (await focusedName()) === "Start speaking";
  });
  await page.keyboard.press("Enter");
  await page.getByText("Listening. Read the sentence aloud.").waitFor();
  assert.equal(await focusedName(), "I'm done");
  await page.getByRole("region", { name: "Result" }).waitFor();
  assert.equal(await focusedName(), "Read it again");
});

test("[WEB-10, WEB-15] a long sentence of long words fits on a phone: the word that is read and the buttons are in sight", async () => {
  const { page } = await browser.guest("Bruno", { width: 360, height: 640 });
  const long = `${SENTENCE} It cost $77,777.77, an extraordinarily uncharacteristic counterrevolutionary misunderstanding.`;
  await page.goto(`/practice?text=${encodeURIComponent(`${long} ${long} ${SENTENCE}`)}`);
  await page.getByRole("button", { name: "Start speaking" }).click();
  await page.locator('.tile[data-state="final"]').first().waitFor();
  assert.deepEqual(await auditPage(page), []);
  const insight = (selector: string) =>
    page.locator(selector).evaluate((element) => {
      const { top, bottom } = element.getBoundingClientRect();
      const page = document.querySelector("main")?.getBoundingClientRect();
      return page !== undefined && top >= page.top && bottom <= page.bottom;
    });
  assert.ok(await insight(".drill-actions"));
  assert.ok(await insight(".lane-word[data-current]"));
  await page.getByRole("button", { name: "I'm done" }).click();
  await page.getByRole("region", { name: "Result" }).waitFor();
  assert.deepEqual(await auditPage(page), []);
  assert.ok(await insight(".verdict-praise"));
});

test("[WEB-10] a reading can be cancelled, and nothing of it is kept", async () => {
  const { page } = await browser.guest("Carla");
  await page.goto("/practice");
  await page.getByRole("link", { name: SENTENCE }).click();
  await page.getByRole("button", { name: "Start speaking" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Start speaking" }).waitFor();
  await page.getByRole("link", { name: "History" }).click();
  await page.getByText("No attempts yet.").waitFor();
});

test("[WEB-2] a sentence that can't be pronounced is said with the word", async () => {
  const { page } = await browser.guest("Dora");
  await page.goto(`/practice?text=${encodeURIComponent("Please say 你好 to her")}`);
  await page.getByRole("button", { name: "Start speaking" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match((await alert.textContent()) ?? "", /no known pronunciation of “你好”/);
});

test("[WEB-12] a drill says when the microphone is blocked, and when there is none", async (t) => {
  for (const [kind, text] of [
    ["denied", "The microphone is blocked"],
    ["missing", "No microphone was found"],
  ] as const) {
    const without = await openBrowser(server.url, { kind });
    t.after(() => without.close());
    const { page } = await without.guest("Emil");
    await page.goto(`/practice?text=${encodeURIComponent(SENTENCE)}`);
    await page.getByRole("button", { name: "Start speaking" }).click();
    await page.getByText(text).waitFor();
    assert.ok(await page.getByRole("button", { name: "Start speaking" }).isVisible());
  }
});

test("[WEB-24] who says nothing is told so while the page listens", async (t) => {
  const silent = await openBrowser(server.url, { kind: "speaks", pcm: new Int16Array(160_000) });
  t.after(() => silent.close());
  const { page } = await silent.guest("Fay");
  await page.goto(`/practice?text=${encodeURIComponent(SENTENCE)}`);
  await page.getByRole("button", { name: "Start speaking" }).click();
  await page.getByText("Nothing is heard yet.").waitFor();
  await page.getByRole("button", { name: "I'm done" }).click();
  await page.getByText("Nothing was heard", { exact: true }).waitFor();
});

test("[WEB-25] another language of the server is chosen, practised and kept", async (t) => {
  const spoken = await synthesise("El perro corre por la tierra, pero el toro mira.", { voice: "spanish" });
  const pcm = new Int16Array(spoken.length + 64_000);
  pcm.set(spoken, 24_000);
  const spanish = await openBrowser(server.url, { kind: "speaks", pcm });
  t.after(() => spanish.close());
  const { page, problems } = await spanish.guest("Gil", { width: 360, height: 740 });
  await page.goto("/practice");
  await page.getByText("Spanish", { exact: true }).click();
  await page.getByText("checked on synthetic voices only").waitFor();
  await page.getByRole("link", { name: /El perro corre/ }).click();
  await page.getByRole("button", { name: "Start speaking" }).click();
  await page.getByRole("region", { name: "Result" }).waitFor();
  await page.getByRole("button", { name: /^perro: \d+ of 100/ }).click();
  // Its sounds are named by Spanish words.
  await page
    .getByRole("button", { name: /^the sound in “perro”: \w+/ })
    .first()
    .waitFor();
  assert.deepEqual(await auditPage(page), []);

  await page.getByRole("link", { name: "Progress" }).click();
  await page.getByText("One reading so far").waitFor();
  assert.ok(await page.getByRole("radio", { name: "Spanish" }).isChecked());
  assert.match(
    (await page.getByRole("region", { name: "Sounds" }).textContent()) ?? "",
    /as in “(pan|pero|ojo|lobo|casa|isla|mesa|taza)”/,
  );
  await page.getByText("English", { exact: true }).click();
  await page.getByRole("region", { name: "Sounds" }).waitFor({ state: "detached" });
  await page.goto("/practice?text=hola&language=es");
  await page.getByRole("button", { name: "Start speaking" }).click();
  await page.getByText("Listening. Read the sentence aloud.").waitFor();
  assert.deepEqual(await page.locator(".tile-sound").allTextContents(), ["o", "l", "a"]);
  assert.deepEqual(problems, []);
});
