import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { RoomSession } from "#client";
import type { Roster } from "#protocol";
import type { HubLink } from "../support/room-hub.ts";
import { rejectsWith, startRooms, type TestRooms } from "../support/rooms.ts";
import { until } from "../support/until.ts";

let test1: TestRooms;
before(async () => {
  test1 = await startRooms();
});
after(() => test1.stop());

const textOnly = { media: false };
let rooms = 0;
const freshRoom = () => {
  rooms += 1;
  return `room-${rooms}`;
};

type Step =
  | { do: "join" | "leave" | "mute" | "say" | "cut" | "back" | "remove"; who: number }
  | { do: "lossy"; lossy: boolean };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom("join", "leave", "mute", "say", "cut", "back", "remove"),
      who: fc.nat(4),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lossy"), lossy: fc.boolean() }) },
) as fc.Arbitrary<Step>;

test("[ROOM-6] stale state + events == fresh roster, through lost pushes, cuts and removals", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.integer(), async (steps, seed) => {
      const { hub, rooms, user } = test1;
      const roomId = freshRoom();
      const watcher = user("watcher");
      const session = new RoomSession(watcher, roomId, textOnly);
      await session.join();
      const people = Array.from({ length: 5 }, (_, index) => ({ link: user(`user-${index}`), away: false }));
      const seen: string[] = [];
      let random = seed >>> 0;
      const chance = () => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        return random / 2 ** 32;
      };
      const quietly = (call: Promise<unknown>) => call.catch(() => {});
      for (const action of steps) {
        if (action.do === "lossy") {
          hub.lose = action.lossy ? () => chance() < 0.5 : () => false;
          continue;
        }
        const person = people[action.who];
        assert.ok(person);
        if (action.do === "back" ? !person.away : person.away) continue;
        if (action.do === "join") await quietly(person.link.call("room.join", { roomId }));
        if (action.do === "leave") await quietly(person.link.call("room.leave", { roomId }));
        if (action.do === "mute") await quietly(person.link.call("room.setMuted", { roomId, muted: chance() < 0.5 }));
        if (action.do === "say") {
          const text = `line ${seen.length}`;
          await quietly(person.link.call("room.say", { roomId, text }).then(() => seen.push(text)));
        }
        if (action.do === "cut") person.link.cut();
        if (action.do === "remove") rooms.disconnected(person.link.connectionId, true);
        if (action.do === "back" || action.do === "remove") {
          if (action.do === "remove") person.link.cut();
          person.link.reconnect();
        }
        person.away = action.do === "cut";
        // The watcher's own connection is cut now and then as well.
        if (chance() < 0.1) {
          watcher.cut();
          watcher.reconnect();
        }
      }
      hub.lose = () => false;
      // One more event shows the watcher any gap at the end.
      const prober = user("prober");
      await prober.call("room.join", { roomId });
      const fresh = await roster(prober, roomId);
      await until("the watcher's roster to equal a fresh one", () => {
        const { peers } = session.snapshot();
        return JSON.stringify(sorted(peers)) === JSON.stringify(sorted(fresh.peers));
      });
      assert.deepEqual(
        session.snapshot().lines.map((line) => line.text),
        seen,
      );
      session.leave();
      for (const { link, away } of people) if (!away) link.cut();
      prober.cut();
    }),
    { numRuns: 40 },
  );
});

async function roster(link: HubLink, roomId: string): Promise<Roster> {
  const sync = await link.call("room.sync", { roomId, epoch: "none", afterSeq: 0 });
  assert.equal(sync.kind, "snapshot");
  return (sync as { roster: Roster }).roster;
}

function sorted<T extends { id: string }>(peers: readonly T[]): T[] {
  return [...peers].sort((a, b) => a.id.localeCompare(b.id));
}

test("[ROOM-6] sync gives the events after a point, and a snapshot where they don't reach that far", async () => {
  const roomId = freshRoom();
  const ann = test1.user("ann");
  const { roster: first } = await ann.call("room.join", { roomId });
  const { epoch, seq } = first;
  for (let i = 0; i < 10; i += 1) await ann.call("room.say", { roomId, text: `${i}` });
  const sync = await ann.call("room.sync", { roomId, epoch, afterSeq: seq + 3 });
  assert.ok(sync.kind === "events");
  assert.deepEqual(
    sync.events.map((event) => event.seq),
    Array.from({ length: 7 }, (_, index) => seq + 4 + index),
  );
  assert.deepEqual(await ann.call("room.sync", { roomId, epoch, afterSeq: seq + 10 }), { kind: "events", events: [] });
  for (const point of [
    { epoch, afterSeq: seq + 11 },
    { epoch: "another", afterSeq: seq },
  ])
    assert.equal((await ann.call("room.sync", { roomId, ...point })).kind, "snapshot");
  for (let i = 0; i < 500; i += 1) await ann.call("room.say", { roomId, text: `${i}` });
  assert.equal((await ann.call("room.sync", { roomId, epoch, afterSeq: seq })).kind, "snapshot");
  ann.cut();
});

