import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export type MicrophoneKind =
  /** Speaks these samples (16 kHz mono) again and again from the moment it is opened. */
  { kind: "speaks"; pcm: Int16Array } | { kind: "denied" } | { kind: "missing" };

export type TestBrowser = {
  context: BrowserContext;
  page: Page;
  /** Page errors and console errors so far, for a final look. */
  problems: string[];
  close(): Promise<void>;
};

/** A real Chromium with a profile of its own, whose microphone is as asked. */
export async function openBrowser(
  url: string,
  options: { microphone?: MicrophoneKind; width?: number; height?: number; dark?: boolean } = {},
): Promise<TestBrowser> {
  if (!executable) throw new Error("Chromium is missing: apt-get install chromium");
  const dir = await mkdtemp(join(tmpdir(), "parlance-browser-"));
  const microphone = options.microphone ?? { kind: "missing" };
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
  ];
  if (microphone.kind === "speaks") {
    const file = join(dir, "microphone.wav");
    await writeFile(file, wav(microphone.pcm));
    args.push(
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-audio-capture=${file}`,
    );
  }
  if (microphone.kind === "denied") args.push("--use-fake-device-for-media-stream");
  const context = await chromium.launchPersistentContext(join(dir, "profile"), {
    executablePath: executable,
    headless: true,
    args,
    baseURL: url,
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.dark ? "dark" : "light",
    permissions: microphone.kind === "denied" ? [] : ["microphone"],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.stack ?? String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  return {
    context,
    page,
    problems,
    async close() {
      await context.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Opens the page and comes in as a guest. */
export async function comeIn(page: Page, name: string): Promise<void> {
  await page.goto("/");
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByRole("navigation", { name: "Sections" }).waitFor();
}

/** PCM 16 bit, 16 kHz, mono. */
function wav(pcm: Int16Array): Buffer {
  const data = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
