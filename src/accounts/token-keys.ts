import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { SecretRepository } from "./ports.ts";

/** The first key signs, all verify. */
export type TokenKey = { id: string; secret: string };

/**
 * The keys of PARLANCE_KEYS. In demo mode without them, one that is generated once: kept by `shared` where several nodes
 * must agree on it, else in DATA_DIR for its owner only.
 * @throws Error when the kept key can't be read or written
 */
export async function loadTokenKeys(
  config: Pick<Config, "PARLANCE_KEYS" | "PARLANCE_MODE" | "DATA_DIR">,
  shared?: SecretRepository,
): Promise<TokenKey[]> {
  if (config.PARLANCE_KEYS) return config.PARLANCE_KEYS;
  if (config.PARLANCE_MODE === "production") throw new Error("PARLANCE_KEYS is required in production");
  const fresh = `demo-${randomBytes(4).toString("hex")}:${randomBytes(32).toString("base64url")}`;
  if (shared) return [parseKey(await shared.keep("token-key", fresh), "the database's token-key")];
  const file = join(config.DATA_DIR, "token-key");
  await mkdir(config.DATA_DIR, { recursive: true });
  if (!existsSync(file)) {
    // Linked into place whole: a process that starts at the same time must not read half of it, nor make another one.
    const draft = `${file}.${randomBytes(4).toString("hex")}`;
    await writeFile(draft, `${fresh}\n`, { mode: 0o600, flag: "wx" });
    try {
      await link(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      await unlink(draft);
    }
  }
  return [parseKey(await readFile(file, "utf8"), file)];
}

function parseKey(kept: string, where: string): TokenKey {
  const match = /^([\w-]{1,32}):(\S{32,})$/.exec(kept.trim());
  if (!match?.[1] || !match[2]) throw new Error(`${where} holds no token key; delete it to have a new one made`);
  return { id: match[1], secret: match[2] };
}