test("[ROOM-7] a place outlives its connection for the grace time and is taken over by resume", async () => {
  const short = await startRooms({ graceMs: 300 });
  const roomId = "room";
  const ann = short.user("ann");
  const bob = short.user("bob");
  await ann.call("room.join", { roomId });
  const { peerId, roster: known } = await bob.call("room.join", { roomId });
  const point = { epoch: known.epoch, afterSeq: known.seq };
  bob.cut();
  await ann.call("room.say", { roomId, text: "still here?" });
  bob.reconnect();
  await assert.rejects(ann.call("room.resume", { roomId, peerId, ...point }), rejectsWith("PEER_GONE"));
  const { sync } = await bob.call("room.resume", { roomId, peerId, ...point });
  assert.ok(sync.kind === "events");
  assert.deepEqual(
    sync.events.map(({ event }) => event.type),
    ["said"],
  );
  // The grace timer of the first cut no longer counts.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await bob.call("room.say", { roomId, text: "yes" });

  const left: unknown[] = [];
  ann.on("room.event", ({ event }) => left.push(event));
  bob.cut();
  await until("bob to be lost", () => left.some((event) => (event as { type: string }).type === "peerLeft"));
  assert.deepEqual(left.at(-1), { type: "peerLeft", peerId, reason: "lost" });
  bob.reconnect();
  await assert.rejects(bob.call("room.resume", { roomId, peerId, ...point }), rejectsWith("PEER_GONE"));
  await short.stop();
});

test("[ROOM-7] a join that ends after its connection is gone leaves no place for ever", async () => {
  const short = await startRooms({ graceMs: 100 });
  const bob = short.user("bob");
  const watcher = short.user("watcher");
  await watcher.call("room.join", { roomId: "room" });
  const joining = bob.call("room.join", { roomId: "room" }).catch(() => {});
  bob.cut();
  await joining;
  const events: string[] = [];
  watcher.on("room.event", ({ event }) => events.push(event.type));
  await until("the place to go", async () => (await roster(watcher, "room")).peers.length === 1);
  await until("bob to leave", () => events.includes("peerLeft"));
  assert.deepEqual(
    (await roster(watcher, "room")).peers.map((peer) => peer.name),
    ["watcher"],
  );
  await short.stop();
});

test("[ROOM-8] another connection of the same user takes the place over; the same one keeps it", async () => {
  const roomId = freshRoom();
  const phone = test1.user("ann");
  const laptop = test1.user("ann");
  const removed: unknown[] = [];
  const late: unknown[] = [];
  phone.on("room.removed", (push) => removed.push(push));
  const first = await phone.call("room.join", { roomId });
  await phone.call("room.setMuted", { roomId, muted: true });
  const again = await phone.call("room.join", { roomId });
  assert.equal(again.peerId, first.peerId);
  assert.deepEqual(
    again.roster.peers.map((peer) => [peer.id, peer.muted]),
    [[first.peerId, true]],
  );
  const other = await laptop.call("room.join", { roomId });
  assert.notEqual(other.peerId, first.peerId);
  assert.deepEqual(
    other.roster.peers.map((peer) => peer.id),
    [other.peerId],
  );
  await until("the phone to hear of it", () => removed.length > 0);
  assert.deepEqual(removed, [{ roomId, reason: "replaced" }]);
  phone.on("room.event", (push) => late.push(push));
  await laptop.call("room.say", { roomId, text: "only here" });
  await assert.rejects(phone.call("room.say", { roomId, text: "?" }), rejectsWith("NOT_IN_ROOM"));
  assert.deepEqual(late, []);
});

test("[ROOM-9] a full room refuses newcomers, also those that come at once, and takes its own people back", async () => {
  const small = await startRooms({ capacity: 3 });
  const people = Array.from({ length: 8 }, (_, index) => small.user(`user-${index}`));
  const outcomes = await Promise.allSettled(people.map((link) => link.call("room.join", { roomId: "room" })));
  const inside = people.filter((_, index) => outcomes[index]?.status === "fulfilled");
  assert.equal(inside.length, 3);
  for (const outcome of outcomes)
    if (outcome.status === "rejected") assert.ok(rejectsWith("ROOM_FULL")(outcome.reason));
  await inside[0]?.call("room.join", { roomId: "room" });
  inside[1]?.cut();
  inside[1]?.reconnect();
  await inside[1]?.call("room.join", { roomId: "room" });
  await inside[2]?.call("room.leave", { roomId: "room" });
  const outside = people.find((link) => !inside.includes(link));
  await outside?.call("room.join", { roomId: "room" });
  await small.stop();
});

