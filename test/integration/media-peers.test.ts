import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { AUDIBLE, joinAsPeer, leaveAll } from "../support/peer.ts";
import { rejectsWith, startRooms, type TestRooms } from "../support/rooms.ts";
import { until } from "../support/until.ts";

let parts: TestRooms;
before(async () => {
  parts = await startRooms({ workers: 2 });
});
afterEach(leaveAll);
after(() => parts.stop());

test("[ROOM-3, ROOM-4] people hear each other, whoever came first, after one call to join and one to connect", async () => {
  const ann = await joinAsPeer(parts.user("ann"), "room-a");
  await ann.speak(440);
  const link = parts.user("bob");
  const bob = await joinAsPeer(link, "room-a");
  await until("bob to hear ann, who spoke before he came", () => bob.hears(ann) > AUDIBLE);
  assert.deepEqual(link.called, ["room.join", "room.connectTransport"]);
  await bob.speak(660);
  await until("ann to hear bob, who spoke after she came", () => ann.hears(bob) > AUDIBLE);
  await until("the roster to say so", () => ann.session.snapshot().peers.every((peer) => peer.publishing));
  assert.ok((await ann.received()) > 0);
  bob.leave();
  await until("bob's track to end", () => ann.ears.size === 0 && ann.session.snapshot().peers.length === 1);
  ann.leave();
});

test("[ROOM-5] a muted microphone is silent for everybody, and the wish outlives a lost place", async () => {
  const ann = await joinAsPeer(parts.user("ann"), "room-b");
  const link = parts.user("bob");
  const bob = await joinAsPeer(link, "room-b");
  await bob.speak();
  await until("ann to hear bob", () => ann.hears(bob) > AUDIBLE);
  await bob.session.setMuted(true);
  await until("the roster to say muted", () => ann.session.snapshot().peers.some((peer) => peer.muted));
  await until("silence", () => ann.hears(bob) < AUDIBLE);
  const before = await ann.received();
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.ok((await ann.received()) - before < 5, "packets of a muted microphone arrive");
  // The server takes the place away: the client comes back as another peer, muted still.
  const old = bob.session.snapshot().peerId;
  link.cut();
  parts.rooms.disconnected("none");
  await parts.user("bob").call("room.join", { roomId: "room-b" });
  link.reconnect();
  await until("a new place", () => bob.session.snapshot().phase === "joined" && bob.session.snapshot().peerId !== old);
  await until("bob to be back, muted", () =>
    ann.session.snapshot().peers.some((peer) => peer.name === "bob" && peer.muted && peer.publishing),
  );
  await bob.session.setMuted(false);
  await until("ann to hear bob again", () => ann.hears(bob) > AUDIBLE);
});

test("[ROOM-7] audio flows on while a connection is cut, and after it has resumed", async () => {
  const ann = await joinAsPeer(parts.user("ann"), "room-c");
  const link = parts.user("bob");
  const bob = await joinAsPeer(link, "room-c");
  await ann.speak(440);
  await bob.speak(660);
  await until("both to hear", () => ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE);
  const { peerId } = bob.session.snapshot();
  link.cut();
  assert.equal(bob.session.snapshot().phase, "recovering");
  const carol = await joinAsPeer(parts.user("carol"), "room-c");
  await carol.speak(880);
  const before = await bob.received();
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok((await bob.received()) - before > 10, "audio stopped with the socket");
  assert.ok(bob.hears(ann) > AUDIBLE && ann.hears(bob) > AUDIBLE);
  link.reconnect();
  await until("bob to hear who came meanwhile", () => bob.hears(carol) > AUDIBLE);
  assert.equal(bob.session.snapshot().peerId, peerId);
  assert.equal(link.called.filter((name) => name === "room.join").length, 1);
  assert.deepEqual(
    bob.session
      .snapshot()
      .peers.map((peer) => peer.name)
      .sort(),
    ["ann", "bob", "carol"],
  );
});

test("[ROOM-12] when the worker is killed the clients are back by themselves", async () => {
  const ann = await joinAsPeer(parts.user("ann"), "room-d");
  const bob = await joinAsPeer(parts.user("bob"), "room-d");
  await ann.speak(440);
  await bob.speak(660);
  await until("both to hear", () => ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE);
  const places = [ann, bob].map((peer) => peer.session.snapshot().peerId);
  const { pids } = parts.media;
  assert.equal(pids.length, 2);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until("the tracks to end", () => ann.ears.size === 0 && bob.ears.size === 0);
  await until("both to hear again", () => ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE);
  assert.deepEqual(
    [ann, bob].map((peer) => peer.session.snapshot().peerId),
    places,
  );
  await until("both workers to be replaced", () => parts.media.pids.length === 2);
});

