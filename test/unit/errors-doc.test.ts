import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errors } from "#protocol";
import { routes } from "../../client/rest.ts";
import { generatedPages } from "../../scripts/docs.ts";
import { endpoints } from "../../src/protocol/rest.ts";

const root = join(import.meta.dirname, "../..");

test("[OPS-14] the generated pages say what the code says", () => {
  for (const [path, text] of Object.entries(generatedPages())) {
    assert.equal(readFileSync(join(root, path), "utf8"), text, `${path} is stale: npm run docs`);
  }
});

test("[OPS-14] error numbers are unique and stay in the hundred of their subject", () => {
  const numbers = Object.values(errors).map(({ number }) => number);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
});

test("[OPS-14] every documented error is one that something raises", () => {
  const code = ["src", "client"]
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts") && file !== "protocol/errors.ts")
        .map((file) => readFileSync(join(root, folder, file), "utf8")),
    )
    .join("\n");
  assert.deepEqual(
    Object.keys(errors).filter((name) => !code.includes(`"${name}"`)),
    [],
  );
});

test("[OPS-14] the client's REST table is the protocol's", () => {
  const declared = Object.entries(endpoints).map(([name, { method, path }]) => [name, [method, path]]);
  assert.deepEqual(Object.fromEntries(declared), routes);
});