test("[ROOM-9] one connection may be in eight rooms", async () => {
  const ann = test1.user("ann");
  const ids = Array.from({ length: 9 }, freshRoom);
  for (const roomId of ids.slice(0, 8)) await ann.call("room.join", { roomId });
  const [first = "", last = ""] = [ids[0], ids[8]];
  await assert.rejects(ann.call("room.join", { roomId: last }), rejectsWith("FORBIDDEN"));
  await ann.call("room.join", { roomId: first });
  await ann.call("room.leave", { roomId: first });
  await ann.call("room.join", { roomId: last });
  ann.cut();
});

test("[ROOM-8] joins of one connection at once give one place", async () => {
  const roomId = freshRoom();
  const ann = test1.user("ann");
  const rtpCapabilities = test1.media.routerRtpCapabilities;
  const joins = await Promise.all([1, 2, 3].map(() => ann.call("room.join", { roomId, rtpCapabilities })));
  assert.equal(new Set(joins.map(({ peerId }) => peerId)).size, 1);
  assert.equal(joins.at(-1)?.roster.peers.length, 1);
  await ann.call("room.leave", { roomId });
});

test("[ROOM-11] outside of a room nothing can be done in it, and nothing of it is heard", async () => {
  const roomId = freshRoom();
  const ann = test1.user("ann");
  const bob = test1.user("bob");
  await ann.call("room.join", { roomId });
  const outside = [
    () => bob.call("room.say", { roomId, text: "hello" }),
    () => bob.call("room.setMuted", { roomId, muted: true }),
    () => bob.call("room.leave", { roomId }),
    () => bob.call("room.sync", { roomId, epoch: "", afterSeq: 0 }),
    () => bob.call("room.restartIce", { roomId, transportId: "t" }),
    () => bob.call("room.connectTransport", { roomId, transportId: "t", dtlsParameters: {} }),
    () => bob.call("room.produce", { roomId, transportId: "t", kind: "audio", rtpParameters: {} }),
    () => bob.call("room.say", { roomId: "room-that-sleeps", text: "hello" }),
  ];
  for (const call of outside) await assert.rejects(call(), rejectsWith("NOT_IN_ROOM"));
  await assert.rejects(bob.call("room.join", { roomId: "nowhere" }), rejectsWith("ROOM_NOT_FOUND"));
  await assert.rejects(bob.call("room.say", { roomId: "nowhere", text: "hello" }), rejectsWith("ROOM_NOT_FOUND"));

  await bob.call("room.join", { roomId });
  const heard: unknown[] = [];
  await bob.call("room.leave", { roomId });
  await new Promise((resolve) => setTimeout(resolve, 20));
  bob.on("room.event", (push) => heard.push(push));
  await ann.call("room.say", { roomId, text: "gone?" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(heard, []);
});

test("[ROOM-14] what somebody says is an event for everybody inside", async () => {
  const roomId = freshRoom();
  const ann = new RoomSession(test1.user("ann"), roomId, textOnly);
  const bob = new RoomSession(test1.user("bob"), roomId, textOnly);
  await ann.join();
  await bob.join();
  await ann.say("Shall we begin?");
  await until("bob to read it", () => bob.snapshot().lines.length === 1);
  assert.deepEqual(
    [bob, ann].map((session) => session.snapshot().lines.map(({ name, text }) => ({ name, text }))),
    [[{ name: "ann", text: "Shall we begin?" }], [{ name: "ann", text: "Shall we begin?" }]],
  );
  ann.leave();
  await until("ann to be gone", () => bob.snapshot().peers.length === 1);
  assert.equal(ann.snapshot().phase, "left");
  bob.leave();
});

test("[ROOM-18] a removed connection's place goes at once", async () => {
  const roomId = freshRoom();
  const ann = test1.user("ann");
  const bob = test1.user("bob");
  await ann.call("room.join", { roomId });
  const { peerId } = await bob.call("room.join", { roomId });
  const events: unknown[] = [];
  ann.on("room.event", ({ event }) => events.push(event));
  test1.rooms.disconnected(bob.connectionId, true);
  await until("ann to see it", () => events.length > 0);
  assert.deepEqual(events, [{ type: "peerLeft", peerId, reason: "removed" }]);
});

test("[ROOM-1] the directory knows how many are inside, and forgets rooms without people", async () => {
  const roomId = freshRoom();
  const ann = test1.user("ann");
  await ann.call("room.join", { roomId });
  assert.equal((await test1.directory.peerCounts([roomId, "other"])).get(roomId), 1);
  await ann.call("room.leave", { roomId });
  assert.equal((await test1.directory.peerCounts([roomId])).get(roomId), 0);
});
