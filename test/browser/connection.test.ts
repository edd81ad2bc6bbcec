import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { request } from "#client";
import { openBrowser } from "../support/browser.ts";
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
