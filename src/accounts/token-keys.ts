import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";

/** The first key signs, all verify. */
export type TokenKey = { id: string; secret: string };

/**
 * The keys of PARLANCE_KEYS; in demo mode without them, one that is generated once and kept in DATA_DIR for its owner only.
 * @throws Error when the kept key can't be read or written
 */
export async function loadTokenKeys(
  config: Pick<Config, "PARLANCE_KEYS" | "PARLANCE_MODE" | "DATA_DIR">,
): Promise<TokenKey[]> {
  if (config.PARLANCE_KEYS) return config.PARLANCE_KEYS;
  if (config.PARLANCE_MODE === "production") throw new Error("PARLANCE_KEYS is required in production");
  const file = join(config.DATA_DIR, "token-key");
  await mkdir(config.DATA_DIR, { recursive: true });
  try {
    const fresh = `demo-${randomBytes(4).toString("hex")}:${randomBytes(32).toString("base64url")}\n`;
    await writeFile(file, fresh, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const match = /^([\w-]{1,32}):(\S{32,})$/.exec((await readFile(file, "utf8")).trim());
  if (!match?.[1] || !match[2]) throw new Error(`${file} holds no token key; delete it to have a new one made`);
  return [{ id: match[1], secret: match[2] }];
}
