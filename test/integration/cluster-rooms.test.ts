import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Redis } from "ioredis";
import type { Cluster } from "../../src/cluster/cluster.ts";
import type { ClusterRooms } from "../../src/cluster/cluster-rooms.ts";
import { joinCluster } from "../support/cluster.ts";
import { joinAsPeer, leaveAll } from "../support/peer.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { rejectsWith, startRooms, type TestRooms } from "../support/rooms.ts";
import { until } from "../support/until.ts";

describe("rooms of two nodes in one process", () => {
  let redis: TestRedis;
  let near: Cluster;
  let far: Cluster;
  let own: TestRooms;
  let farOwn: TestRooms;
  let rooms: ClusterRooms;
  let farRooms: ClusterRooms;

  before(async () => {
    redis = await startRedis();
    near = await joinCluster(redis.url);
    far = await joinCluster(redis.url);
    own = await startRooms({ directory: near.roomDirectory });
    farOwn = await startRooms({ directory: far.roomDirectory, publisher: own.hub });
    rooms = near.rooms(own.rooms, own.hub);
    farRooms = far.rooms(farOwn.rooms, own.hub);
  });
  afterEach(leaveAll);
  after(async () => {
    await own?.stop();
    await farOwn?.stop();
    await near?.close();
    await far?.close();
    await redis?.stop();
  });

  test("[CLU-13] a microphone in a room that another node runs is heard packet by packet until the tap is closed", async () => {
    const host = own.hub.connect(rooms, { id: "host", name: "host" }, own.media.routerRtpCapabilities);
    await host.call("room.join", { roomId: "room-1" });
    const link = own.hub.connect(farRooms, { id: "guest", name: "guest" }, own.media.routerRtpCapabilities);
    const peer = await joinAsPeer(link, "room-1");
    assert.equal(far.roomDirectory.isMine("room-1"), false);
    await assert.rejects(
      farRooms.tap("room-1", link.connectionId, () => {}),
      rejectsWith("NO_MICROPHONE_TRACK"),
    );
    await assert.rejects(
      farRooms.tap("room-1", "nobody", () => {}),
      rejectsWith("NOT_IN_ROOM"),
    );
    await peer.speak();

    const numbers: number[] = [];
    const stop = await farRooms.tap("room-1", link.connectionId, (payload, { sequenceNumber }) => {
      assert.ok(payload.byteLength > 0);
      numbers.push(sequenceNumber);
    });
    await until("a second of sound", () => numbers.length > 50);
    const steps = numbers.slice(1).map((n, i) => (n - (numbers[i] ?? 0)) & 0xffff);
    assert.ok(
      steps.every((step) => step > 0 && step < 0x8000),
      `out of order: ${numbers}`,
    );
    stop();
    stop();
    const heard = numbers.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(numbers.length, heard);
  });

  test("[CLU-13] a microphone that goes ends its tap on another node", async () => {
    const host = own.hub.connect(rooms, { id: "host-2", name: "host" }, own.media.routerRtpCapabilities);
    await host.call("room.join", { roomId: "room-2" });
    const link = own.hub.connect(farRooms, { id: "guest-2", name: "guest" }, own.media.routerRtpCapabilities);
    const peer = await joinAsPeer(link, "room-2");
    await peer.speak();
    let ends = 0;
    const stop = await farRooms.tap(
      "room-2",
      link.connectionId,
      () => {},
      () => {
        ends += 1;
      },
    );
    peer.leave();
    await until("it is told", () => ends > 0);
    stop();
    assert.equal(ends, 1);
  });

  test("[CLU-5] asking for rooms that do not exist is refused and leaves nothing in Redis", async () => {
    const link = own.hub.connect(rooms, { id: "asker", name: "asker" });
    for (const roomId of ["nowhere-1", "nowhere-2"]) {
      await assert.rejects(link.call("room.join", { roomId }), rejectsWith("ROOM_NOT_FOUND"));
      await assert.rejects(link.call("room.sync", { roomId, epoch: "x", afterSeq: 0 }), rejectsWith("ROOM_NOT_FOUND"));
    }
    const client = new Redis(redis.url);
    assert.deepEqual(await client.keys("*nowhere*"), []);
    client.disconnect();
  });
});
