import assert from "node:assert/strict";
import { after, test } from "node:test";
import { MemoryRoomDirectory } from "../../src/rooms/memory-room-directory.ts";
import { RoomCatalog } from "../../src/rooms/room-catalog.ts";
import { onBothDatabases, silent, storedGuest } from "../support/database.ts";

const catalogs: RoomCatalog[] = [];
after(() => {
  for (const catalog of catalogs) catalog.close();
});

onBothDatabases("room catalog", (database) => {
  function open(lobby: boolean) {
    const directory = new MemoryRoomDirectory("node");
    const options = { rooms: database().rooms, directory, capacity: 7, lobby, log: silent, emptyMs: 1_000 };
    const catalog = new RoomCatalog(options);
    catalogs.push(catalog);
    return { catalog, directory };
  }

  test("[ROOM-1] the lobby is open in demo mode only, listed with the people inside, the busiest first", async () => {
    const { catalog, directory } = open(true);
    const rooms = await catalog.list();
    assert.ok(rooms.length >= 3);
    assert.ok(rooms.every((room) => room.peers === 0 && room.capacity === 7 && room.language === "en"));
    const last = rooms.at(-1);
    assert.ok(last);
    await directory.setPeers(last.id, 3);
    assert.deepEqual((await catalog.list())[0], { ...last, peers: 3 });
    assert.equal((await catalog.find(last.id))?.closedAtMs, null);
    const production = open(false).catalog;
    assert.ok((await production.list()).every((room) => !rooms.some(({ id }) => id === room.id)));
    assert.equal(await production.find(last.id), undefined);
  });

  test("[ROOM-1] of more rooms than a list holds, the busy ones are in it, however old", async () => {
    const { catalog, directory } = open(false);
    const { id } = await storedGuest(database());
    const old = await catalog.create(id, { topic: "old and busy", language: "en" });
    await directory.setPeers(old.id, 2);
    for (let i = 0; i < 201; i++) await catalog.create(id, { topic: `room ${i}`, language: "en" });
    const listed = await catalog.list();
    assert.equal(listed.length, 200);
    assert.equal(listed[0]?.id, old.id);
    await catalog.sweep(100_000);
    await catalog.sweep(200_000);
    assert.deepEqual(
      (await catalog.list()).map((room) => room.id),
      [old.id],
    );
  });

  test("[ROOM-2] an opened room is found by all, with its topic and language", async () => {
    const { catalog } = open(false);
    const { id } = await storedGuest(database());
    const room = await catalog.create(id, { topic: "Film night", language: "en-GB" });
    assert.deepEqual(room, { id: room.id, topic: "Film night", language: "en-GB", capacity: 7, peers: 0 });
    assert.ok((await open(true).catalog.list()).some((listed) => listed.id === room.id));
  });

  test("[ROOM-17] rooms that stay empty are closed; those with people, those just emptied and the lobby stay", async () => {
    const { catalog, directory } = open(true);
    const { id } = await storedGuest(database());
    const make = (topic: string) => catalog.create(id, { topic, language: "en" });
    const [empty, busy, emptied] = [await make("empty"), await make("busy"), await make("emptied")];
    await directory.setPeers(busy.id, 1);
    await directory.setPeers(emptied.id, 1);
    await catalog.sweep(10_000);
    await directory.setPeers(emptied.id, 0);
    await catalog.sweep(10_999);
    assert.equal((await catalog.find(empty.id))?.closedAtMs, null);
    await catalog.sweep(11_000);
    await catalog.sweep(11_001);
    assert.equal((await catalog.find(empty.id))?.closedAtMs, 11_000);
    const listed = (await catalog.list()).map((room) => room.id);
    assert.ok(!listed.includes(empty.id) && listed.includes(busy.id) && listed.includes(emptied.id));
    assert.ok(listed.some((room) => room.startsWith("lobby")));
    await catalog.sweep(20_000);
    assert.ok((await catalog.find(emptied.id))?.closedAtMs);
  });
});
