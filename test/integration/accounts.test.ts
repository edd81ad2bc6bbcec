import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { ParlanceError, request } from "#client";
import { type ErrorCode, PROTOCOL_VERSION, type SignedIn } from "#protocol";
import { Accounts } from "../../src/accounts/accounts.ts";
import { loadTokenKeys } from "../../src/accounts/token-keys.ts";
import { Tokens } from "../../src/accounts/tokens.ts";
import { parseConfig } from "../../src/config.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { RawSocket } from "../support/raw-socket.ts";

const PASSWORD = "correct horse battery";
const ADMIN_PASSWORD = "a long admin password";
const issuer = "https://school.example";

async function fails(code: ErrorCode, doing: Promise<unknown>): Promise<ParlanceError> {
  const error = await doing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ParlanceError, `expected ${code}, got ${error}`);
  assert.equal(error.code, code);
  return error;
}

async function refusedWith(code: ErrorCode, url: string, auth: unknown): Promise<void> {
  const socket = await RawSocket.open(url);
  socket.connect(auth);
  const refusal = await socket.refusal();
  assert.equal(refusal.code, code, JSON.stringify(refusal));
  await socket.closed;
  assert.deepEqual(socket.events(), []);
}

const withToken = (token: string) => ({ token, protocolVersion: PROTOCOL_VERSION });

