import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { exampleOf, ipa, type PhoneAlphabet, phoneIn } from "#protocol";

const manifest = new URL("../../models/en/manifest.json", import.meta.url);
const { phones } = JSON.parse(readFileSync(manifest, "utf8")) as { phones: string[] };
const spoken = phones.filter((phone) => phone !== "SIL");

test("[WEB-10] every phone that is judged has a sign and an example word", () => {
  assert.ok(spoken.length >= 39);
  for (const phone of spoken) assert.ok(exampleOf(phone), phone);
  assert.equal(new Set(spoken.map(ipa)).size, spoken.length);
});

test("[SCORE-21] every phone has a name of its own in each alphabet", () => {
  for (const alphabet of ["ARPABET", "IPA", "SAPI", "respelling"] satisfies PhoneAlphabet[]) {
    const names = spoken.map((phone) => phoneIn(alphabet, phone));
    assert.equal(new Set(names).size, spoken.length, alphabet);
    assert.ok(names.every((name) => name.length > 0 && name.length <= 7));
  }
  assert.deepEqual(
    (["ARPABET", "IPA", "SAPI", "respelling"] as const).map((alphabet) => phoneIn(alphabet, "HH")),
    ["HH", "h", "h", "h"],
  );
  assert.equal(phoneIn("respelling", "TH"), "th(ink)");
});
