import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryRoomDirectory } from "../../src/rooms/memory-room-directory.ts";
import type { RoomDirectory } from "../../src/rooms/ports.ts";
import { twoNodes } from "../support/cluster.ts";

function suite(directory: () => RoomDirectory, nodeId: () => string): void {
  test("a room that nobody runs goes to who claims it, for as long as it is not released", async () => {
    assert.deepEqual(await directory().claim("one"), { nodeId: nodeId() });
    assert.deepEqual(await directory().claim("one"), { nodeId: nodeId() });
    await directory().release("one");
    await directory().release("one");
    assert.deepEqual(await directory().peerCounts(["one"]), new Map());
  });

  test("peer counts are those last set; rooms nobody runs are absent", async () => {
    await directory().claim("two");
    await directory().claim("three");
    await directory().setPeers("two", 5);
    await directory().setPeers("two", 4);
    assert.deepEqual(
      await directory().peerCounts(["two", "three", "nowhere"]),
      new Map([
        ["two", 4],
        ["three", 0],
      ]),
    );
    await directory().release("two");
    await directory().release("three");
    assert.deepEqual(await directory().peerCounts(["two", "three"]), new Map());
    assert.deepEqual(await directory().peerCounts([]), new Map());
  });
}

describe("room directory in memory", () => {
  const directory = new MemoryRoomDirectory("me");
  suite(
    () => directory,
    () => "me",
  );
});

describe("room directory on Redis", () => {
  const nodes = twoNodes();
  suite(
    () => nodes.near.roomDirectory,
    () => nodes.near.nodeId,
  );

  test("[CLU-4] of many nodes that claim a room at once, one gets it and all are told which", async () => {
    const claims = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 2 ? nodes.near : nodes.far).roomDirectory.claim("contested")),
    );
    assert.equal(new Set(claims.map(({ nodeId }) => nodeId)).size, 1);
  });

  test("only the owner changes a room's count or gives it up", async () => {
    await nodes.near.roomDirectory.claim("owned");
    await nodes.near.roomDirectory.setPeers("owned", 2);
    await nodes.far.roomDirectory.setPeers("owned", 9);
    await nodes.far.roomDirectory.release("owned");
    assert.deepEqual(await nodes.far.roomDirectory.peerCounts(["owned"]), new Map([["owned", 2]]));
    assert.deepEqual(await nodes.far.roomDirectory.claim("owned"), { nodeId: nodes.near.nodeId });
    await nodes.near.roomDirectory.release("owned");
    assert.deepEqual(await nodes.far.roomDirectory.claim("owned"), { nodeId: nodes.far.nodeId });
  });

  test("a release that crosses a claim leaves the room either claimed or free, never half", async () => {
    for (let i = 0; i < 50; i++) {
      const room = `crossing-${i}`;
      await nodes.near.roomDirectory.claim(room);
      const [claimed] = await Promise.all([
        nodes.near.roomDirectory.claim(room),
        nodes.near.roomDirectory.release(room),
      ]);
      assert.equal(claimed.nodeId, nodes.near.nodeId);
      assert.equal(nodes.near.roomDirectory.isMine(room), true);
      assert.deepEqual(await nodes.far.roomDirectory.claim(room), { nodeId: nodes.near.nodeId });
    }
  });
});
