import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { exampleOf, ipa } from "../../web/src/phone-symbols.ts";

test("[WEB-10] every phone that is judged has a sign and an example word", () => {
  const manifest = new URL("../../models/en/manifest.json", import.meta.url);
  const { phones } = JSON.parse(readFileSync(manifest, "utf8")) as { phones: string[] };
  const spoken = phones.filter((phone) => phone !== "SIL");
  assert.ok(spoken.length >= 39);
  for (const phone of spoken) assert.ok(exampleOf(phone), phone);
  assert.equal(new Set(spoken.map(ipa)).size, spoken.length);
});
