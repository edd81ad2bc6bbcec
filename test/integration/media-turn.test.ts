import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { IceServer } from "#protocol";
import { webRtcInNode } from "../../cli/node-peer.ts";
import { iceServers, TURN_CREDENTIAL_MS } from "../../src/rooms/ice-servers.ts";
import { coturnMissing, startCoturn, type TestCoturn } from "../support/coturn.ts";
import { AUDIBLE, joinAsPeer, leaveAll } from "../support/peer.ts";
import { startRooms } from "../support/rooms.ts";
import { until } from "../support/until.ts";

const secret = "a-test-secret-that-is-long-enough-0123456789";
const missing = coturnMissing();
if (missing && process.env.CI) throw new Error(missing);
const skip = { skip: missing };
let coturn: TestCoturn;
before(async () => {
  if (!missing) coturn = await startCoturn(secret);
});
afterEach(leaveAll);
after(() => coturn?.stop());

/** The relay candidates that a real client gets with these servers. */
async function relays(servers: IceServer[]): Promise<string[]> {
  webRtcInNode();
  const connection = new RTCPeerConnection({ iceServers: servers as RTCIceServer[], iceTransportPolicy: "relay" });
  const found: string[] = [];
  const gathered = new Promise<void>((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) found.push(candidate.candidate);
      else resolve();
    };
  });
  connection.createDataChannel("probe");
  await connection.setLocalDescription(await connection.createOffer());
  await gathered;
  connection.close();
  return found;
}

test("[ROOM-16] coturn lets our credentials in", skip, async () => {
  const found = await relays(iceServers({ urls: [coturn.url], secret }, "user-1"));
  assert.ok(found.some((candidate) => candidate.includes("typ relay")));
});

test("[ROOM-16] coturn refuses credentials of another secret, of another user, and expired ones", skip, async () => {
  const turn = { urls: [coturn.url], secret };
  const [ours] = iceServers(turn, "user-1");
  assert.ok(ours);
  const wrong: Record<string, IceServer[]> = {
    "another secret": iceServers({ urls: turn.urls, secret: `${secret}!` }, "user-1"),
    "another user": [{ ...ours, username: `${ours.username}x` }],
    expired: iceServers(turn, "user-1", Date.now() - TURN_CREDENTIAL_MS - 60_000),
    none: [{ ...ours, username: "user-1", credential: "password" }],
  };
  for (const [name, servers] of Object.entries(wrong)) assert.deepEqual(await relays(servers), [], name);
});

test("[ROOM-16] a peer that can use relays only hears and is heard", skip, async () => {
  const parts = await startRooms({ iceServers: (userId) => iceServers({ urls: [coturn.url], secret }, userId) });
  try {
    const ann = await joinAsPeer(parts.user("ann"), "room");
    const bob = await joinAsPeer(parts.user("bob"), "room", { iceTransportPolicy: "relay" });
    await ann.speak(440);
    await bob.speak(660);
    await until("both to hear", () => ann.hears(bob) > AUDIBLE && bob.hears(ann) > AUDIBLE);
    assert.deepEqual((await bob.session.stats()).paths, ["relay", "relay"]);
  } finally {
    leaveAll();
    await parts.stop();
  }
});
