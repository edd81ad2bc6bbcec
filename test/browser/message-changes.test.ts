import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { auditPage } from "../support/page-audit.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let browser: TestBrowser;
before(async () => {
  server = await startServer();
  browser = await openBrowser(server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function pick(page: Page, text: string, action: string): Promise<void> {
  const menu = page.locator("details", { has: page.getByLabel(`What to do with “${text}”`) });
  await menu.locator("summary").focus();
  await page.keyboard.press("Enter");
  await menu.getByRole("button", { name: action, exact: true }).click();
}

test("[CHAT-24] two people correct, edit, answer, react, pin and delete, and both see it", async () => {
  const ana = await browser.guest("Ana Alva", { width: 360, height: 740 });
  const ben = await browser.guest("Ben Brook");
  await ana.page.getByRole("link", { name: /^Messages/ }).click();
  await ana.page.getByLabel("Find a person by name").fill("Ben Brook");
  await ana.page.getByRole("list", { name: "People found" }).getByRole("button", { name: "Ben Brook" }).click();
  const write = async (page: Page, to: string, text: string) => {
    await page.getByLabel(`Write to ${to}`).fill(text);
    await page.keyboard.press("Enter");
  };
  await write(ana.page, "Ben Brook", "He go to scool");
  await ben.page.getByRole("link", { name: "Messages 1 unread" }).click();
  await ben.page.getByRole("link", { name: /Ana Alva/ }).click();

  const [anas, bens] = [ana.page.getByRole("log"), ben.page.getByRole("log")];
  await pick(ana.page, "He go to scool", "Edit");
  assert.equal(await ana.page.getByLabel("Write to Ben Brook").inputValue(), "He go to scool");
  await write(ana.page, "Ben Brook", "He go to school");
  await bens.getByText("He go to school").waitFor();
  await bens.getByText("· Edited").waitFor();

  await pick(ben.page, "He go to school", "Correct");
  await ben.page.getByText("Correcting: “He go to school”").waitFor();
  await write(ben.page, "Ana Alva", "He goes to school");
  for (const log of [anas, bens]) {
    await log.locator("del", { hasText: "go" }).waitFor();
    await log.locator("ins", { hasText: "goes" }).waitFor();
  }
  await ana.page.getByLabel("Write to Ben Brook").pressSequentially("So");
  await ben.page.getByText("typing…").waitFor();
  await pick(ana.page, "He go to school", "Edit");
  await write(ana.page, "Ben Brook", "He goes");
  await ana.page.getByText("This message was corrected, so it stays as it is.").waitFor();

  await pick(ana.page, "He goes to school", "🎉");
  const reaction = bens.getByRole("button", { name: "🎉 by Ana Alva" });
  await reaction.click();
  await anas.getByRole("button", { name: "🎉 by you and Ben Brook", pressed: true }).click();
  await bens.getByRole("button", { name: "🎉 by you", exact: true, pressed: true }).waitFor();

  await pick(ana.page, "He goes to school", "Answer");
  await write(ana.page, "Ben Brook", "Thank you!");
  await bens.getByText("Answer to “He goes to school”").waitFor();
  await pick(ben.page, "Thank you!", "Pin");
  await anas.getByText("· Pinned").waitFor();
  await ana.page.getByText("Pinned", { exact: true }).click();
  await ana.page.locator(".pinned-list").getByText("Thank you!").waitFor();
  assert.deepEqual(await auditPage(ana.page), []);
  await ana.page.getByText("Pinned", { exact: true }).click();

  await pick(ana.page, "Thank you!", "Delete for both");
  await bens.getByText("Message deleted").waitFor();
  assert.equal(await bens.getByText("Thank you!").count(), 0);
  await ben.page.getByRole("button", { name: "Mute", exact: true }).click();
  await ben.page.getByRole("button", { name: "Unmute" }).waitFor();
  await ben.page.getByRole("link", { name: /Ana Alva.*muted/ }).waitFor();
  await pick(ben.page, "He goes to school", "Delete for me");
  await bens.locator("ins").waitFor({ state: "detached" });
  await ben.page.reload();
  await bens.getByText("Message deleted").waitFor();
  assert.equal(await bens.locator("ins").count(), 0);
  assert.equal(await anas.locator("ins").count(), 1);
  assert.deepEqual([ana.problems, ben.problems], [[], []]);
});
