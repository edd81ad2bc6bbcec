import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { auditPage } from "../support/page-audit.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

/** One word is another than in the sentence. */
const SPOKEN = "My three sandwiches think that math is fun.";

let server: TestServer;
let browser: TestBrowser;
before(async () => {
  server = await startServer();
  const spoken = await synthesise(SPOKEN);
  const pcm = new Int16Array(spoken.length + 64_000);
  pcm.set(spoken, 24_000);
  browser = await openBrowser(server.url, { kind: "speaks", pcm });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Notes the length in seconds of all that the page plays. */
async function listenIn(page: Page): Promise<() => Promise<number[]>> {
  await page.addInitScript(() => {
    const played: number[] = [];
    Object.assign(window, { played });
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (...when) {
      played.push(this.buffer?.duration ?? 0);
      return start.apply(this, when);
    };
  });
  return () => page.evaluate(() => (window as unknown as { played: number[] }).played);
}

async function openSentence(page: Page): Promise<void> {
  await page.goto("/practice/a1-three-brothers");
  await page.getByRole("button", { name: "Start speaking" }).waitFor();
}

async function read(page: Page): Promise<void> {
  await page.getByRole("button", { name: /Start speaking|Read it again/ }).click();
  await page.getByText("Listening. Read the sentence aloud.").waitFor();
  await page.getByRole("region", { name: "Result" }).waitFor();
}

test("[WEB-17] one's voice is drawn while one speaks, and nothing on the page moves for it", async () => {
  const { page } = await browser.guest("Ana", { width: 360, height: 740 });
  await openSentence(page);
  await page.getByRole("button", { name: "Start speaking" }).click();
  await page.getByText("Listening. Read the sentence aloud.").waitFor();
  const places = () =>
    page.evaluate(() =>
      [".lane", ".strip", ".drill-actions"].map((part) => {
        const { top, bottom } = document.querySelector(part)?.getBoundingClientRect() ?? {};
        return [
          part,
          Math.round((top ?? 0) + (document.querySelector("main")?.scrollTop ?? 0)),
          Math.round((bottom ?? 0) - (top ?? 0)),
        ];
      }),
    );
  /** How many points of the drawing have a colour, above where the sounds begin and below. */
  const drawn = () =>
    page.locator(".strip canvas").evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const { width, height } = canvas;
      const { data } = canvas.getContext("2d")?.getImageData(0, 0, width, height) ?? { data: [] };
      const counts = [0, 0];
      for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) counts[i / 4 / width < height * 0.6 ? 0 : 1]!++;
      return counts;
    });
  const atFirst = await places();
  // The picture is filled page by page, as this browser asks for less motion: a new page begins empty.
  await until("voice and sounds are drawn", async () => (await drawn()).every((points) => points > 500));
  await page.locator('.tile[data-state="final"]').nth(5).waitFor();
  const later = await places();
  // What stays at the screen's edge has no place of its own on the page.
  assert.deepEqual(later[0], atFirst[0]);
  assert.deepEqual(
    later.map(([, , height]) => height),
    atFirst.map(([, , height]) => height),
  );
  await page.getByRole("region", { name: "Result" }).waitFor();
  await until("the whole reading is drawn", async () => (await drawn()).every((points) => points > 500));
  assert.deepEqual(await auditPage(page), []);
});

test("[WEB-18, WEB-20] after a reading the worst is named first, and every sound can be heard again and read about", async () => {
  const { page, problems } = await browser.guest("Berta");
  const played = await listenIn(page);
  await openSentence(page);
  await read(page);
  const about = page.getByRole("region", { name: "About the sound" });
  // What needs work most is chosen already.
  assert.match((await about.textContent()) ?? "", /in “brothers”/);
  const repeat = page.getByRole("link", { name: "Practise “brothers”" });
  assert.ok(await repeat.isVisible());

  await page.getByRole("button", { name: /^three: \d+ of 100/ }).click();
  assert.match((await about.textContent()) ?? "", /“three”/);
  await about.getByRole("button", { name: "Hear yourself: the sentence" }).click();
  await page
    .getByRole("button", { name: /^the sound in “think”: \w+, \d+ of 100/ })
    .first()
    .click();
  assert.match((await about.textContent()) ?? "", /The sound in “think”in “three”/);
  await until("three slices were played", async () => (await played()).length === 3);
  const [word = 0, sentence = 0, sound = 0] = await played();
  assert.ok(sound > 0.05 && word > sound && sentence > 2 * word && sentence < 6, String(await played()));
  assert.deepEqual(await auditPage(page), []);
  await page.emulateMedia({ colorScheme: "dark" });
  assert.deepEqual(await auditPage(page), []);

  await repeat.click();
  await page.getByRole("heading", { level: 1, name: "A part of the sentence" }).waitFor();
  await page.getByRole("button", { name: "Start speaking" }).waitFor();
  assert.equal((await page.locator(".lane-text").allTextContents()).join(" "), "brothers");
  await page.getByRole("link", { name: "Back to the sentence" }).click();
  await page.getByRole("heading", { level: 1, name: "th sounds" }).waitFor();
  assert.deepEqual(problems, []);
});

