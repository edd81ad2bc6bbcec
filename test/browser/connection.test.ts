import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "#client";
import { INSECURE_HOST, openBrowser } from "../support/browser.ts";
import { cuttableProxy } from "../support/cuttable-proxy.ts";
import { startServer } from "../support/server.ts";

const ADMIN_PASSWORD = "an-admin-of-tests";

test("[WEB-13] a lost connection is said, the page stays, and it comes back by itself", async (t) => {
  const server = await startServer();
  const proxy = await cuttableProxy(server.url);
  const browser = await openBrowser(proxy.url);
  t.after(async () => {
    await browser.close();
    await proxy.close();
    await server.stop();
  });
  const { page } = await browser.guest("Ana");
  await page.getByRole("list", { name: "Open rooms" }).waitFor();
  proxy.block();
  await page.getByText("Connection lost. Reconnecting…").waitFor();
  assert.ok(await page.getByRole("list", { name: "Open rooms" }).isVisible());
  proxy.restore();
  await page.getByText("Connection lost. Reconnecting…").waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Practice" }).click();
  await page.getByRole("list").getByRole("link").nth(5).waitFor();
});

test("[WEB-13] a server that restarts is said as such, and the page is back when it is", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "parlance-test-"));
  // Below the range that outgoing connections take theirs from: between the two servers nobody else may get it.
  const port = String(20_000 + Math.floor(Math.random() * 10_000));
  const first = await startServer({ DATA_DIR: dataDir, PARLANCE_DRAIN_MS: "3000", PORT: port });
  const browser = await openBrowser(first.url);
  let second: Awaited<ReturnType<typeof startServer>> | undefined;
  t.after(async () => {
    await browser.close();
    await first.stop();
    await second?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const { page } = await browser.guest("Ben");
  await page.getByRole("list", { name: "Open rooms" }).waitFor();
  const stopped = first.stop();
  await page.getByText(/The server is (about to restart|restarting)/).waitFor();
  await stopped;
  second = await startServer({ DATA_DIR: dataDir, PORT: port });
  await page.getByText(/The server is/).waitFor({ state: "detached" });
  assert.ok(await page.getByRole("banner").getByText("Ben").isVisible());
});

test("[WEB-6] a kick can be undone by a button; a ban leads to the sign-in page and says so", async (t) => {
  const server = await startServer({ PARLANCE_ADMIN_PASSWORD: ADMIN_PASSWORD });
  const browser = await openBrowser(server.url);
  t.after(async () => {
    await browser.close();
    await server.stop();
  });
  const { page } = await browser.guest("Rowdy");
  await page.getByRole("list", { name: "Open rooms" }).waitFor();
  const userId = await page.evaluate(() => JSON.parse(localStorage.getItem("parlance.session") ?? "").user.id);
  const admin = await request(server.url, "signIn", { name: "admin", password: ADMIN_PASSWORD });
  await request(server.url, "kick", { userId }, admin.accessToken);
  await page.getByText("A moderator has disconnected you.").waitFor();
  await page.getByRole("button", { name: "Connect again" }).click();
  await page.getByText("A moderator has disconnected you.").waitFor({ state: "detached" });
  await request(server.url, "ban", { userId, reason: "test" }, admin.accessToken);
  await page.getByText("You are banned from this server.").waitFor();
});

test("[WEB-4] two tabs outlive several access tokens without a cut", async (t) => {
  const lifeMs = 8_000;
  const server = await startServer({ PARLANCE_ACCESS_TOKEN_MS: String(lifeMs) });
  const browser = await openBrowser(server.url);
  t.after(async () => {
    await browser.close();
    await server.stop();
  });
  const { page, context } = await browser.guest("Ana");
  const second = await context.newPage();
  await second.goto("/practice");
  const pages = [page, second];
  for (const each of pages) {
    await each.getByRole("list").getByRole("link").nth(3).waitFor();
    await each.evaluate(() => {
      const banners: string[] = [];
      Object.assign(window, { banners });
      const banner = document.querySelector(".link-banner");
      if (banner)
        new MutationObserver(() => banners.push(banner.textContent ?? "")).observe(banner, { childList: true });
    });
  }
  await sleep(lifeMs * 2.5);
  for (const each of pages)
    assert.deepEqual(await each.evaluate(() => (window as unknown as { banners: string[] }).banners), []);
  await page.getByRole("link", { name: "Practice" }).click();
  await page.getByRole("list").getByRole("link").nth(5).waitFor();
});

test("[WEB-12] on an address that is not secure one listens and writes, and is told why there is no microphone", async (t) => {
  const server = await startServer();
  const browser = await openBrowser(server.url.replace("127.0.0.1", INSECURE_HOST));
  t.after(async () => {
    await browser.close();
    await server.stop();
  });
  const { page, problems } = await browser.guest("Ana");
  const ben = await browser.guest("Ben Brook");
  assert.equal(await page.evaluate(() => isSecureContext), false);
  await page.getByRole("list", { name: "Open rooms" }).getByRole("link").first().click();
  await page.getByRole("button", { name: "Join the room" }).click();
  await page.getByText("The microphone needs a secure address").waitFor();
  await page.getByRole("list", { name: "People in the room" }).getByText("Ana (you)").waitFor();
  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByLabel("Find a person by name").fill("Ben");
  await page.getByRole("button", { name: "Ben Brook" }).click();
  await page.getByLabel("Write to Ben Brook").fill("Hello");
  await page.keyboard.press("Enter");
  await page.getByText("· Sent").waitFor();
  await ben.page.getByRole("link", { name: "Messages 1 unread" }).waitFor();
  // The browser itself remarks that a header for secure addresses means nothing here.
  assert.deepEqual(
    problems.filter((problem) => !problem.includes("Cross-Origin-Opener-Policy")),
    [],
  );
});
