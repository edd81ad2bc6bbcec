import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect as tcpConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { request } from "#client";
import { type ErrorCode, endpoints, errors } from "#protocol";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { RawSocket } from "../support/raw-socket.ts";

describe("HTTP", () => {
  let server: TestGateway;
  let webRoot: string;
  let databaseDown = false;
  before(async () => {
    webRoot = await mkdtemp(join(tmpdir(), "parlance-web-"));
    await mkdir(join(webRoot, "assets"));
    await writeFile(join(webRoot, "index.html"), "<!doctype html><title>Parlance</title>");
    await writeFile(join(webRoot, "assets/main-abc123.js"), `console.log(${JSON.stringify("x".repeat(5_000))})`);
    server = await startGateway(
      { PARLANCE_ORIGINS: "https://learn.example,https://app.example", PARLANCE_SIGN_INS_PER_MINUTE: "30" },
      {
        webRoot,
        readiness: {
          database: () => {
            if (databaseDown) throw new Error("no database");
          },
          media: async () => {},
        },
      },
    );
  });
  after(async () => {
    await server.stop();
    await rm(webRoot, { recursive: true });
  });

  const at = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init);
  const post = (path: string, body: string, headers: Record<string, string> = { "content-type": "application/json" }) =>
    at(path, { method: "POST", headers, body });

  async function refused(code: ErrorCode, response: Response): Promise<void> {
    const reply = (await response.json()) as { ok: boolean; error: { code: string } };
    assert.deepEqual([reply.ok, reply.error.code, response.status], [false, code, errors[code].status]);
  }

  test("[GW-18] what REST can't take is a documented error with its status", async () => {
    await refused("INVALID_REQUEST", await post("/api/guests", "{"));
    await refused("INVALID_REQUEST", await post("/api/guests", '{"name":1}'));
    await refused("INVALID_REQUEST", await post("/api/guests", '{"name":"a","admin":true}'));
    await refused("INVALID_REQUEST", await post("/api/guests", '{"name":"a","__proto__":{"admin":true}}'));
    await refused("INVALID_REQUEST", await post("/api/guests", ""));
    await refused("INVALID_REQUEST", await post("/api/guests", '{"name":"a"}', { "content-type": "text/plain" }));
    await refused("PAYLOAD_TOO_LARGE", await post("/api/guests", JSON.stringify({ name: "x".repeat(20_000) })));
    await refused("NOT_FOUND", await post("/api/nothing", "{}"));
    await refused("NOT_FOUND", await at("/api/guests"));
    await refused("NOT_FOUND", await post("/healthz", "{}"));
    await refused("UNAUTHENTICATED", await post("/api/bans", '{"userId":"a","reason":"b"}'));
    const info = await at("/api/info");
    assert.equal(info.headers.get("cache-control"), "no-store");
    assert.equal(((await info.json()) as { ok: boolean }).ok, true);
  });

  test("[GW-18] a body that never ends is cut off, and clients that leave half-way harm nobody", async () => {
    const { port } = new URL(server.url);
    const status = await new Promise<number>((resolve, reject) => {
      const sending = httpRequest(
        {
          port,
          host: "127.0.0.1",
          method: "POST",
          path: "/api/guests",
          headers: { "content-type": "application/json" },
        },
        (response) => {
          resolve(response.statusCode ?? 0);
          sending.destroy();
        },
      );
      sending.on("error", reject);
      sending.write("x".repeat(40_000));
    });
    assert.equal(status, 413);
    for (let times = 0; times < 5; times += 1) {
      await new Promise<void>((resolve) => {
        const socket = tcpConnect(Number(port), "127.0.0.1", () => {
          socket.write("POST /api/guests HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
          socket.destroy();
          resolve();
        });
      });
    }
    assert.equal((await at("/healthz")).status, 200);
  });

  test("[GW-13] with an allow-list exactly those origins may use REST and the socket", async () => {
    const origin = "https://app.example";
    const preflight = await at("/api/guests", { method: "OPTIONS", headers: { origin } });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), origin);
    const signedIn = await post("/api/guests", '{"name":"Ann"}', { origin, "content-type": "application/json" });
    assert.equal(signedIn.headers.get("access-control-allow-origin"), origin);
    const { data } = (await signedIn.json()) as { data: { accessToken: string } };
    (await RawSocket.signedIn(server.url, data.accessToken, { origin })).close();
    for (const other of [server.url, "https://app.example.evil", "http://app.example", "https://APP.example", "null"]) {
      await refused("ORIGIN_NOT_ALLOWED", await at("/api/info", { headers: { origin: other } }));
      await refused("ORIGIN_NOT_ALLOWED", await at("/api/guests", { method: "OPTIONS", headers: { origin: other } }));
      const socket = await RawSocket.open(server.url, { origin: other });
      socket.connect({ token: data.accessToken, protocolVersion: 1 });
      assert.equal((await socket.refusal()).code, "ORIGIN_NOT_ALLOWED");
    }
  });

  test("[GW-19] the page comes with its policy and an ETag, its hashed parts for ever", async () => {
    const page = await at("/");
    assert.match(await page.text(), /Parlance/);
    const policy = page.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'self'/);
    assert.ok(!policy.includes("unsafe-inline"));
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
    assert.equal(page.headers.get("cache-control"), "no-cache");
    const etag = page.headers.get("etag") ?? "";
    const again = await at("/", { headers: { "if-none-match": etag } });
    assert.deepEqual([again.status, await again.text()], [304, ""]);

    const script = await at("/assets/main-abc123.js");
    assert.equal(script.headers.get("content-encoding"), "gzip");
    assert.equal((await script.text()).length, 5_015);
    assert.match(script.headers.get("cache-control") ?? "", /immutable/);
    const head = await at("/assets/main-abc123.js", { method: "HEAD", headers: { "accept-encoding": "identity" } });
    assert.deepEqual([head.status, head.headers.get("content-length")], [200, "5015"]);
  });

  test("[GW-19] addresses inside the page give the page, and nothing outside its folder is reached", async () => {
    assert.match(await (await at("/rooms/some-room")).text(), /Parlance/);
    await refused("NOT_FOUND", await at("/assets/gone.js"));
    const { port } = new URL(server.url);
    for (const path of ["/../package.json", "/assets/../../package.json", "/%2e%2e/package.json", "//etc/passwd.txt"]) {
      const status = await new Promise<number>((resolve, reject) => {
        const asking = httpRequest({ port, host: "127.0.0.1", path }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        asking.on("error", reject);
        asking.end();
      });
      assert.equal(status, 404, path);
    }
  });

  test("[OPS-8] readiness names the part that fails; health does not depend on it", async () => {
    const ready = await at("/readyz");
    assert.deepEqual(await ready.json(), { ok: true, checks: { database: "ok", media: "ok", draining: "ok" } });
    databaseDown = true;
    const failing = await at("/readyz");
    databaseDown = false;
    assert.equal(failing.status, 503);
    assert.deepEqual(await failing.json(), { ok: false, checks: { database: "failing", media: "ok", draining: "ok" } });
    assert.equal((await at("/healthz")).status, 200);
  });

  test("[OPS-9] metrics count what was asked, by name and outcome", async () => {
    const text = await (await at("/metrics")).text();
    assert.match(text, /^parlance_rest_requests_total\{name="signInAsGuest",code="INVALID_REQUEST"\} \d+$/m);
    assert.match(text, /^parlance_connections 0$/m);
    const foreign = [...text.matchAll(/^(\w+)/gm)].filter(([, name]) => !name?.startsWith("parlance_"));
    assert.deepEqual(foreign, []);
  });

  test("[GW-18] sign-ins of one address have their rate, with Retry-After above it; other requests go on", async () => {
    const statuses: number[] = [];
    let last: Response | undefined;
    for (let times = 0; times < 40; times += 1) {
      last = await post("/api/guests", "{}");
      statuses.push(last.status);
      if (last.status === 429) break;
    }
    assert.equal(statuses.at(-1), 429);
    assert.ok(Number(last?.headers.get("retry-after")) >= 1);
    assert.equal((await at("/api/info")).status, 200);
  });

  test("[GW-18] every endpoint of the protocol answers at its address", async () => {
    for (const { method, path, auth } of Object.values(endpoints)) {
      const init: RequestInit = { method, headers: { "content-type": "application/json" } };
      if (method !== "GET") init.body = "[]";
      const { error } = (await (await at(path, init)).json()) as { error?: { code: string } };
      assert.ok(method === "GET" || ["INVALID_REQUEST", "RATE_LIMITED"].includes(error?.code ?? ""), `${path} ${auth}`);
    }
  });
});

