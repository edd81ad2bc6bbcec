import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { request } from "#client";
import type { SignedIn } from "#protocol";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { RawSocket } from "../support/raw-socket.ts";

const guest = (server: TestGateway, name = "Guest") => request(server.url, "signInAsGuest", { name });
const connect = ({ url }: TestGateway, { accessToken }: SignedIn, headers: Record<string, string> = {}) =>
  RawSocket.signedIn(url, accessToken, headers);

/** The status of an upgrade that was refused. */
function upgradeStatus(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`, { headers });
    ws.on("unexpected-response", (_, response) => {
      resolve(response.statusCode ?? 0);
      ws.terminate();
    });
    ws.on("open", () => {
      ws.terminate();
      reject(new Error("the upgrade was not refused"));
    });
    ws.on("error", () => {});
  });
}

describe("connections", () => {
  let server: TestGateway;
  before(async () => {
    server = await startGateway(
      {
        PARLANCE_CONNECTIONS_PER_USER: "3",
        PARLANCE_CONNECTIONS_PER_ADDRESS: "8",
        PARLANCE_TRUST_PROXY: "true",
      },
      { presenceGraceMs: 300, handlers: { "room.list": () => ({ rooms: [] }) } },
    );
  });
  after(() => server.stop());

  test("[GW-4] before its token a client may send nothing else", async () => {
    const { accessToken } = await guest(server);
    const attempts: (string | Uint8Array)[][] = [
      ['42["room.list",{}]'],
      [new Uint8Array(10)],
      [`40{"token":"${"x".repeat(20_000)}"}`],
      [`40${JSON.stringify({ token: accessToken, protocolVersion: 1 })}`, '420["room.list",{}]'],
      [`40${JSON.stringify({ token: accessToken, protocolVersion: 1 })}`, "40{}"],
      ["1"],
    ];
    for (const frames of attempts) {
      const socket = await RawSocket.open(server.url);
      for (const frame of frames) socket.send(frame);
      await socket.closed;
      assert.deepEqual(socket.events(), [], String(frames));
    }
  });

  test("[GW-4] a client that never sends its token is closed after ten seconds", async () => {
    const socket = await RawSocket.open(server.url);
    await socket.closed;
    assert.equal(socket.frames.length, 1);
  });

  test("[GW-12] a user has so many connections at once; one that closes makes room", async () => {
    const person = await guest(server);
    const sockets = [await connect(server, person), await connect(server, person), await connect(server, person)];
    const surplus = await RawSocket.open(server.url);
    surplus.connect({ token: person.accessToken, protocolVersion: 1 });
    const refusal = await surplus.refusal();
    assert.deepEqual(
      { code: refusal.code, retryable: refusal.retryable },
      { code: "TOO_MANY_CONNECTIONS", retryable: true },
    );
    await surplus.closed;
    const [first, ...rest] = sockets;
    first?.close();
    for (;;) {
      const next = await RawSocket.open(server.url);
      next.connect({ token: person.accessToken, protocolVersion: 1 });
      await next.until(() => next.frames.length > 1);
      if (next.frames[1]?.startsWith("40")) {
        rest.push(next);
        break;
      }
      await next.closed;
    }
    for (const socket of rest) socket.close();
  });

  test("[GW-12, GW-20] an address has so many connections at once, of whichever users; behind a proxy it is the last one named", async () => {
    const here = { "x-forwarded-for": "6.6.6.6, 10.1.1.1" };
    const sockets: RawSocket[] = [];
    for (let at = 0; at < 8; at += 1) sockets.push(await RawSocket.open(server.url, here));
    assert.equal(await upgradeStatus(server.url, here), 429);
    assert.equal(await upgradeStatus(server.url, { "x-forwarded-for": "1.2.3.4, 10.1.1.1" }), 429);
    sockets.push(await RawSocket.open(server.url, { "x-forwarded-for": "10.1.1.1, 10.1.1.2" }));
    const [first] = sockets;
    first?.close();
    await first?.closed;
    const prefix = { "x-forwarded-for": "2001:db8:1:2::1" };
    for (let at = 0; at < 8; at += 1)
      sockets.push(await RawSocket.open(server.url, { "x-forwarded-for": `2001:db8:1:2::${at + 2}` }));
    assert.equal(await upgradeStatus(server.url, prefix), 429);
    sockets.push(await RawSocket.open(server.url, { "x-forwarded-for": "2001:db8:1:3::1" }));
    for (const socket of sockets) socket.close();
  });

  test("[ACC-7, ACC-9] a ban that falls between the look-up of a session and its connection still closes it", async () => {
    const person = await guest(server);
    const { accounts } = server;
    const authenticate = accounts.authenticate.bind(accounts);
    accounts.authenticate = async (token) => {
      const identity = await authenticate(token);
      accounts.events.emit("ended", { userId: identity.user.id }, "banned");
      return identity;
    };
    const socket = await RawSocket.open(server.url);
    socket.connect({ token: person.accessToken, protocolVersion: 1 });
    await socket.closed;
    accounts.authenticate = authenticate;
    assert.deepEqual(socket.events(), [{ name: "session.ended", payload: { reason: "banned", reconnect: false } }]);
    // Lifted since: the memory of that end keeps nobody out.
    (await connect(server, person)).close();
  });

  test("[GW-13] without an allow-list a browser page must come from this host", async () => {
    const person = await guest(server);
    const { host } = new URL(server.url);
    (await connect(server, person, { origin: `http://${host}` })).close();
    (await connect(server, person)).close();
    for (const origin of ["https://evil.example", "null", `http://${host}.evil.example`, "http://localhost:1"]) {
      const socket = await RawSocket.open(server.url, { origin });
      socket.connect({ token: person.accessToken, protocolVersion: 1 });
      assert.equal((await socket.refusal()).code, "ORIGIN_NOT_ALLOWED", origin);
      const rest = await fetch(`${server.url}/api/info`, { headers: { origin } });
      assert.equal(rest.status, 403);
      assert.equal(rest.headers.get("access-control-allow-origin"), null);
    }
  });

  test("[GW-17] presence follows the people it names, with a grace against flapping", async () => {
    const [ann, ben, cleo] = [await guest(server, "Ann"), await guest(server, "Ben"), await guest(server, "Cleo")];
    const watcher = await connect(server, ann);
    const first = await connect(server, ben);
    const watched = await watcher.call("presence.watch", { userIds: [ben.user.id, cleo.user.id, "nobody"] });
    assert.deepEqual(watched.ok && watched.data.online, [ben.user.id]);

    (await connect(server, cleo)).close();
    await watcher.until(() => watcher.events("presence.changed").length === 2);
    // Comes back within the grace: nothing is told.
    const second = await connect(server, ben);
    first.close();
    const third = await connect(server, ben);
    second.close();
    await new Promise((resolve) => setTimeout(resolve, 600));
    third.close();
    await watcher.until(() => watcher.events("presence.changed").length === 3);
    assert.deepEqual(
      watcher.events("presence.changed").map(({ payload }) => payload),
      [
        { userId: cleo.user.id, online: true },
        { userId: cleo.user.id, online: false },
        { userId: ben.user.id, online: false },
      ],
    );
    await watcher.call("presence.watch", { userIds: [] });
    (await connect(server, ben)).close();
    assert.equal((await watcher.call("room.list", {})).ok, true);
    assert.equal(watcher.events("presence.changed").length, 3);
    watcher.close();
  });
});

