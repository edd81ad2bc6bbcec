import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  calls,
  type ErrorCode,
  endpoints,
  errors,
  FRAME_EVENT,
  FRAME_HEADER_BYTES,
  limits,
  PROTOCOL_VERSION,
  pushes,
  SPEECH_FRAME_EVENT,
  wavFile,
} from "#protocol";
import { settings } from "../src/config.ts";
import * as models from "../src/protocol/models.ts";
import { fieldNotes, type JsonSchema, typeText } from "./schema-text.ts";

const root = join(import.meta.dirname, "..");
const generated = "<!-- Made by `npm run docs` from the code; a test holds the two equal. -->";

/** Defaults that depend on the machine, in words: the pages must read the same wherever they are made. */
const machineDefaults: Partial<Record<keyof typeof settings, string>> = {
  PARLANCE_MEDIA_WORKERS: "one less than the processors",
  PARLANCE_SCORING_THREADS: "one less than the processors",
};

/** The protocol's named models: mentioned by name, and spelled out once. */
const named = z.registry<{ id: string }>();
for (const [name, model] of Object.entries(models)) if (model instanceof z.ZodType) named.add(model, { id: name });

/** Every generated page, by its path from the root. */
export function generatedPages(): Record<string, string> {
  return {
    "docs/errors.md": errorsPage(),
    "docs/reference.md": referencePage(),
    "docs/configuration.md": configurationPage(),
    ".env.example": environmentExample(),
  };
}

function errorsPage(): string {
  const groups: [from: number, title: string][] = [
    [100, "Who you are and what you may"],
    [200, "Requests and connections"],
    [300, "Rooms and media"],
    [400, "Messages"],
    [500, "Drills"],
    [900, "The server itself"],
  ];
  const entries = Object.entries(errors) as [ErrorCode, (typeof errors)[ErrorCode]][];
  const sections = groups.map(([from, title], at) => {
    const to = groups[at + 1]?.[0] ?? 1_000;
    const rows = entries
      .filter(([, { number }]) => number >= from && number < to)
      .map(([code, e]) => `| ${e.number} | \`${code}\` | ${e.status} | ${e.retryable ? "yes" : "no"} | ${e.message} |`);
    return `## ${title}\n\n| Number | Code | HTTP | Retryable | Message |\n|---|---|---|---|---|\n${rows.join("\n")}`;
  });
  return page([
    "# Errors",
    generated,
    `The list is closed: a failed call, REST request or connection attempt carries one of these codes and nothing else.
A number is stable for ever and never used again. *Retryable* says whether the same request may succeed later without
change; \`details.retryAfterMs\` then says when, where that is known. \`requestId\` finds the request in the server's log.`,
    schemaBlock("The body", errorShape(), "output"),
    ...sections,
  ]);
}

function errorShape(): z.ZodType {
  return z.object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    requestId: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  });
}

