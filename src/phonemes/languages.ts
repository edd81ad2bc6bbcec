import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Language, language } from "#protocol";
import type { Logger } from "../lib/logger.ts";
import { packFolders } from "./pack-folders.ts";

/** How a language's writing becomes sounds. */
export type LexiconKind = "english" | "spanish";

/** What this side needs to know of a language pack. */
export type LanguagePack = { readonly dir: string; readonly lexicon: LexiconKind; readonly about: Language };

const manifest = language.extend({ lexicon: z.enum(["english", "spanish"]) });

/** The packs in a folder, by language. One that says too little of itself is logged and left out. */
export async function readLanguages(modelDir: string, log: Logger): Promise<Map<string, LanguagePack>> {
  const packs = new Map<string, LanguagePack>();
  for (const dir of packFolders(modelDir)) {
    try {
      const { lexicon, ...about } = manifest.parse(JSON.parse(await readFile(join(dir, "manifest.json"), "utf8")));
      packs.set(about.language, { dir, lexicon, about });
    } catch (error) {
      log.error({ err: error, dir }, "language pack left out");
    }
  }
  return packs;
}