describe("accounts", () => {
  let server: TestGateway;
  let url: string;
  let admin: SignedIn;
  let keyServer: Server;
  let keysDown = false;
  let sign: (
    claims: Record<string, unknown>,
    options?: { expires?: string; issuer?: string; audience?: string },
  ) => Promise<string>;
  let stranger: typeof sign;

  before(async () => {
    const own = await generateKeyPair("RS256");
    const other = await generateKeyPair("RS256");
    const jwk = { ...(await exportJWK(own.publicKey)), kid: "school-1", alg: "RS256", use: "sig" };
    keyServer = createServer((_, res) => {
      res.writeHead(keysDown ? 500 : 200, { "content-type": "application/json" });
      res.end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => keyServer.listen(0, "127.0.0.1", resolve));
    const signer =
      (key: CryptoKey): typeof sign =>
      (claims, options = {}) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: "RS256", kid: "school-1" })
          .setIssuer(options.issuer ?? issuer)
          .setAudience(options.audience ?? "parlance")
          .setExpirationTime(options.expires ?? "5m")
          .sign(key);
    sign = signer(own.privateKey);
    stranger = signer(other.privateKey);
    server = await startGateway({
      PARLANCE_ADMIN_PASSWORD: ADMIN_PASSWORD,
      PARLANCE_JWKS_URL: `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/keys`,
      PARLANCE_JWKS_ISSUER: issuer,
      PARLANCE_KEYS: `new:${"n".repeat(40)},old:${"o".repeat(40)}`,
    });
    url = server.url;
    admin = await request(url, "signIn", { name: "admin", password: ADMIN_PASSWORD });
  });
  after(async () => {
    await server.stop();
    keyServer.close();
  });

  const guest = (name: string) => request(url, "signInAsGuest", { name });
  const connect = ({ accessToken }: SignedIn) => RawSocket.signedIn(url, accessToken);

  test("[ACC-1] a guest needs a name and nothing else", async () => {
    const { user } = await guest("  Ann  ");
    assert.deepEqual({ ...user, id: "" }, { id: "", name: "Ann", kind: "guest", role: "member" });
    await fails("INVALID_REQUEST", guest(""));
    await fails("INVALID_REQUEST", guest("x".repeat(41)));
    await fails("INVALID_REQUEST", guest("a\u0007b"));
    // Nothing to see, and writing that runs backwards from here on.
    for (const name of ["\u200b", "\u3164", "\u2800\ufe0f", "ana\u202e"]) await fails("INVALID_REQUEST", guest(name));
    // Joiners inside of a name belong to its writing.
    for (const name of ["می\u200cخواهم", "👩\u200d🏫", "李小龍"]) assert.equal((await guest(name)).user.name, name);
  });

  test("[ACC-2] an account's name is its own, and its password is kept as a hash with parameters", async () => {
    const { user } = await request(url, "signUp", { name: "Ursula", password: PASSWORD });
    assert.equal(user.kind, "account");
    await fails("NAME_TAKEN", request(url, "signUp", { name: "URSULA", password: PASSWORD }));
    await fails("NAME_TAKEN", request(url, "signUp", { name: "Admin", password: PASSWORD }));
    await fails("INVALID_REQUEST", request(url, "signUp", { name: "Short", password: "1234567" }));
    const { passwordHash } = (await server.database.users.byId(user.id)) ?? {};
    assert.match(passwordHash ?? "", /^scrypt\$15\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  });

  test("[ACC-3] a wrong password and an unknown name look the same", async () => {
    await request(url, "signUp", { name: "Vera", password: PASSWORD });
    const wrong = await fails("WRONG_CREDENTIALS", request(url, "signIn", { name: "Vera", password: "not this one" }));
    const unknown = await fails("WRONG_CREDENTIALS", request(url, "signIn", { name: "Nobody", password: PASSWORD }));
    assert.equal(wrong.message, unknown.message);
    const { user } = await request(url, "signIn", { name: "vera", password: PASSWORD });
    assert.equal(user.name, "Vera");
  });

  test("[ACC-4] a void refresh token revokes the session and closes its connections", async () => {
    const first = await guest("Rita");
    const { refreshToken } = await request(url, "refresh", { refreshToken: first.refreshToken });
    const second = await request(url, "refresh", { refreshToken });
    assert.equal(new Set([first.refreshToken, refreshToken, second.refreshToken]).size, 3);
    const socket = await connect(second);
    await fails("SESSION_REVOKED", request(url, "refresh", { refreshToken: first.refreshToken }));
    await socket.closed;
    assert.deepEqual(socket.last("session.ended"), { reason: "signedOut", reconnect: false });
    await fails("SESSION_REVOKED", request(url, "refresh", { refreshToken: second.refreshToken }));
    await refusedWith("SESSION_REVOKED", url, withToken(second.accessToken));
    for (const refreshToken of ["", ".", "nonsense", `${crypto.randomUUID()}.secret`])
      await fails("TOKEN_INVALID", request(url, "refresh", { refreshToken }));
  });

  test("[ACC-4] a lost answer to a refresh costs nothing: the old token works until the new one was used", async () => {
    const first = await guest("Lea");
    const lost = await request(url, "refresh", { refreshToken: first.refreshToken });
    const again = await request(url, "refresh", { refreshToken: first.refreshToken });
    const next = await request(url, "refresh", { refreshToken: again.refreshToken });
    const socket = await connect(next);
    await fails("SESSION_REVOKED", request(url, "refresh", { refreshToken: lost.refreshToken }));
    await socket.closed;
  });

  test("[GW-3] a connection needs a token that is good now", async () => {
    const { accessToken } = await guest("Tom");
    const [header, payload, signature] = accessToken.split(".");
    const claims = JSON.parse(Buffer.from(payload ?? "", "base64url").toString());
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const none = `${encode({ alg: "none", kid: "new" })}.${payload}.`;
    const forged = `${header}.${encode({ ...claims, sub: admin.user.id })}.${signature}`;
    const past = new SignJWT({ sid: claims.sid })
      .setProtectedHeader({ alg: "HS256", kid: "new" })
      .setSubject(claims.sub)
      .setIssuer("parlance")
      .setAudience("parlance");
    const expired = await past.setExpirationTime(1_000_000).sign(Buffer.from("n".repeat(40)));
    await refusedWith("TOKEN_EXPIRED", url, withToken(expired));
    for (const token of [none, forged, "x", "a.b.c", accessToken.slice(0, -3)])
      await refusedWith("TOKEN_INVALID", url, withToken(token));
    await refusedWith("UNAUTHENTICATED", url, withToken(""));
    for (const auth of [{}, { token: 3, protocolVersion: PROTOCOL_VERSION }, { token: accessToken }])
      await refusedWith("INVALID_REQUEST", url, auth);
    await fails("UNAUTHENTICATED", request(url, "signOut", {}));
    await fails("TOKEN_EXPIRED", request(url, "signOut", {}, expired));
    await fails("TOKEN_INVALID", request(url, "signOut", {}, forged));
  });

  test("[GW-2] another protocol version is refused with those that work", async () => {
    const { accessToken } = await guest("Future");
    const socket = await RawSocket.open(url);
    socket.connect({ token: accessToken, protocolVersion: PROTOCOL_VERSION + 1 });
    const { code, details } = await socket.refusal();
    assert.deepEqual({ code, details }, { code: "PROTOCOL_UNSUPPORTED", details: { supported: [PROTOCOL_VERSION] } });
  });

  test("[ACC-6] signing out ends that session at once and no other", async () => {
    const account = { name: "Olga", password: PASSWORD };
    const phone = await request(url, "signUp", account);
    const laptop = await request(url, "signIn", account);
    const [onPhone, onPhoneToo, onLaptop] = [await connect(phone), await connect(phone), await connect(laptop)];
    await request(url, "signOut", {}, phone.accessToken);
    for (const socket of [onPhone, onPhoneToo]) {
      await socket.closed;
      assert.deepEqual(socket.last("session.ended"), { reason: "signedOut", reconnect: false });
    }
    assert.equal((await onLaptop.call("user.find", { prefix: "Olga" })).ok, true);
    await refusedWith("SESSION_REVOKED", url, withToken(phone.accessToken));
    await fails("SESSION_REVOKED", request(url, "refresh", { refreshToken: phone.refreshToken }));
    await fails("SESSION_REVOKED", request(url, "signOut", {}, phone.accessToken));
    onLaptop.close();
  });

  test("[ACC-7] a ban closes at once and keeps out until it is lifted", async () => {
    const account = { name: "Boris", password: PASSWORD };
    const signedIn = await request(url, "signUp", account);
    const socket = await connect(signedIn);
    const { id: userId } = signedIn.user;
    await request(url, "ban", { userId, reason: "spam" }, admin.accessToken);
    await socket.closed;
    assert.deepEqual(socket.last("session.ended"), { reason: "banned", reconnect: false });
    await refusedWith("BANNED", url, withToken(signedIn.accessToken));
    await fails("BANNED", request(url, "signIn", account));
    await fails("BANNED", request(url, "refresh", { refreshToken: signedIn.refreshToken }));
    await request(url, "unban", { userId }, admin.accessToken);
    (await connect(await request(url, "signIn", account))).close();
  });

  test("[ACC-8] who is kicked may come back", async () => {
    const kim = await guest("Kim");
    const sockets = [await connect(kim), await connect(kim)];
    await request(url, "kick", { userId: kim.user.id }, admin.accessToken);
    for (const socket of sockets) {
      await socket.closed;
      assert.deepEqual(socket.last("session.ended"), { reason: "kicked", reconnect: false });
    }
    (await connect(kim)).close();
  });

  test("[ACC-9] after the end not one more frame arrives, whatever is published", async () => {
    const { publisher } = server.gateway;
    for (const way of ["ban", "kick", "signOut"] as const) {
      const person = await guest("Leo");
      const [reader, leaver] = [await connect(person), await connect(person)];
      await publisher.subscribe(reader.connectionId, "r");
      await publisher.subscribe(leaver.connectionId, "r");
      // Leaving socket.io's namespace must not keep the frames coming either.
      leaver.send("41");
      await leaver.closed;
      const flood = setInterval(() => {
        for (let at = 0; at < 20; at += 1) {
          publisher.publish({ room: "r" }, "room.mediaLost", { roomId: "r" });
          publisher.publish({ user: person.user.id }, "room.mediaLost", { roomId: "u" });
        }
      }, 1);
      await reader.until(() => reader.events("room.mediaLost").length > 50);
      if (way === "signOut") await request(url, "signOut", {}, person.accessToken);
      else if (way === "kick") await request(url, "kick", { userId: person.user.id }, admin.accessToken);
      else await request(url, "ban", { userId: person.user.id, reason: "r" }, admin.accessToken);
      await reader.closed;
      clearInterval(flood);
      const end = reader.frames.findIndex((frame) => frame.includes("session.ended"));
      assert.ok(end > 0);
      // socket.io's own goodbye is all that follows.
      assert.deepEqual(reader.frames.slice(end + 1), ["41"]);
    }
  });

  test("[ACC-10] only staff may ban and kick; staff only by admins; nobody oneself", async () => {
    const member = await guest("Mia");
    const other = await guest("Nia");
    const moderator = await request(url, "signUp", { name: "Moderator", password: PASSWORD });
    await server.database.db
      .updateTable("users")
      .set({ role: "moderator" })
      .where("id", "=", moderator.user.id)
      .execute();
    const ban = (by: SignedIn, userId: string) => request(url, "ban", { userId, reason: "r" }, by.accessToken);
    const kick = (by: SignedIn, userId: string) => request(url, "kick", { userId }, by.accessToken);
    await fails("FORBIDDEN", ban(member, other.user.id));
    await fails("FORBIDDEN", kick(member, other.user.id));
    await fails("FORBIDDEN", request(url, "unban", { userId: other.user.id }, member.accessToken));
    await fails("FORBIDDEN", ban(moderator, admin.user.id));
    await fails("FORBIDDEN", ban(moderator, moderator.user.id));
    await fails("FORBIDDEN", kick(admin, admin.user.id));
    await fails("USER_NOT_FOUND", ban(admin, "nobody"));
    await ban(moderator, other.user.id);
    await ban(admin, moderator.user.id);
    await fails("BANNED", kick(moderator, member.user.id));
  });

  test("[ACC-11] the first key signs, all verify, others are refused", async () => {
    const { user, accessToken } = await guest("Key");
    const { sid } = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString());
    assert.equal(JSON.parse(Buffer.from(accessToken.split(".")[0] ?? "", "base64url").toString()).kid, "new");
    const lives = { PARLANCE_ACCESS_TOKEN_MS: 60_000, PARLANCE_JWKS_AUDIENCE: "parlance" };
    const config = { ...lives, PARLANCE_JWKS_URL: undefined, PARLANCE_JWKS_ISSUER: undefined };
    const signedBy = async (id: string, letter: string) =>
      (await new Tokens(config, [{ id, secret: letter.repeat(40) }]).sign({ userId: user.id, sessionId: sid })).token;
    (await RawSocket.signedIn(url, await signedBy("old", "o"))).close();
    await refusedWith("TOKEN_INVALID", url, withToken(await signedBy("dropped", "n")));
    await refusedWith("TOKEN_INVALID", url, withToken(await signedBy("old", "n")));
  });

  test("[ACC-13] an external issuer's users come in under their own names, and are the same users again", async () => {
    const token = await sign({ sub: "pupil-7", name: "Pia Pupil", sid: "s1" });
    const socket = await RawSocket.signedIn(url, token);
    const { user } = socket.last("session.ready") as { user: SignedIn["user"] };
    assert.deepEqual({ ...user, id: "" }, { id: "", name: "Pia Pupil", kind: "external", role: "member" });
    const again = await RawSocket.signedIn(url, await sign({ sub: "pupil-7", name: "Pia P.", sid: "s2" }));
    assert.equal((again.last("session.ready") as { user: SignedIn["user"] }).user.id, user.id);
    const renewed = await sign({ sub: "pupil-7", name: "Pia P.", sid: "s1" }, { expires: "30m" });
    assert.equal((await socket.call("session.refresh", { token: renewed })).ok, true);
    const foreign = await socket.call("session.refresh", { token: await sign({ sub: "pupil-8", sid: "s1" }) });
    assert.equal(!foreign.ok && foreign.error.code, "TOKEN_INVALID");
    await request(url, "ban", { userId: user.id, reason: "r" }, admin.accessToken);
    await Promise.all([socket.closed, again.closed]);
    await refusedWith("BANNED", url, withToken(renewed));
  });

  test("[ACC-13] what that issuer did not sign for us is refused", async () => {
    const claims = { sub: "pupil-9" };
    await refusedWith("TOKEN_INVALID", url, withToken(await sign(claims, { issuer: "https://other.example" })));
    await refusedWith("TOKEN_INVALID", url, withToken(await sign(claims, { audience: "billing" })));
    await refusedWith("TOKEN_INVALID", url, withToken(await stranger(claims)));
    await refusedWith("TOKEN_EXPIRED", url, withToken(await sign(claims, { expires: "-1m" })));
    await refusedWith("TOKEN_INVALID", url, withToken(await sign({})));
    const shared = new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "school-1" }).setIssuer(issuer);
    const confused = await shared
      .setAudience("parlance")
      .setExpirationTime("5m")
      .sign(Buffer.from("k".repeat(40)));
    await refusedWith("TOKEN_INVALID", url, withToken(confused));
  });

  test("[ACC-13] while the issuer's keys can't be fetched, its users hear so", async () => {
    keysDown = true;
    const config = parseConfig({
      PARLANCE_JWKS_URL: `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/keys`,
      PARLANCE_JWKS_ISSUER: issuer,
    });
    const fresh = new Tokens(config, [{ id: "new", secret: "n".repeat(40) }]);
    const token = await sign({ sub: "pupil-1" });
    await assert.rejects(fresh.verify(token), { code: "UNAVAILABLE" });
    keysDown = false;
    assert.equal((await fresh.verify(token)).issuer, "external");
  });

  test("[ACC-14] the admin's password is the configured one, also after a change", async () => {
    assert.deepEqual({ name: admin.user.name, role: admin.user.role }, { name: "admin", role: "admin" });
    const config = parseConfig({ PARLANCE_ADMIN_PASSWORD: "another admin password" });
    const { users, sessions } = server.database;
    await new Accounts({ config, users, sessions, tokens: server.tokens }).ensureAdmin();
    await fails("WRONG_CREDENTIALS", request(url, "signIn", { name: "admin", password: ADMIN_PASSWORD }));
    const again = await request(url, "signIn", { name: "admin", password: "another admin password" });
    assert.equal(again.user.id, admin.user.id);
  });

  test("[ACC-1, ACC-2] guests and accounts can be turned off", async () => {
    const config = parseConfig({ PARLANCE_GUESTS: "false", PARLANCE_ACCOUNTS: "false" });
    const { users, sessions } = server.database;
    const closed = new Accounts({ config, users, sessions, tokens: server.tokens });
    await assert.rejects(closed.signInAsGuest({ name: "Ann" }), { code: "GUESTS_DISABLED" });
    await assert.rejects(closed.signUp({ name: "Ann", password: PASSWORD }), { code: "ACCOUNTS_DISABLED" });
  });
});

test("[ACC-12] the demo's key is made once, for its owner's eyes only", async () => {
  const folder = await mkdtemp(join(tmpdir(), "parlance-keys-"));
  try {
    const config = { DATA_DIR: join(folder, "data"), PARLANCE_MODE: "demo", PARLANCE_KEYS: undefined } as const;
    const [first, second] = await Promise.all([loadTokenKeys(config), loadTokenKeys(config)]);
    assert.deepEqual(first, second);
    assert.deepEqual(await loadTokenKeys(config), first);
    assert.equal((await stat(join(config.DATA_DIR, "token-key"))).mode & 0o777, 0o600);
    await assert.rejects(loadTokenKeys({ ...config, PARLANCE_MODE: "production" }));
  } finally {
    await rm(folder, { recursive: true });
  }
});