function referencePage(): string {
  const callSections = Object.entries(calls).map(([name, { summary, request, reply, rate }]) =>
    [
      `### ${name}`,
      summary,
      `${rate.perSecond} a second sustained, ${rate.burst} at once, for each user.`,
      schemaBlock("Request", request, "input"),
      schemaBlock("Reply", reply, "output"),
    ].join("\n\n"),
  );
  const pushSections = Object.entries(pushes).map(([name, { summary, payload }]) =>
    [`### ${name}`, summary, schemaBlock("Payload", payload, "output")].join("\n\n"),
  );
  const needs = { none: "No sign-in needed.", user: "Needs an access token.", moderator: "Needs a moderator's token." };
  const restSections = Object.values(endpoints).map(({ summary, method, path, auth, request, reply }) =>
    [
      `### ${method} ${path}`,
      `${summary} ${needs[auth]}`,
      schemaBlock(method === "GET" ? "Query" : "Body", request, "input"),
      reply === wavFile
        ? "Data: a WAV file instead of JSON, `audio/wav`, 16-bit mono PCM."
        : schemaBlock("Data", reply, "output"),
    ].join("\n\n"),
  );
  const definitions = Object.entries(models).flatMap(([name, model]) =>
    model instanceof z.ZodType ? schemaBlock(`\`${name}\``, model, "output", true) : [],
  );
  const limitRows = Object.entries(limits).map(([name, value]) => `| ${name} | ${value} |`);
  return page([
    "# Reference",
    generated,
    `Protocol version ${PROTOCOL_VERSION}. A socket.io client connects to the server's address with
\`auth: { token, protocolVersion }\`. Calls are events with an acknowledgement, answered by
\`{ ok: true, data }\` or \`{ ok: false, error }\` ([errors](errors.md)); pushes are events from the server. REST requests
carry JSON, are answered by the same two shapes, and are authorised by \`Authorization: Bearer …\`. Durations end in \`Ms\`.`,
    "## Calls",
    ...callSections,
    `### ${FRAME_EVENT}`,
    `An event without acknowledgement: microphone audio of the running drill as one binary argument.
${FRAME_HEADER_BYTES} bytes of frame number (unsigned, little endian; 0, 1, 2 … in each attempt), then 16-bit little-endian
PCM samples at 16 kHz mono: 320 of them (20 ms) as a rule, ${limits.frameSamples} at the most. A number that was there before is
ignored, a jump is filled with silence up to 1 s. What is wrong with a frame comes back as \`drill.frameRejected\`.`,
    `### ${SPEECH_FRAME_EVENT}`,
    "The same for free speech, numbered from 0 after each `speech.start`; what is wrong comes back as `speech.frameRejected`.",
    "## Pushes",
    ...pushSections,
    "## REST",
    ...restSections,
    "## Models",
    ...definitions,
    "## Limits",
    `| Limit | Value |\n|---|---|\n${limitRows.join("\n")}`,
  ]);
}

function configurationPage(): string {
  const rows = Object.entries(settings).map(
    ([name, { summary }]) => `| \`${name}\` | ${defaultOf(name)} | ${allowedBy(name)} | ${summary} |`,
  );
  return page([
    "# Configuration",
    generated,
    `Everything is set by environment variables, and the defaults run a demo on one machine. A variable that starts with
\`PARLANCE_\` and is not in this table stops the start, so that a typing error can't pass in silence; an empty one counts as
absent. \`npm run cli -- check\` says whether what is configured works.`,
    `| Variable | Default | Values | Meaning |\n|---|---|---|---|\n${rows.join("\n")}`,
  ]);
}

function environmentExample(): string {
  const entries = Object.entries(settings).map(([name, { summary, fallback }]) => {
    const value = name in machineDefaults || fallback === undefined ? "" : String(fallback);
    return `# ${summary}\n# ${name}=${value}`;
  });
  return `# Made by \`npm run docs\` from src/config.ts. For docker compose: copy to .env and uncomment what differs.\n\n${entries.join("\n\n")}\n`;
}

function defaultOf(name: string): string {
  const words = machineDefaults[name as keyof typeof settings];
  if (words) return words;
  const { fallback } = settings[name as keyof typeof settings];
  if (fallback === undefined) return "–";
  return Array.isArray(fallback) && fallback.length === 0 ? "none" : `\`${fallback}\``;
}

function allowedBy(name: string): string {
  const schema = settings[name as keyof typeof settings].schema.unwrap();
  // Numbers are described by what they parse to, everything else by what one writes.
  const io = schema instanceof z.ZodNumber ? "output" : "input";
  const json = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema;
  const notes = fieldNotes(json);
  if (json.enum) return json.enum.map((value) => `\`${value}\``).join(", ");
  return [json.type === "integer" ? "" : json.format === "uri" ? "URL" : "text", notes].filter(Boolean).join(", ");
}

function schemaBlock(title: string, schema: z.ZodType, io: "input" | "output", spellOut = false): string {
  const id = named.get(schema)?.id;
  const json = z.toJSONSchema(schema, { io, metadata: named, unrepresentable: "any" }) as JsonSchema;
  const own = id && json.$ref ? json.$defs?.[id] : json;
  return `${title}:\n\n\`\`\`ts\n${spellOut || !id ? typeText(own ?? json) : id}\n\`\`\``;
}

function page(parts: string[]): string {
  return `${parts.join("\n\n")}\n`;
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  for (const [path, text] of Object.entries(generatedPages())) {
    const file = join(root, path);
    if (!check) writeFileSync(file, text);
    else if (readIfThere(file) !== text) {
      console.log(`${path} differs from the code: npm run docs`);
      process.exitCode = 1;
    }
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
