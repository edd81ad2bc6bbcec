import { parseArgs } from "node:util";
import type { Command } from "./command.ts";

const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  check: {
    summary: "what works on this host, each with a remedy",
    load: async () => (await import("./check.ts")).check,
  },
  drill: {
    summary: 'FILE.wav --text "…" [--speed 1|max] [--json | --azure IPA]: streams a file as a microphone would',
    load: async () => (await import("./drill.ts")).drill,
  },
  listen: {
    summary: "FILE.wav [--speed 1|max] [--json]: tells the phones of free speech, as the file is spoken",
    load: async () => (await import("./listen.ts")).listen,
  },
  room: {
    summary: "NAME --play FILE.wav --seconds N [--json]: joins a voice room as a peer that speaks",
    load: async () => (await import("./room.ts")).room,
  },
  score: {
    summary: "DIR --split NAME --out FILE.jsonl: scores a folder in speechocean762's layout",
    load: async () => (await import("./score.ts")).score,
  },
};

const [name = "", ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command) process.exitCode = await (await command.load())(rest);
else {
  const { values } = parseArgs({
    args: name.startsWith("-") ? [name] : [],
    options: { help: { type: "boolean" } },
    strict: false,
  });
  console.log("parlance COMMAND …  (the server's address: --url or PARLANCE_URL)\n");
  for (const [label, { summary }] of Object.entries(commands)) console.log(`  ${label.padEnd(6)} ${summary}`);
  process.exitCode = values.help || name === "" ? 0 : 2;
}
