import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

let server: TestServer;
let speaking: TestBrowser;
let silent: TestBrowser;
before(async () => {
  server = await startServer();
  const pcm = await synthesise(
    "Good morning everybody, how are you today? The weather is nice and I am glad to be here.",
  );
  speaking = await openBrowser(server.url, { kind: "speaks", pcm });
  silent = await openBrowser(server.url);
});
after(async () => {
  await speaking?.close();
  await silent?.close();
  await server?.stop();
});

async function newRoom(page: Page, topic: string): Promise<string> {
  await page.getByRole("button", { name: "New room" }).click();
  await page.getByLabel("Topic").fill(topic);
  await page.getByRole("button", { name: "Open the room" }).click();
  await page.getByRole("button", { name: "Join the room" }).waitFor();
  return page.url();
}

/** A person's tile in the room, by name. */
function tile(page: Page, name: string) {
  return page.getByRole("list", { name: "People in the room" }).getByRole("listitem").filter({ hasText: name });
}

/** Seconds of others' sound that the page has played, and how loud it is now. */
function heard(page: Page): Promise<{ seconds: number; peak: number }> {
  return page.evaluate(async () => {
    const element = document.querySelector("audio");
    if (!element?.srcObject) return { seconds: 0, peak: 0 };
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(element.srcObject as MediaStream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let peak = 0;
    for (let round = 0; round < 20; round++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      analyser.getFloatTimeDomainData(samples);
      for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
    }
    await context.close();
    return { seconds: element.currentTime, peak };
  });
}

test("[WEB-7, WEB-12] two people meet by topic: one speaks, the other hears without a microphone; mute, text, leave", async () => {
  const ana = await speaking.guest("Ana");
  const topic = `Films ${Date.now()}`;
  await newRoom(ana.page, topic);
  await ana.page.getByRole("button", { name: "Join the room" }).click();
  await tile(ana.page, "Ana (you)").waitFor();

  const ben = await silent.guest("Ben");
  await ben.page.getByRole("link", { name: new RegExp(topic) }).click();
  await ben.page.getByRole("button", { name: "Join the room" }).waitFor();
  assert.equal(await ben.page.locator("audio").count(), 0);
  await ben.page.getByRole("button", { name: "Join the room" }).click();
  await ben.page.getByText("No microphone was found").waitFor();
  await tile(ana.page, "Ben").waitFor();
  await tile(ben.page, "Ana").getByText("speaking").waitFor();
  await until("Ben hears Ana", async () => (await heard(ben.page)).peak > 0.02, 60_000);

  await ana.page.getByRole("button", { name: "Mute" }).click();
  await tile(ben.page, "Ana").getByText("muted").waitFor();
  await until("Ana is silent", async () => (await heard(ben.page)).peak < 0.002, 60_000);
  await ana.page.getByRole("button", { name: "Muted" }).click();
  await tile(ben.page, "Ana").getByText("speaking").waitFor();

  await ben.page.getByLabel("Write to everybody here").fill("Nice to hear you");
  await ben.page.keyboard.press("Enter");
  await ana.page.getByRole("log").getByText("Nice to hear you").waitFor();

  await ana.page.getByRole("button", { name: "Leave" }).click();
  await ana.page.getByRole("heading", { level: 1, name: "Rooms" }).waitFor();
  await tile(ben.page, "Ana").waitFor({ state: "detached" });
  assert.deepEqual(ana.problems, []);
  assert.deepEqual(ben.problems, []);
});

test("[WEB-8] a room goes on while another page is open, and is left from there", async () => {
  const cora = await speaking.guest("Cora");
  const url = await newRoom(cora.page, "Books");
  await cora.page.getByRole("button", { name: "Join the room" }).click();
  await tile(cora.page, "Cora").waitFor();
  const dan = await silent.guest("Dan");
  await dan.page.goto(url);
  await dan.page.getByRole("button", { name: "Only listen" }).click();
  await tile(dan.page, "Cora").getByText("speaking").waitFor();

  await cora.page.getByRole("link", { name: "Practice" }).click();
  const dock = cora.page.getByRole("complementary", { name: "The room you are in" });
  await dock.getByRole("button", { name: "Mute" }).click();
  await tile(dan.page, "Cora").getByText("muted").waitFor();
  await dan.page.getByRole("link", { name: "Messages" }).click();
  await dan.page
    .getByRole("complementary", { name: "The room you are in" })
    .getByRole("link", { name: "Books" })
    .click();
  await dock.getByRole("button", { name: "Leave" }).click();
  await tile(dan.page, "Cora").waitFor({ state: "detached" });
  assert.equal(await dock.count(), 0);
});

test("[WEB-12] a blocked microphone says how to allow it, and listening still works", async (t) => {
  const blocked = await openBrowser(server.url, { kind: "denied" });
  t.after(() => blocked.close());
  const { page } = await blocked.guest("Emil");
  await newRoom(page, "Quiet");
  await page.getByRole("button", { name: "Join the room" }).click();
  await page.getByText("The microphone is blocked").waitFor();
  await tile(page, "Emil").getByText("listening").waitFor();
});

test("[WEB-2, WEB-7] a room that does not exist is said in plain words", async () => {
  const { page } = await silent.guest("Finn");
  await page.goto("/rooms/nothing-here");
  await page.getByRole("button", { name: "Only listen" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.equal(await alert.textContent(), "This room has closed.");
  assert.equal(await page.getByRole("button", { name: "Join the room" }).count(), 0);
  await page.getByRole("link", { name: "To the rooms", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Rooms" }).waitFor();
});

test("[DRILL-36] who shows their sounds in a room is seen by all inside, until they turn it off", async () => {
  const ana = await speaking.guest("Ana");
  const topic = `Sounds ${Date.now()}`;
  await newRoom(ana.page, topic);
  await ana.page.getByRole("button", { name: "Join the room" }).click();
  await tile(ana.page, "Ana (you)").waitFor();
  const ben = await silent.guest("Ben", { width: 360, height: 720 });
  await ben.page.getByRole("link", { name: new RegExp(topic) }).click();
  await ben.page.getByRole("button", { name: "Only listen" }).click();
  await tile(ben.page, "Ana").waitFor();
  const sounds = (page: Page) => page.getByRole("region", { name: "What is said, as sounds" });
  assert.equal(await sounds(ben.page).count(), 0);

  await ana.page.getByRole("button", { name: "Show my sounds" }).click();
  const seen = sounds(ben.page).getByRole("definition");
  await until("Ben sees Ana's sounds", async () => ((await seen.textContent()) ?? "").split(" ").length > 15, 60_000);
  assert.match((await sounds(ben.page).textContent()) ?? "", /Ana/);
  assert.match((await seen.textContent()) ?? "", /[ɑæʌɔɛɪəiʊu]/);
  assert.ok(((await sounds(ana.page).getByRole("definition").textContent()) ?? "").length > 10);
  assert.equal(await ben.page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  await ana.page.getByRole("button", { name: "My sounds are shown" }).click();
  await sounds(ben.page).waitFor({ state: "detached" });
  assert.deepEqual(ana.problems, []);
  assert.deepEqual(ben.problems, []);
  await ana.context.close();
  await ben.context.close();
});
