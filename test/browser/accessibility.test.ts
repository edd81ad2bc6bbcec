import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, type Person, type TestBrowser } from "../support/browser.ts";
import { auditPage } from "../support/page-audit.ts";
import { guest, startServer, type TestServer } from "../support/server.ts";

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

/** Puts something on each page: a conversation, with something unread in it. */
async function furnish({ page }: Person): Promise<void> {
  const me = await page.evaluate(() => JSON.parse(localStorage.getItem("parlance.session") ?? "").user.id as string);
  const { connection } = await guest(server.url, "Somebody with a rather long name, truly");
  try {
    const { conversation } = await connection.call("chat.open", { userId: me });
    for (const text of ["Hello", `A long one: ${"word ".repeat(40)}`, "Unbroken".repeat(30)])
      await connection.call("chat.send", { conversationId: conversation.id, clientId: crypto.randomUUID(), text });
  } finally {
    connection.close();
  }
}

for (const [name, look] of [
  ["light, wide", { width: 1280, dark: false }],
  ["dark, phone", { width: 360, height: 740, dark: true }],
] as const) {
  test(`[WEB-15] pages are sound for keyboard, screen reader and eyes: ${name}`, async () => {
    const person = await browser.visit(look);
    const { page } = person;
    const problems: Record<string, string[]> = {};
    const audit = async (what: string) => {
      const found = await auditPage(page);
      if (found.length > 0) problems[what] = found;
    };
    await page.goto("/");
    await page.getByLabel("Your name").waitFor();
    await audit("sign-in");
    await page.getByLabel("Your name").fill("Ana");
    await page.getByRole("button", { name: "Come in" }).click();
    await page.getByRole("list", { name: "Open rooms" }).waitFor();
    await furnish(person);
    await page.getByRole("link", { name: /Messages 3 unread/ }).waitFor();
    await audit("rooms");
    await page.getByRole("button", { name: "New room" }).click();
    await audit("new room");
    await page.getByRole("list", { name: "Open rooms" }).getByRole("link").first().click();
    await page.getByRole("button", { name: "Join the room" }).click();
    await page.getByText("No microphone was found").waitFor();
    await audit("room");
    await page.getByRole("link", { name: /Messages/ }).click();
    await page.getByRole("link", { name: /Somebody with/ }).waitFor();
    await audit("conversations");
    await page.getByRole("link", { name: /Somebody with/ }).click();
    await page.getByRole("log").getByText("Hello").waitFor();
    await audit("thread");
    await page.getByRole("link", { name: "Practice" }).click();
    await page.getByRole("list").getByRole("link").nth(5).waitFor();
    await audit("practice");
    await page.goto(`/practice?text=${encodeURIComponent("An extraordinarily characteristic misunderstanding.")}`);
    await page.getByRole("button", { name: "Start speaking" }).click();
    await page.getByText("No microphone was found").waitFor();
    await audit("drill");
    await page.goto("/progress");
    await page.getByText("Nothing was read in this time.").waitFor();
    await audit("progress");
    await page.goto("/history");
    await page.getByText("No attempts yet.").waitFor();
    await audit("history");
    await page.goto("/nowhere");
    await page.getByText("There is nothing at this address.").waitFor();
    await audit("lost");
    assert.deepEqual(problems, {});
  });
}

test("[WEB-15] the audit itself sees what it looks for", async () => {
  const { page } = await browser.visit({ width: 360 });
  await page.setContent(`<body style="background: #fff"><main><button></button><p style="color: #999">pale</p>
    <p style="color: #999; font-size: 24px">large</p><div style="width: 500px">wide</div></main></body>`);
  const found = (await auditPage(page)).map((line) => line.replace(/: <.*/, "").replace(/\d+ px/, "N px"));
  assert.deepEqual(found, [
    "0 main headings",
    "no language",
    "no title",
    "scrolls sideways by N px",
    "the page in it scrolls sideways by N px",
    "no name",
    "contrast 2.85",
    "contrast 2.85",
  ]);
});