describe("short tokens", () => {
  let server: TestGateway;
  before(async () => {
    server = await startGateway(
      { PARLANCE_ACCESS_TOKEN_MS: "4000" },
      { handlers: { "room.list": () => ({ rooms: [] }) } },
    );
  });
  after(() => server.stop());

  test("[ACC-5] a connection ends when its token expires", async () => {
    const socket = await connect(server, await guest(server));
    await socket.closed;
    assert.deepEqual(socket.last("session.ended"), { reason: "expired", reconnect: true });
  });

  test("[ACC-5] a fresh token of the same session carries a live connection over the expiry", async () => {
    const first = await guest(server);
    const stranger = await guest(server);
    const socket = await connect(server, first);
    const foreign = await socket.call("session.refresh", { token: stranger.accessToken });
    assert.equal(!foreign.ok && foreign.error.code, "TOKEN_INVALID");
    const bad = await socket.call("session.refresh", { token: "nonsense" });
    assert.equal(!bad.ok && bad.error.code, "TOKEN_INVALID");

    const { expiresAtMs } = socket.last("session.ready") as { expiresAtMs: number };
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const second = await request(server.url, "refresh", { refreshToken: first.refreshToken });
    const reply = await socket.call("session.refresh", { token: second.accessToken });
    assert.ok(reply.ok);
    assert.ok((reply.data.expiresAtMs as number) > expiresAtMs);
    await new Promise((resolve) => setTimeout(resolve, expiresAtMs + 50 - Date.now()));
    assert.equal((await socket.call("room.list", {})).ok, true);
    await socket.closed;
    assert.deepEqual(socket.last("session.ended"), { reason: "expired", reconnect: true });
  });
});

test("[GW-1] a port that is taken is said", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address() as { port: number };
  await assert.rejects(startGateway({ PORT: String(port) }), (error: Error) => error.message.includes(String(port)));
  holder.close();
});
