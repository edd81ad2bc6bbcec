import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { type CuttableProxy, cuttableProxy } from "../support/cuttable-proxy.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let proxy: CuttableProxy;
let browser: TestBrowser;
before(async () => {
  server = await startServer();
  proxy = await cuttableProxy(server.url);
  browser = await openBrowser(server.url);
});
after(async () => {
  await browser?.close();
  await proxy?.close();
  await server?.stop();
});

async function writeTo(page: Page, name: string, text: string): Promise<void> {
  await page.getByRole("link", { name: /^Messages/ }).click();
  await page.getByLabel("Find a person by name").fill(name);
  await page.getByRole("list", { name: "People found" }).getByRole("button", { name }).click();
  await page.getByLabel(`Write to ${name}`).fill(text);
  await page.keyboard.press("Enter");
}

test("[WEB-9] a message arrives by itself, counts as unread until it is on the screen, and is marked as read", async () => {
  const ana = await browser.guest("Ana Alva");
  const ben = await browser.guest("Ben Brook");
  await writeTo(ana.page, "Ben Brook", "Shall we practise on Thursday?");
  await ana.page.getByText("· Sent").waitFor();

  await ben.page.getByRole("link", { name: "Messages 1 unread" }).click();
  await ben.page.getByRole("link", { name: /Ana Alva.*1 unread/ }).click();
  const log = ben.page.getByRole("log");
  await log.getByText("Shall we practise on Thursday?").waitFor();
  await ben.page.getByRole("link", { name: "Messages", exact: true }).waitFor();
  await ana.page.getByText("· Read").waitFor();

  await ben.page.getByLabel("Write to Ana Alva").fill("With pleasure.");
  await ben.page.getByRole("button", { name: "Send" }).click();
  await ana.page.getByRole("log").getByText("With pleasure.").waitFor();
  await ana.page.reload();
  await ana.page.getByRole("log").getByText("With pleasure.").waitFor();
  assert.deepEqual(ana.problems, []);
  assert.deepEqual(ben.problems, []);
});

test("[WEB-9, WEB-13] what is written while the connection is away waits and is sent once", async (t) => {
  const away = await openBrowser(proxy.url);
  t.after(() => away.close());
  const cora = await away.guest("Cora Cole");
  const dan = await browser.guest("Dan Dale");
  await writeTo(cora.page, "Dan Dale", "First");
  await cora.page.getByText("· Sent").waitFor();
  proxy.block();
  await cora.page.getByText("Connection lost. Reconnecting…").waitFor();
  await cora.page.getByLabel("Write to Dan Dale").fill("Second");
  await cora.page.keyboard.press("Enter");
  await cora.page.getByText("On its way…").waitFor();
  proxy.restore();
  await cora.page.getByText("On its way…").waitFor({ state: "detached" });
  await dan.page.getByRole("link", { name: "Messages 2 unread" }).click();
  await dan.page.getByRole("link", { name: /Cora Cole/ }).click();
  await dan.page.getByRole("log").getByText("Second").waitFor();
  assert.equal(await dan.page.getByRole("log").getByText("Second").count(), 1);
});

test("[WEB-9] what one writes is shown at once, wherever one was reading, and the end stays in sight", async () => {
  const { page } = await browser.guest("Eva Ek", { width: 360, height: 740 });
  await browser.guest("Fred Falk");
  await writeTo(page, "Fred Falk", "long ".repeat(400));
  const log = page.getByRole("log");
  const atEnd = () => log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 4);
  await log.getByText("· Sent").waitFor();
  await log.evaluate((box) => {
    box.scrollTop = 0;
  });
  await until("one has scrolled up", async () => !(await atEnd()));
  await page.getByLabel("Write to Fred Falk").fill("Still there?");
  await page.keyboard.press("Enter");
  await log.getByText("Still there?").waitFor();
  await until("the new message is in sight", atEnd);
  // As a phone's keyboard does.
  await page.setViewportSize({ width: 360, height: 480 });
  await until("it is still in sight", atEnd);
});
