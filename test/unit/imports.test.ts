import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const aliases: Record<string, string> = { "#protocol": "src/protocol/index.ts", "#client": "client/index.ts" };

const domains = ["accounts", "rooms", "calls", "chat", "drills", "media", "phonemes"].map((name) => `src/${name}`);
const base = ["src/lib", "src/protocol"];
/** What a domain needs of another one, it declares itself; the other one implements it, and so imports the declaration. */
const ports = [...domains.map((domain) => `${domain}/ports.ts`), "src/rooms/room-service.ts", "src/gateway/ports.ts"];
const declarations = [...ports, "src/config.ts"];

/** Who may import whom, besides itself: files or folders, and those that only types may be taken from. The first that fits counts. */
const areas: { area: string; may: string[]; types?: string[] }[] = [
  { area: "src/protocol", may: [] },
  { area: "src/lib", may: ["src/protocol"] },
  { area: "src/phonemes", may: base, types: [...declarations, "workers"] },
  ...domains.map((area) => ({ area, may: base, types: declarations })),
  { area: "src/db", may: base, types: declarations },
  { area: "src/cluster", may: base, types: declarations },
  { area: "src/gateway", may: [...base, ...domains], types: declarations },
  { area: "src/config.ts", may: [] },
  { area: "src/server.ts", may: ["src"] },
  { area: "src/main.ts", may: ["src"] },
  { area: "workers", may: base, types: ["src/phonemes", "src/drills/ports.ts"] },
  { area: "client", may: ["src/protocol"] },
  { area: "web", may: ["src/protocol", "client"] },
  { area: "cli/score.ts", may: ["src/protocol", "src/lib", "client", "cli", "workers", "src/phonemes"] },
  { area: "cli/check.ts", may: ["src", "workers", "client", "cli"] },
  { area: "cli", may: ["src/protocol", "client"] },
  { area: "migrations", may: [] },
];

/** Packages that one area alone knows, so that each can be swapped in one place. */
const packages: { name: RegExp; only: string[] }[] = [
  { name: /^mediasoup(\/|$)/, only: ["src/media"] },
  { name: /^mediasoup-client(\/|$)/, only: ["client", "cli"] },
  { name: /^(socket\.io(-parser)?|uWebSockets\.js)$/, only: ["src/gateway"] },
  { name: /^socket\.io-client(\/|$)/, only: ["client"] },
  { name: /^(kysely|pg|@electric-sql\/pglite)(\/|$)/, only: ["src/db", "migrations"] },
  { name: /^onnxruntime-/, only: ["workers"] },
  { name: /^(ioredis|@socket\.io\/redis-.*)$/, only: ["src/cluster"] },
  { name: /^(react|react-dom)(\/|$)/, only: ["web"] },
];

type Import = { from: string; to: string; typeOnly: boolean };

function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !/(^|\/)(dist|node_modules)\//.test(file))
    .map((file) => `${folder}/${file}`);
}

/** Static and dynamic imports and re-exports, relative ones resolved to a path from the root. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  const found: Import[] = [];
  const add = (target: string, typeOnly: boolean) => {
    const to = target.startsWith(".") ? join(file, "..", target) : (aliases[target] ?? target);
    found.push({ from: file, to, typeOnly });
  };
  for (const [, type, target] of text.matchAll(/^(?:import|export)(\s+type)?\b[^"';]*?\bfrom\s*["']([^"'\n]+)["']/gm)) {
    add(target ?? "", type !== undefined);
  }
  for (const [, target] of text.matchAll(/^import\s*["']([^"'\n]+)["']/gm)) add(target ?? "", false);
  for (const [, target] of text.matchAll(/\bimport\(\s*["']([^"'\n]+)["']\s*\)/g)) add(target ?? "", false);
  return found;
}

function within(path: string, places: string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}

const imports = ["src", "workers", "client", "web", "cli", "migrations"].flatMap(sources).flatMap(importsOf);
const ours = (path: string) => existsSync(join(root, path)) && !path.startsWith("node_modules");

test("[OPS-12] every folder imports only those it may", () => {
  const wrong = imports.flatMap(({ from, to, typeOnly }) => {
    if (!ours(to)) return [];
    const rule = areas.find(({ area }) => within(from, [area]));
    if (!rule) return [`${from} belongs to no area of this test`];
    const allowed = [rule.area, ...rule.may, ...(typeOnly ? (rule.types ?? []) : [])];
    return within(to, allowed) ? [] : [`${from} imports ${to}`];
  });
  assert.deepEqual(wrong, []);
});

test("[OPS-12] each foreign system is known to one folder alone", () => {
  const wrong = imports.flatMap(({ from, to }) => {
    const rule = packages.find(({ name }) => name.test(to));
    return rule && !within(from, rule.only) && from !== "cli/check.ts" ? [`${from} imports ${to}`] : [];
  });
  assert.deepEqual(wrong, []);
});
