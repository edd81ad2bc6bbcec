import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { request } from "#client";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { RawSocket } from "../support/raw-socket.ts";

const LIMIT_BYTES = 1_000_000;
const text = "y".repeat(10_000);
let server: TestGateway;

before(async () => {
  server = await startGateway({ PARLANCE_BACKPRESSURE_BYTES: String(LIMIT_BYTES) });
});
after(() => server.stop());

async function metric(name: string): Promise<number> {
  const shown = await server.metrics.registry.getSingleMetricAsString(`parlance_${name}`);
  return Number(shown.trim().split(" ").at(-1));
}

/** A reader and a bystander of the same room; the reader has stopped reading. */
async function room(): Promise<{ reader: RawSocket; bystander: RawSocket; tcp: Socket; say: (count: number) => void }> {
  const sockets: RawSocket[] = [];
  for (const name of ["Reader", "Bystander"]) {
    const { accessToken } = await request(server.url, "signInAsGuest", { name });
    const socket = await RawSocket.signedIn(server.url, accessToken);
    await server.gateway.publisher.subscribe(socket.connectionId, "r");
    sockets.push(socket);
  }
  const [reader, bystander] = sockets as [RawSocket, RawSocket];
  const tcp = (reader.ws as unknown as { _socket: Socket })._socket;
  tcp.pause();
  let seq = 0;
  const say = (count: number) => {
    for (const last = seq + count; seq < last; ) {
      seq += 1;
      const event = { type: "said" as const, peerId: "p", name: "n", text, atMs: 1 };
      server.gateway.publisher.publish({ room: "r" }, "room.event", {
        roomId: "r",
        epoch: "e",
        seq,
        event,
      });
    }
  };
  return { reader, bystander, tcp, say };
}

/** The seqs that came, which must be 1, 2, 3 … however many they are. */
function heard(socket: RawSocket): number {
  const seqs = socket.events("room.event").map(({ payload }) => (payload as { seq: number }).seq);
  assert.deepEqual(
    seqs,
    seqs.map((_, at) => at + 1),
  );
  return seqs.length;
}

test("[GW-14] a reader that falls behind is told behind what was sent, and closed; the others hear everything", async () => {
  const { reader, bystander, tcp, say } = await room();
  const before = await metric("slow_readers_total");
  const hello = bystander.frames.length;
  let said = 0;
  let mostBytes = 0;
  while ((await metric("slow_readers_total")) === before) {
    say(10);
    said += 10;
    // Slowly enough for the sweep, which is what sees it before the second limit.
    await bystander.until(() => bystander.frames.length === hello + said);
    await new Promise((resolve) => setTimeout(resolve, 60));
    mostBytes = Math.max(mostBytes, await metric("socket_buffered_bytes"));
  }
  assert.ok(mostBytes <= LIMIT_BYTES * 2 + 20_000, `${mostBytes} bytes were kept`);
  assert.equal(await metric("socket_buffered_bytes"), 0);
  tcp.resume();
  assert.equal((await reader.closed).code, 4_008);
  assert.deepEqual(reader.last("session.ended"), { reason: "slowReader", reconnect: true });
  assert.ok(heard(reader) <= said);
  assert.equal(heard(bystander), said);
  bystander.close();
});

test("[GW-14] where more comes at once than may be kept, the reader is closed without more ado, and memory is bounded", async () => {
  const { reader, bystander, tcp, say } = await room();
  const before = await metric("slow_readers_total");
  const hello = bystander.frames.length;
  let said = 0;
  for (let round = 0; round < 40; round += 1) {
    say(100);
    said += 100;
    await bystander.until(() => bystander.frames.length === hello + said);
    assert.ok((await metric("socket_buffered_bytes")) <= LIMIT_BYTES * 2 + 20_000);
  }
  assert.equal(await metric("slow_readers_total"), before + 1);
  assert.equal(await metric("connections"), 1);
  tcp.resume();
  await reader.closed;
  assert.ok(heard(reader) < said);
  assert.equal(heard(bystander), said);
  bystander.close();
});
