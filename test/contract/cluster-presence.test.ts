import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryPresence } from "../../src/gateway/memory-presence.ts";
import type { PresenceStore } from "../../src/gateway/ports.ts";
import { twoNodes } from "../support/cluster.ts";
import { until } from "../support/until.ts";

function suite(store: () => PresenceStore): void {
  test("who entered is online, who left is not", async () => {
    await store().enter("ann");
    assert.deepEqual(await store().online(["ann", "ben"]), ["ann"]);
    await store().leave("ann");
    assert.deepEqual(await store().online(["ann", "ben"]), []);
  });

  test("entering twice is entering once, and is told once", async () => {
    const heard: [string, boolean][] = [];
    const stop = store().onChange((userId, online) => heard.push([userId, online]));
    await store().enter("cat");
    await store().enter("cat");
    await store().leave("cat");
    await store().leave("cat");
    await until("both changes", () => heard.length >= 2);
    await store().enter("dan");
    await until("the next change", () => heard.length >= 3);
    stop();
    assert.deepEqual(heard, [
      ["cat", true],
      ["cat", false],
      ["dan", true],
    ]);
    await store().leave("dan");
    assert.equal(heard.length, 3);
  });

  test("asking about nobody is answered", async () => {
    assert.deepEqual(await store().online([]), []);
  });
}

describe("presence in memory", () => {
  const store = new MemoryPresence();
  suite(() => store);
});

describe("presence on Redis", () => {
  const nodes = twoNodes();
  suite(() => nodes.near.presence);

  test("a user on two nodes is online until both have let go", async () => {
    const heard: boolean[] = [];
    nodes.far.presence.onChange((userId, online) => userId === "eve" && heard.push(online));
    await nodes.near.presence.enter("eve");
    await nodes.far.presence.enter("eve");
    await nodes.near.presence.leave("eve");
    assert.deepEqual(await nodes.near.presence.online(["eve"]), ["eve"]);
    await nodes.far.presence.leave("eve");
    assert.deepEqual(await nodes.near.presence.online(["eve"]), []);
    await until("both changes", () => heard.length >= 2);
    assert.deepEqual(heard, [true, false]);
  });
});