describe("drain", () => {
  test("[GW-21] idle connections go at once, busy ones once they are done; nothing new begins", async () => {
    let finish: (() => void) | undefined;
    const busy = new Set<string>();
    const server = await startGateway(
      {},
      {
        handlers: {
          "chat.markRead": () =>
            new Promise((resolve) => {
              finish = () => resolve({});
            }),
          "drill.list": () => ({ drills: [] }),
        },
      },
    );
    const sockets: RawSocket[] = [];
    for (const name of ["Idle", "Calling", "Drilling"]) {
      const { accessToken } = await request(server.url, "signInAsGuest", { name });
      sockets.push(await RawSocket.signedIn(server.url, accessToken));
    }
    const [idle, calling, drilling] = sockets as [RawSocket, RawSocket, RawSocket];
    busy.add(drilling.connectionId);
    const call = calling.call("chat.markRead", { conversationId: "c", seq: 1 });
    await calling.until(() => finish !== undefined);
    const drained = server.gateway.drain({ limitMs: 60_000, busy: (id) => busy.has(id) });

    await idle.closed;
    assert.deepEqual(idle.last("session.ended"), { reason: "draining", reconnect: true });
    // fetch would use a connection that is open already.
    await assert.rejects(RawSocket.open(server.url));
    const begun = await drilling.call("drill.start", { text: "hello" });
    assert.equal(!begun.ok && begun.error.code, "DRAINING");
    assert.equal((await drilling.call("drill.list", {})).ok, true);

    finish?.();
    assert.equal((await call).ok, true);
    await calling.closed;
    assert.equal(drilling.events("session.ended").length, 0);
    busy.clear();
    await drilling.closed;
    await drained;
    await server.stop();
    await server.stop();
  });

  test("[GW-21] when the time is up everybody goes", async () => {
    const server = await startGateway();
    const { accessToken } = await request(server.url, "signInAsGuest", { name: "Late" });
    const socket = await RawSocket.signedIn(server.url, accessToken);
    await server.gateway.drain({ limitMs: 100, busy: () => true });
    await socket.closed;
    assert.deepEqual(socket.last("session.ended"), { reason: "draining", reconnect: true });
    await server.stop();
  });
});