test("[ROOM-12] a worker that hangs is replaced, and whoever joins meanwhile waits for it", async () => {
  const frail = await startRooms({ heartbeatMs: 200 });
  try {
    const ann = await joinAsPeer(frail.user("ann"), "room");
    const bob = await joinAsPeer(frail.user("bob"), "room");
    await ann.speak();
    await until("bob to hear ann", () => bob.hears(ann) > AUDIBLE);
    const [pid = 0] = frail.media.pids;
    process.kill(pid, "SIGSTOP");
    await until("the worker to be killed", () => frail.media.pids[0] !== pid);
    const carol = await joinAsPeer(frail.user("carol"), "room");
    await until("bob and carol to hear ann", () => bob.hears(ann) > AUDIBLE && carol.hears(ann) > AUDIBLE);
  } finally {
    leaveAll();
    await frail.stop();
  }
});

test("[ROOM-10] what may not be produced is refused, and the others hear on", async () => {
  const link = parts.user("mallory");
  const roomId = "room-e";
  const ann = await joinAsPeer(parts.user("ann"), roomId);
  const bob = await joinAsPeer(parts.user("bob"), roomId);
  await ann.speak();
  await until("bob to hear ann", () => bob.hears(ann) > AUDIBLE);
  for (const rtpCapabilities of [{}, { codecs: "opus" }, { codecs: [{ kind: "audio" }] }, { codecs: [] }])
    await assert.rejects(link.call("room.join", { roomId, rtpCapabilities }), rejectsWith("MEDIA_UNSUPPORTED"));
  const capabilities = parts.media.routerRtpCapabilities;
  const { media } = await link.call("room.join", { roomId, rtpCapabilities: capabilities });
  const { media: others } = await parts.user("eve").call("room.join", { roomId, rtpCapabilities: capabilities });
  assert.ok(media && others);
  const rtpParameters = (ssrc: number) => ({
    codecs: [{ mimeType: "audio/opus", payloadType: 100, clockRate: 48_000, channels: 2 }],
    encodings: [{ ssrc }],
  });
  const produce = (transportId: string, kind: "audio" | "video", parameters: Record<string, unknown>) =>
    link.call("room.produce", { roomId, transportId, kind, rtpParameters: parameters });
  const dtls = (value: string) => ({ role: "client", fingerprints: [{ algorithm: "sha-256", value }] });
  const connect = (transportId: string, dtlsParameters: Record<string, unknown>) =>
    link.call("room.connectTransport", { roomId, transportId, dtlsParameters });

  await assert.rejects(produce(media.send.id, "video", rtpParameters(1)), rejectsWith("PRODUCE_NOT_ALLOWED"));
  await assert.rejects(produce(media.receive.id, "audio", rtpParameters(2)), rejectsWith("PRODUCE_NOT_ALLOWED"));
  await assert.rejects(produce(others.send.id, "audio", rtpParameters(3)), rejectsWith("TRANSPORT_NOT_FOUND"));
  await assert.rejects(connect(others.send.id, dtls("AA")), rejectsWith("TRANSPORT_NOT_FOUND"));
  await assert.rejects(
    link.call("room.restartIce", { roomId, transportId: others.send.id }),
    rejectsWith("TRANSPORT_NOT_FOUND"),
  );
  for (const parameters of [
    {},
    { codecs: "opus" },
    { ...rtpParameters(4), codecs: [{ mimeType: "video/VP8", payloadType: 96, clockRate: 90_000 }] },
    { ...rtpParameters(5), encodings: [{ ssrc: "x" }] },
  ])
    await assert.rejects(produce(media.send.id, "audio", parameters), rejectsWith("MEDIA_UNSUPPORTED"));
  for (const parameters of [
    {},
    { fingerprints: 1 },
    { fingerprints: [] },
    dtls("zz"),
    { fingerprints: [{ algorithm: "md4", value: "AA" }] },
  ])
    await assert.rejects(
      connect(media.send.id, parameters),
      rejectsWith("MEDIA_UNSUPPORTED"),
      JSON.stringify(parameters),
    );
  await connect(media.send.id, dtls(Array(32).fill("AA").join(":")));
  await assert.rejects(connect(media.send.id, dtls(Array(32).fill("BB").join(":"))), rejectsWith("MEDIA_UNSUPPORTED"));

  const [first, second] = await Promise.allSettled([
    produce(media.send.id, "audio", rtpParameters(6)),
    produce(media.send.id, "audio", rtpParameters(7)),
  ]);
  assert.equal(first.status, "fulfilled");
  assert.ok(second.status === "rejected" && rejectsWith("PRODUCE_NOT_ALLOWED")(second.reason));
  const heard = await bob.received();
  await until("bob to hear on", async () => (await bob.received()) > heard + 10);
});

test("[ROOM-13] levels name who is heard and who is the speaker, and end when all are silent", async () => {
  const ann = await joinAsPeer(parts.user("ann"), "room-f");
  const bob = await joinAsPeer(parts.user("bob"), "room-f", { media: false });
  await ann.speak();
  const annId = ann.session.snapshot().peerId ?? "";
  await until("ann's level", () => bob.session.snapshot().levels[annId] !== undefined);
  const { levels, activeSpeaker } = bob.session.snapshot();
  assert.equal(activeSpeaker, annId);
  assert.ok((levels[annId] ?? -127) > -40);
  await ann.session.setMuted(true);
  await until("silence", () => Object.keys(bob.session.snapshot().levels).length === 0);
  assert.equal(bob.session.snapshot().activeSpeaker, null);
});

