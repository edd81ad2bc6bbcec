import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export type MicrophoneKind =
  /** Speaks these samples (16 kHz mono) again and again from the moment it is opened. */
  { kind: "speaks"; pcm: Int16Array } | { kind: "denied" } | { kind: "missing" };

export type Person = {
  page: Page;
  context: BrowserContext;
  /** Page errors and console errors so far, for a final look. */
  problems: string[];
};

export type TestBrowser = {
  /** A page of its own, as if on another device. */
  visit(options?: { width?: number; height?: number; dark?: boolean }): Promise<Person>;
  /** A page that has come in as a guest. */
  guest(name: string, options?: { width?: number; height?: number; dark?: boolean }): Promise<Person>;
  close(): Promise<void>;
};

/** A name of this machine that is not localhost: pages there are no secure context unless on https. */
export const INSECURE_HOST = "parlance.test";

/** Patience of every step: the machine may be busy with other suites. */
const STEP_MS = 60_000;

/** A real Chromium whose microphone is as asked; `url` is where its pages start. */
export async function openBrowser(url: string, microphone: MicrophoneKind = { kind: "missing" }): Promise<TestBrowser> {
  if (!executable) throw new Error("Chromium is missing: apt-get install chromium");
  const dir = await mkdtemp(join(tmpdir(), "parlance-browser-"));
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
    "--autoplay-policy=no-user-gesture-required",
  ];
  if (microphone.kind === "speaks") {
    const file = join(dir, "microphone.wav");
    await writeFile(file, wav(microphone.pcm));
    args.push("--use-fake-ui-for-media-stream", `--use-file-for-fake-audio-capture=${file}`);
  }
  if (microphone.kind !== "missing") args.push("--use-fake-device-for-media-stream");
  const browser = await chromium.launch({ executablePath: executable, headless: true, args, timeout: STEP_MS });

  async function visit(options: { width?: number; height?: number; dark?: boolean } = {}): Promise<Person> {
    const context = await browser.newContext({
      baseURL: url,
      // As the browser names itself with a window: by its headless name WebRTC libraries don't know it.
      userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version()} Safari/537.36`,
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      colorScheme: options.dark ? "dark" : "light",
      // So that no colour is met on its way to another.
      reducedMotion: "reduce",
      // Granting one permission denies all that are not named.
      permissions: [microphone.kind === "denied" ? "geolocation" : "microphone"],
    });
    context.setDefaultTimeout(STEP_MS);
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.stack ?? String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    return { page, context, problems };
  }

  return {
    visit,
    async guest(name, options) {
      const person = await visit(options);
      await comeIn(person.page, name);
      return person;
    },
    async close() {
      await browser.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** From the sign-in page to the rooms, as a guest. */
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
