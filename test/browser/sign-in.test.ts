import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
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

test("[WEB-1] a guest comes in with a name and is still there after a reload", async () => {
  const { page, problems } = await browser.guest("Ana");
  await page.getByRole("heading", { level: 1, name: "Rooms" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Rooms" }).waitFor();
  assert.ok(await page.getByRole("banner").getByText("Ana").isVisible());
  assert.deepEqual(problems, []);
});

test("[WEB-1, WEB-2] an account is made, left and entered again; a wrong password is said in plain words", async () => {
  const { page } = await browser.visit();
  await page.goto("/");
  await page.getByRole("radio", { name: "New account" }).check({ force: true });
  await page.getByLabel("Your name").fill("Berta");
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();

  await page.getByRole("radio", { name: "Sign in" }).check({ force: true });
  await page.getByLabel("Your name").fill("Berta");
  await page.getByLabel("Password").fill("wrong horse");
  await page.getByRole("button", { name: "Sign in" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.equal(await alert.textContent(), "That name and password do not belong together.");

  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Rooms" }).waitFor();
});

test("[WEB-5] signing out in one tab signs out the other", async () => {
  const { page, context } = await browser.guest("Carla");
  const second = await context.newPage();
  await second.goto("/practice");
  await second.getByRole("heading", { level: 1, name: "Practice" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await second.getByText("You are signed out.").waitFor();
});

test("[WEB-3] pages have addresses; Back and Reload keep their meaning", async () => {
  const { page } = await browser.guest("Dora");
  await page.getByRole("link", { name: "Practice" }).click();
  await page.getByRole("heading", { level: 1, name: "Practice" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/practice");
  await page.getByRole("link", { name: "History" }).click();
  await page.getByText("No attempts yet.").waitFor();
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Practice" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Practice" }).waitFor();
  await page.goto("/nowhere/at/all");
  await page.getByText("There is nothing at this address.").waitFor();
});

test("[WEB-14] one comes in and moves about by keyboard; a move puts the focus on the new page's heading", async () => {
  const { page } = await browser.visit();
  await page.goto("/");
  await page.getByLabel("Your name").waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Edda");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Rooms" }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the page");
  for (let tabs = 0; tabs < 10 && (await focused()) !== "Practice"; tabs++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Practice" }).waitFor();
  assert.equal(await focused(), "Practice");
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1");
});

test("[WEB-16] the page's scripts are small", async () => {
  const { page } = await browser.visit();
  const scripts: Promise<Buffer>[] = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "script") scripts.push(response.body());
  });
  await page.goto("/");
  await page.getByLabel("Your name").waitFor();
  const bytes = (await Promise.all(scripts)).map((script) => gzipSync(script).length);
  assert.ok(bytes.length > 0);
  const total = bytes.reduce((sum, each) => sum + each, 0);
  assert.ok(total < 400_000, `${total} bytes`);
});
