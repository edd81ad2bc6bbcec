import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { type Connection, Resampler, RoomSession, request } from "#client";
import type { Message, Peer, PushPayload, Room } from "#protocol";
import { PEER_RATE, speak } from "../../cli/node-peer.ts";
import { ADMIN_PASSWORD, type ServerCluster, startServerCluster } from "../support/cluster-servers.ts";
import { joinAsPeer, leaveAll } from "../support/peer.ts";
import { postgresMissing } from "../support/postgres.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { type Guest, guest } from "../support/server.ts";
import { until } from "../support/until.ts";
import { synthesise } from "../support/voice.ts";

describe("two server processes on one Redis and PostgreSQL", { skip: postgresMissing() }, () => {
  let cluster: ServerCluster;
  let [a, b] = ["", ""];
  const open: { close(): void }[] = [];

  before(async () => {
    cluster = await startServerCluster(2);
    [a, b] = cluster.nodes.map((node) => node.url) as [string, string];
  });
  after(async () => {
    for (const one of open) one.close();
    await cluster?.stop();
  });

  async function someone(url: string, name: string): Promise<Guest> {
    const person = await guest(url, name);
    open.push(person.connection);
    return person;
  }
  async function newRoom(connection: Connection, topic: string): Promise<Room> {
    return (await connection.call("room.create", { topic, language: "en" })).room;
  }
  async function enter(person: Guest, roomId: string): Promise<RoomSession> {
    const session = new RoomSession(person.connection, roomId, { media: false });
    open.push({ close: () => void session.leave() });
    await session.join();
    return session;
  }
  const names = (session: RoomSession) =>
    session
      .snapshot()
      .peers.map((peer) => peer.name)
      .sort()
      .join();

  test("[CLU-1] a sign-in on one node holds on the other, and messages arrive there", async () => {
    const ann = await someone(a, "Ann");
    const ben = await someone(b, "Ben");
    const { user } = (await guestElsewhere(b, ann)).state;
    assert.equal(user.id, ann.user.id);
    const arrived: Message[] = [];
    ben.connection.on("chat.message", ({ message }) => arrived.push(message));
    const { conversation } = await ann.connection.call("chat.open", { userId: ben.user.id });
    for (let n = 1; n <= 3; n++)
      await ann.connection.call("chat.send", { conversationId: conversation.id, clientId: `m${n}`, text: `${n}` });
    await until("three messages", () => arrived.length >= 3);
    assert.deepEqual(
      arrived.map((message) => message.seq),
      [1, 2, 3],
    );
  });

  /** The same person, connected to another node with the same token. */
  async function guestElsewhere(url: string, person: Guest) {
    const socket = await RawSocket.signedIn(url, person.accessToken);
    open.push(socket);
    return { socket, state: socket.events("session.ready")[0]?.payload as PushPayload<"session.ready"> };
  }

  test("[CLU-2] presence is that of all nodes together", async () => {
    const cat = await someone(a, "Cat");
    const dan = await someone(b, "Dan");
    const online = new Map<string, boolean>();
    cat.connection.on("presence.changed", (change) => online.set(change.userId, change.online));
    const { online: now } = await cat.connection.call("presence.watch", { userIds: [dan.user.id] });
    for (const userId of now) online.set(userId, true);
    await until("Dan is here", () => online.get(dan.user.id) === true);
    dan.connection.close();
    await until("Dan is gone", () => online.get(dan.user.id) === false);
    assert.deepEqual((await cat.connection.call("presence.watch", { userIds: [dan.user.id] })).online, []);
  });

  test("[CLU-3] people on different nodes are in one room: one roster, one sequence, one list", async () => {
    const eve = await someone(a, "Eve");
    const fay = await someone(b, "Fay");
    const room = await newRoom(eve.connection, "Across");
    const ofEve = await enter(eve, room.id);
    const ofFay = await enter(fay, room.id);
    await until("both see both", () => names(ofEve) === "Eve,Fay" && names(ofFay) === "Eve,Fay");
    await fay.connection.call("room.say", { roomId: room.id, text: "hello from b" });
    await eve.connection.call("room.say", { roomId: room.id, text: "hello from a" });
    await fay.connection.call("room.setMuted", { roomId: room.id, muted: true });
    const texts = (session: RoomSession) =>
      session
        .snapshot()
        .lines.map((line) => line.text)
        .join("; ");
    await until("both read both", () =>
      [ofEve, ofFay].every((session) => texts(session) === "hello from b; hello from a"),
    );
    await until("Fay is muted for Eve", () => ofEve.snapshot().peers.some((peer) => peer.name === "Fay" && peer.muted));
    for (const { connection } of [eve, fay]) {
      const listed = (await connection.call("room.list", {})).rooms.find(({ id }) => id === room.id);
      assert.equal(listed?.peers, 2);
    }
    await ofFay.leave();
    await until("Fay has left", () => names(ofEve) === "Eve");
    await assert.rejects(fay.connection.call("room.say", { roomId: room.id, text: "?" }), { code: "NOT_IN_ROOM" });
  });

  test("[CLU-13] a drill on one node is judged from a microphone in a room that another node runs", async () => {
    const host = await someone(a, "Hal");
    const learner = await someone(b, "Lea");
    const room = await newRoom(host.connection, "Read across");
    const hosting = await enter(host, room.id);
    const peer = await joinAsPeer(learner.connection, room.id);
    const text = "The weather is lovely this morning";
    const resampler = new Resampler(16_000, PEER_RATE);
    const voice = Float32Array.from(await synthesise(text), (sample) => sample / 32_768);
    const samples = Int16Array.from([...resampler.push(voice), ...resampler.flush()], (sample) => sample * 32_767);
    // Again and again, with a second between: the drill begins somewhere in it.
    const microphone = speak(Int16Array.from([...new Int16Array(PEER_RATE), ...samples]), { loop: true });
    await peer.session.publish(microphone.track);
    const source = { kind: "room", roomId: room.id } as const;
    const { attemptId, words } = await learner.connection.call("drill.start", { text, source });
    const early = new Set<number>();
    learner.connection.on("drill.phoneme", ({ word, final }) => final && early.add(word));
    await until("the last word is judged", () => early.has(words.length - 1), 30_000);
    const { attempt } = await learner.connection.call("drill.finish", { attemptId }, { timeoutMs: 60_000 });
    assert.ok(attempt.audioMs > 1_000);
    assert.ok(attempt.words.some(({ errorType }) => errorType === "none"));
    microphone.stop();
    peer.leave();
    await hosting.leave();
  });

  test("[CLU-3] whatever people do on whichever node, what they see equals a fresh fetch", async () => {
    const people = await Promise.all(["Pam", "Quy", "Ray", "Sue"].map((name, i) => someone(i % 2 ? b : a, name)));
    const act = fc.record({ who: fc.nat(3), what: fc.constantFrom("enter", "leave", "mute", "unmute", "say") });
    let rooms = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 24 }), async (acts) => {
        const creator = people[rooms % 4] as Guest;
        const room = await newRoom(creator.connection, `Any ${rooms++}`);
        const inside = new Map<number, RoomSession>();
        // Some at once, some one after the other.
        const chains = people.map(() => Promise.resolve());
        for (const { who, what } of acts) {
          chains[who] = chains[who]?.then(() => step(who, what)) as Promise<void>;
        }
        async function step(who: number, what: string): Promise<void> {
          const session = inside.get(who);
          const person = people[who] as Guest;
          if (what === "enter" && !session) inside.set(who, await enter(person, room.id));
          else if (what === "leave" && session) {
            inside.delete(who);
            await session.leave();
          } else if (what === "say") {
            await person.connection.call("room.say", { roomId: room.id, text: "word" }).catch(() => {});
          } else await session?.setMuted(what === "mute").catch(() => {});
        }
        await Promise.all(chains);
        const witness = inside.get(0) ?? (await enter(people[0] as Guest, room.id));
        inside.set(0, witness);
        const fresh = async () => {
          const answer = await people[0]?.connection.call("room.sync", { roomId: room.id, epoch: "none", afterSeq: 0 });
          return answer?.kind === "snapshot" ? sorted(answer.roster.peers) : "no snapshot";
        };
        await until("all see what is", async () => {
          const truth = await fresh();
          return [...inside.values()].every((session) => sorted(session.snapshot().peers) === truth);
        });
        await Promise.all([...inside.values()].map((session) => session.leave()));
      }),
      { numRuns: 6 },
    );
  });
  const sorted = (peers: readonly Peer[]) => JSON.stringify([...peers].sort((x, y) => x.id.localeCompare(y.id)));

  test("[CLU-3] people on different nodes hear each other", async () => {
    const [tom, uma] = [await someone(a, "Tom"), await someone(b, "Uma")];
    const room = await newRoom(tom.connection, "Audible");
    const near = await joinAsPeer(tom.connection, room.id);
    const far = await joinAsPeer(uma.connection, room.id);
    try {
      await near.speak();
      await far.speak();
      await until("both hear", () => near.hears(far) > 0.05 && far.hears(near) > 0.05);
    } finally {
      leaveAll();
    }
  });

  test("[CLU-4] two who join at once from two nodes meet", async () => {
    const gil = await someone(a, "Gil");
    const hal = await someone(b, "Hal");
    for (let round = 0; round < 5; round++) {
      const room = await newRoom(gil.connection, `Race ${round}`);
      const [ofGil, ofHal] = await Promise.all([enter(gil, room.id), enter(hal, room.id)]);
      await until("both see both", () => names(ofGil) === "Gil,Hal" && names(ofHal) === "Gil,Hal");
      await Promise.all([ofGil.leave(), ofHal.leave()]);
    }
  });

  test("[CLU-5] a failed call to another node carries that node's own error", async () => {
    const ida = await someone(a, "Ida");
    const jon = await someone(b, "Jon");
    const room = await newRoom(ida.connection, "Errors");
    await enter(ida, room.id);
    const call = (name: "room.say" | "room.sync") =>
      name === "room.say"
        ? jon.connection.call(name, { roomId: room.id, text: "x" })
        : jon.connection.call(name, { roomId: room.id, epoch: "none", afterSeq: 0 });
    await assert.rejects(call("room.say"), { code: "NOT_IN_ROOM", retryable: false });
    await assert.rejects(call("room.sync"), { code: "NOT_IN_ROOM" });
    await assert.rejects(
      jon.connection.call("room.resume", { roomId: room.id, peerId: "nobody", epoch: "none", afterSeq: 0 }),
      { code: "PEER_GONE" },
    );
    await assert.rejects(jon.connection.call("room.join", { roomId: "nowhere" }), { code: "ROOM_NOT_FOUND" });
  });

  test("[CLU-6] a lost connection gives its place on another node up after the grace, and may resume it from anywhere", async () => {
    const kim = await someone(a, "Kim");
    const leo = await someone(b, "Leo");
    const room = await newRoom(kim.connection, "Grace");
    const ofKim = await enter(kim, room.id);
    const raw = (await guestElsewhere(b, leo)).socket;
    const joined = await raw.call("room.join", { roomId: room.id });
    assert.ok(joined.ok);
    await until("Leo is in", () => names(ofKim) === "Kim,Leo");
    raw.close();
    const { peerId, roster } = joined.data as { peerId: string; roster: { epoch: string; seq: number } };
    const onA = (await guestElsewhere(a, leo)).socket;
    const resumed = await onA.call("room.resume", {
      roomId: room.id,
      peerId,
      epoch: roster.epoch,
      afterSeq: roster.seq,
    });
    assert.ok(resumed.ok, JSON.stringify(resumed));
    await sleep(3_000);
    assert.equal(names(ofKim), "Kim,Leo");
    onA.close();
    await until("Leo is out", () => names(ofKim) === "Kim");
  });

  test("[CLU-7] a kick on one node ends the user's connections on the other at once, and no further frame comes", async () => {
    const mia = await someone(a, "Mia");
    const nat = await guest(b, "Nat");
    const room = await newRoom(mia.connection, "Kicks");
    await enter(mia, room.id);
    const { socket: raw } = await guestElsewhere(b, nat);
    assert.ok((await raw.call("room.join", { roomId: room.id })).ok);
    nat.connection.close();
    const admin = await request(a, "signIn", { name: "admin", password: ADMIN_PASSWORD });
    const talking = setInterval(
      () => mia.connection.call("room.say", { roomId: room.id, text: "…" }).catch(() => {}),
      60,
    );
    try {
      await raw.until(() => raw.events("room.event").length > 3);
      await request(a, "kick", { userId: nat.user.id }, admin.accessToken);
      await raw.until(() => raw.events("session.ended").length > 0);
      const frames = raw.frames.length;
      assert.deepEqual(raw.events("session.ended")[0]?.payload, { reason: "kicked", reconnect: false });
      await raw.closed;
      await sleep(500);
      const last = raw.frames.slice(frames).filter((frame) => frame.startsWith("42"));
      assert.deepEqual(last, []);
    } finally {
      clearInterval(talking);
    }
    assert.equal((await someoneAgain(b, nat)).kind, "connected");
  });

  async function someoneAgain(url: string, person: Guest) {
    const { Connection } = await import("#client");
    const connection = new Connection(url, { token: () => person.accessToken });
    open.push(connection);
    await connection.ready().catch(() => {});
    return connection.state;
  }

  test("[CLU-7] a ban on one node closes the other's connections and its door", async () => {
    const oli = await guest(b, "Oli");
    const { socket: raw } = await guestElsewhere(b, oli);
    oli.connection.close();
    const admin = await request(a, "signIn", { name: "admin", password: ADMIN_PASSWORD });
    await request(a, "ban", { userId: oli.user.id, reason: "test" }, admin.accessToken);
    await raw.until(() => raw.events("session.ended").length > 0);
    await raw.closed;
    assert.deepEqual(await someoneAgain(b, oli), { kind: "closed", reason: "BANNED" });
    assert.deepEqual(await someoneAgain(a, oli), { kind: "closed", reason: "BANNED" });
  });
});