test("[ROOM-15] ICE restarts on both transports while audio flows", async () => {
  const ann = await joinAsPeer(parts.user("ann"), "room-g");
  const link = parts.user("bob");
  const bob = await joinAsPeer(link, "room-g");
  await ann.speak(440);
  await bob.speak(660);
  await until("both to hear", () => ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE);
  bob.session.networkChanged();
  await until("both to be restarted", () => link.called.filter((name) => name === "room.restartIce").length === 2);
  const before = await Promise.all([ann.received(), bob.received()]);
  await until("audio to flow on", async () => {
    const now = await Promise.all([ann.received(), bob.received()]);
    return now.every((packets, index) => packets > (before[index] ?? 0) + 25);
  });
  assert.ok(ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE);
  assert.equal(link.called.filter((name) => name === "room.join").length, 1);
});

test("[ROOM-15] an interrupted path is restarted by itself, without joining again", async () => {
  const frail = await startRooms({ heartbeatMs: 600_000 });
  try {
    const ann = await joinAsPeer(frail.user("ann"), "room");
    const link = frail.user("bob");
    const bob = await joinAsPeer(link, "room");
    await ann.speak(440);
    await bob.speak(660);
    await until("both to hear", () => ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE);
    const [pid = 0] = frail.media.pids;
    process.kill(pid, "SIGSTOP");
    await until("the interruption to be seen", () => bob.session.snapshot().media === "interrupted");
    await until("a restart to be asked for", () => link.called.includes("room.restartIce"));
    process.kill(pid, "SIGCONT");
    await until("both to hear again", () => {
      const connected = bob.session.snapshot().media === "connected";
      return connected && ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE;
    });
    assert.equal(link.called.filter((name) => name === "room.join").length, 1);
  } finally {
    leaveAll();
    await frail.stop();
  }
});

test("[ROOM-19] the microphone's packets can be tapped: in order, none while muted, none after the end", async () => {
  const link = parts.user("ann");
  await assert.rejects(
    parts.rooms.tap("room-h", link.connectionId, () => {}),
    rejectsWith("NOT_IN_ROOM"),
  );
  const ann = await joinAsPeer(link, "room-h");
  await assert.rejects(
    parts.rooms.tap("room-h", link.connectionId, () => {}),
    rejectsWith("NO_MICROPHONE_TRACK"),
  );
  await ann.speak();
  const packets: { bytes: number; sequenceNumber: number; timestamp: number }[] = [];
  const stop = await parts.rooms.tap("room-h", link.connectionId, (payload, { sequenceNumber, timestamp }) =>
    packets.push({ bytes: payload.length, sequenceNumber, timestamp }),
  );
  await until("a second of packets", () => packets.length >= 50);
  assert.ok(packets.every(({ bytes }) => bytes > 0 && bytes < 1_500));
  const steps = packets
    .slice(1)
    .map((packet, index) => (packet.sequenceNumber - (packets[index]?.sequenceNumber ?? 0)) & 0xffff);
  assert.ok(
    steps.every((step) => step === 1),
    `steps ${steps}`,
  );
  const clock = packets.slice(1).map((packet, index) => (packet.timestamp - (packets[index]?.timestamp ?? 0)) >>> 0);
  assert.ok(
    clock.every((ticks) => ticks >= 480 && ticks % 480 === 0),
    `ticks ${clock}`,
  );
  await ann.session.setMuted(true);
  const muted = packets.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(packets.length - muted < 5);
  await ann.session.setMuted(false);
  await until("packets again", () => packets.length > muted + 20);
  stop();
  const stopped = packets.length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(packets.length - stopped < 3);
  ann.leave();
});

test("[ROOM-20] each worker listens on one port, UDP and TCP", async () => {
  const capabilities = { rtpCapabilities: parts.media.routerRtpCapabilities };
  const ports = new Map<string, Set<number>>();
  for (let i = 0; i < 8; i += 1) {
    const { media } = await parts.user(`user-${i}`).call("room.join", { roomId: `room-port-${i}`, ...capabilities });
    for (const transport of [media?.send, media?.receive]) {
      for (const { protocol, port } of (transport?.iceCandidates ?? []) as { protocol: string; port: number }[])
        ports.set(protocol, (ports.get(protocol) ?? new Set()).add(port));
    }
  }
  assert.equal(ports.get("udp")?.size, 2);
  assert.equal(ports.get("tcp")?.size, 2);
});

test("[OPS-7] media does not end with the first signal: a drain comes before", () => {
  assert.deepEqual(
    (["SIGTERM", "SIGINT"] as const).map((signal) => process.listenerCount(signal)),
    [0, 0],
  );
});
