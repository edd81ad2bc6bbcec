import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const spec = readFileSync(join(root, "docs/SPEC.md"), "utf8");
const rules = [...spec.matchAll(/^- \*\*([A-Z]+-\d+)\*\* /gm)].map(([, id]) => id ?? "");

/** Rule ids in square brackets, alone or in a list, anywhere below test/: conformance suites live outside of test files. */
function citations(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(file)) continue;
    const text = readFileSync(join(root, "test", file), "utf8");
    for (const [list] of text.matchAll(/\[[A-Z]+-\d+(?:, ?[A-Z]+-\d+)*\]/g)) {
      for (const id of list.slice(1, -1).split(/, ?/)) found.set(id, file);
    }
  }
  return found;
}

test("[OPS-13] every rule has an id of its own", () => {
  assert.deepEqual(
    rules.filter((id, at) => rules.indexOf(id) !== at),
    [],
  );
  const bullets = [...spec.matchAll(/^- (.*)$/gm)].map(([, text]) => text ?? "");
  assert.deepEqual(
    bullets.filter((text) => !/^\*\*[A-Z]+-\d+\*\* /.test(text)),
    [],
  );
});

test("[OPS-13] every rule is named by a test, and every rule that a test names exists", () => {
  const cited = citations();
  const unproven = rules.filter((id) => !cited.has(id));
  const unknown = [...cited].flatMap(([id, file]) => (rules.includes(id) ? [] : [`${id} in ${file}`]));
  assert.deepEqual({ unproven, unknown }, { unproven: [], unknown: [] });
});
