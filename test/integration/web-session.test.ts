import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { request, Session, type SessionState, type TokenStorage } from "#client";
import type { SignedIn } from "#protocol";
import { startServer, type TestServer } from "../support/server.ts";

const ADMIN_PASSWORD = "an-admin-of-tests";
/** Short, so that several lives pass in one test. */
const TOKEN_MS = 8_000;

let server: TestServer;
/** Its tokens live for TOKEN_MS. */
let brief: TestServer;
before(async () => {
  [server, brief] = await Promise.all([
    startServer({ PARLANCE_ADMIN_PASSWORD: ADMIN_PASSWORD }),
    startServer({ PARLANCE_ACCESS_TOKEN_MS: String(TOKEN_MS) }),
  ]);
});
after(() => Promise.all([server?.stop(), brief?.stop()]));

/** What several tabs share, with the lock that browsers give by Web Locks. */
function sharedStorage(): { tab(): TokenStorage; kept(): SignedIn | undefined } {
  let kept: SignedIn | undefined;
  let newest: SignedIn | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const tabs = new Set<() => void>();
  return {
    kept: () => kept,
    tab() {
      let hear: () => void = () => {};
      const tell = () => {
        for (const other of tabs) if (other !== heard) queueMicrotask(other);
      };
      const heard = () => hear();
      tabs.add(heard);
      return {
        load: () => kept,
        save(tokens) {
          kept = tokens;
          tell();
        },
        clear() {
          kept = undefined;
          tell();
        },
        renew(refresh) {
          const result = queue.then(async () => {
            newest = await refresh(newest);
            return newest;
          });
          queue = result.catch(() => undefined);
          return result;
        },
        onChange(listener) {
          hear = listener;
          return () => tabs.delete(heard);
        },
      };
    },
  };
}

function until(session: Session, wanted: (state: SessionState) => boolean): Promise<SessionState> {
  return new Promise((resolve) => {
    const look = () => {
      const state = session.snapshot();
      if (!wanted(state)) return;
      stop();
      resolve(state);
    };
    const stop = session.subscribe(look);
    look();
  });
}
const isConnected = (state: SessionState) => state.kind === "signedIn" && state.link.kind === "connected";
const isSignedOut = (state: SessionState) => state.kind === "signedOut";

test("[WEB-1] a session is taken up again from what was kept", async (t) => {
  const storage = sharedStorage();
  const first = new Session(server.url, { storage: storage.tab() });
  t.after(() => first.close());
  await first.signInAsGuest("Keeper");
  const before = await until(first, isConnected);
  first.close();
  const second = new Session(server.url, { storage: storage.tab() });
  t.after(() => second.close());
  const after = await until(second, isConnected);
  assert.ok(before.kind === "signedIn" && after.kind === "signedIn");
  assert.deepEqual(after.user, before.user);
});

describe("short-lived tokens", { concurrency: true }, () => {
  test("[WEB-4] tokens are renewed on the live connection: several lives pass without a cut", async (t) => {
    const session = new Session(brief.url);
    t.after(() => session.close());
    await session.signInAsGuest("Evergreen");
    await until(session, isConnected);
    const links: string[] = [];
    t.after(session.subscribe(() => links.push(nameOf(session.snapshot()))));
    await new Promise((resolve) => setTimeout(resolve, TOKEN_MS * 2.5));
    const state = session.snapshot();
    assert.ok(isConnected(state), nameOf(state));
    assert.deepEqual(
      [...new Set(links)].filter((link) => link !== "connected"),
      [],
    );
  });

  test("[WEB-4] two tabs share a session without using a refresh token twice", async (t) => {
    const storage = sharedStorage();
    const tabs = [new Session(brief.url, { storage: storage.tab() })];
    await tabs[0]?.signInAsGuest("Two tabs");
    tabs.push(new Session(brief.url, { storage: storage.tab() }));
    t.after(() => tabs.forEach((tab) => void tab.close()));
    await Promise.all(tabs.map((tab) => until(tab, isConnected)));
    await new Promise((resolve) => setTimeout(resolve, TOKEN_MS * 2.5));
    for (const tab of tabs) assert.equal(nameOf(tab.snapshot()), "connected");
  });

  test("[WEB-4] a token that the server calls expired is renewed, whatever our own clock says", async (t) => {
    const tokens = await request(brief.url, "signInAsGuest", { name: "Late clock" });
    await new Promise((resolve) => setTimeout(resolve, TOKEN_MS + 500));
    const storage = sharedStorage().tab();
    storage.save({ ...tokens, expiresAtMs: Date.now() + 3_600_000 });
    const session = new Session(brief.url, { storage });
    t.after(() => session.close());
    assert.ok(await until(session, isConnected));
  });
});

test("[WEB-5] signing out in one tab signs out the others", async (t) => {
  const storage = sharedStorage();
  const one = new Session(server.url, { storage: storage.tab() });
  await one.signInAsGuest("Leaver");
  const other = new Session(server.url, { storage: storage.tab() });
  t.after(() => [one, other].forEach((tab) => void tab.close()));
  await until(other, isConnected);
  const kept = storage.kept();
  await one.signOut();
  assert.deepEqual(await until(other, isSignedOut), { kind: "signedOut", reason: "signedOut" });
  assert.equal(storage.kept(), undefined);
  assert.ok(kept);
  await assert.rejects(request(server.url, "refresh", { refreshToken: kept.refreshToken }), {
    code: /SESSION_REVOKED|TOKEN_INVALID/,
  });
});

test("[WEB-6] a ban ends the session and says so", async (t) => {
  const session = new Session(server.url);
  t.after(() => session.close());
  await session.signInAsGuest("Rowdy");
  const state = await until(session, isConnected);
  assert.ok(state.kind === "signedIn");
  const admin = await request(server.url, "signIn", { name: "admin", password: ADMIN_PASSWORD });
  await request(server.url, "ban", { userId: state.user.id, reason: "test" }, admin.accessToken);
  assert.deepEqual(await until(session, isSignedOut), { kind: "signedOut", reason: "banned" });
});

test("[WEB-6] who was kicked stays signed in and may come back", async (t) => {
  const session = new Session(server.url);
  t.after(() => session.close());
  await session.signInAsGuest("Kicked");
  const state = await until(session, isConnected);
  assert.ok(state.kind === "signedIn");
  const admin = await request(server.url, "signIn", { name: "admin", password: ADMIN_PASSWORD });
  await request(server.url, "kick", { userId: state.user.id }, admin.accessToken);
  const closed = await until(session, (now) => now.kind === "signedIn" && now.link.kind === "closed");
  assert.ok(closed.kind === "signedIn" && closed.link.kind === "closed");
  assert.equal(closed.link.reason, "kicked");
  session.reconnect();
  assert.ok(await until(session, isConnected));
});

function nameOf(state: SessionState): string {
  return state.kind === "signedOut" ? `signed out: ${state.reason}` : state.link.kind;
}
