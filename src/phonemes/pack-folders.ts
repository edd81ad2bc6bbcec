import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const isPack = (dir: string): boolean => existsSync(join(dir, "manifest.json"));

/** The folders of the language packs in `dir`, which may be one itself; none where it can't be read. */
export function packFolders(dir: string): string[] {
  if (isPack(dir)) return [dir];
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir).sort();
  return names.map((name) => join(dir, name)).filter(isPack);
}