test("[WEB-18] sounds are one stop of the Tab key, and the arrow keys lead from one to the other", async () => {
  const { page } = await browser.guest("Carla");
  const played = await listenIn(page);
  await openSentence(page);
  await read(page);
  await page.getByRole("button", { name: /^My: \d+ of 100/ }).focus();
  const focused = () =>
    page.evaluate(
      () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "",
    );
  const about = page.getByRole("region", { name: "About the sound" });
  await page.keyboard.press("ArrowRight");
  assert.match(await focused(), /^the sound in “man”/);
  assert.match((await about.textContent()) ?? "", /The sound in “man”/);
  await page.keyboard.press("End");
  assert.match(await focused(), /^the sound in “no”/);
  assert.match((await about.textContent()) ?? "", /in “fun”/);
  assert.deepEqual(await played(), []);
  await page.keyboard.press("Enter");
  await until("it is heard", async () => (await played()).length === 1);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.closest(".lane")), null);
  await page.keyboard.press("Shift+Tab");
  assert.match(await focused(), /^the sound in “no”/);
});

test("[WEB-19] the server's voice says a sound, a word and the sentence, also slowly", async () => {
  const { page } = await browser.guest("Dora");
  const played = await listenIn(page);
  await openSentence(page);
  await read(page);
  const about = page.getByRole("region", { name: "About the sound" });
  for (const [i, what] of ["the sound", "the word", "the sentence"].entries()) {
    await about.getByRole("button", { name: `Hear it said: ${what}` }).click();
    await until(`${what} is heard`, async () => (await played()).length === i + 1);
  }
  await about.getByRole("checkbox", { name: "slowly" }).check();
  await about.getByRole("button", { name: /Hear it said: the word$/ }).click();
  await until("it is heard slowly", async () => (await played()).length === 4);
  const [, word = 0, sentence = 0, slowly = 0] = await played();
  assert.ok(sentence > word && slowly > 1.2 * word, String(await played()));
});

test("[WEB-19] where the server has no voice none is offered", async (t) => {
  const mute = await startServer({ PARLANCE_REFERENCE_VOICES: "off" });
  t.after(() => mute.stop());
  const { page } = await browser.visit();
  await page.goto(mute.url);
  await page.getByLabel("Your name").fill("Dana");
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByRole("navigation", { name: "Sections" }).waitFor();
  await page.goto(`${mute.url}/practice/a1-three-brothers`);
  await read(page);
  const about = page.getByRole("region", { name: "About the sound" });
  assert.ok(await about.getByRole("button", { name: "Hear yourself: the word" }).isVisible());
  assert.equal(await about.getByRole("button", { name: /Hear it said/ }).count(), 0);
});

test("[WEB-21] signs, pace and first language are one's own choice and are kept", async () => {
  const { page } = await browser.guest("Emil");
  await openSentence(page);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText("ARPAbet").click();
  await page.getByText("At the end").click();
  await page.getByLabel("My first language").selectOption("Czech");
  assert.deepEqual(await auditPage(page), []);
  await page.getByRole("button", { name: "Done" }).click();
  await page.reload();
  await page.getByRole("button", { name: "Settings" }).click();
  assert.equal(await page.getByLabel("My first language").inputValue(), "cs");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Start speaking" }).click();
  await page.getByText("Listening. Read the sentence aloud.").waitFor();
  await page.evaluate(() => {
    const seen = { early: 0 };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      if (document.querySelector('[aria-label="Result"]')) return;
      seen.early = Math.max(seen.early, document.querySelectorAll(".tile[data-band]").length);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  // It ends by itself here too, after a pause.
  await page.getByRole("region", { name: "Result" }).waitFor();
  assert.equal(await page.evaluate(() => (window as unknown as { seen: { early: number } }).seen.early), 0);
  assert.deepEqual((await page.locator(".tile-sound").allTextContents()).slice(0, 5), ["M", "AY", "TH", "R", "IY"]);
});
