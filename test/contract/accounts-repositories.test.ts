import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Account, Session } from "../../src/accounts/ports.ts";
import { AppError } from "../../src/lib/app-error.ts";
import { onBothDatabases, storedGuest } from "../support/database.ts";

function account(name: string, extra: Partial<Account> = {}): Account {
  return { id: randomUUID(), name, kind: "account", role: "member", passwordHash: "hash", bannedAtMs: null, ...extra };
}

onBothDatabases("UserRepository", (database) => {
  test("a user is found by id as it was written", async () => {
    const ada = account("Ada", { role: "admin" });
    await database().users.insert(ada);
    assert.deepEqual(await database().users.byId(ada.id), ada);
    assert.equal(await database().users.byId("nobody"), undefined);
  });

  test("[DB-5] account names are taken whatever their case or Unicode form", async () => {
    const zoe = account("Zoë");
    await database().users.insert(zoe);
    for (const name of ["ZOË", "Zoe\u0308", "Zo\u200bë\u2060"]) {
      await assert.rejects(
        database().users.insert(account(name)),
        (error) => error instanceof AppError && error.code === "NAME_TAKEN",
      );
      assert.equal((await database().users.byAccountName(name))?.id, zoe.id);
    }
  });

  test("[DB-5] guests may share a name with each other and with an account", async () => {
    await database().users.insert(account("Shared"));
    await storedGuest(database(), "Shared");
    const guest = await storedGuest(database(), "Shared");
    assert.notEqual((await database().users.byAccountName("shared"))?.id, guest.id);
  });

  test("an external user keeps its id while its name and role change", async () => {
    const base = { issuer: "https://school.example", subject: "42" };
    const first = await database().users.upsertExternal({ ...base, name: "Kim", role: "member" });
    assert.deepEqual([first.kind, first.bannedAtMs, first.passwordHash], ["external", null, null]);
    const second = await database().users.upsertExternal({ ...base, name: "Kim Lee", role: "moderator" });
    assert.deepEqual([second.id, second.name, second.role], [first.id, "Kim Lee", "moderator"]);
    const other = await database().users.upsertExternal({ ...base, subject: "43", name: "Kim", role: "member" });
    assert.notEqual(other.id, first.id);
  });

  test("people are found by the start of their name, taken literally; banned ones are not", async () => {
    const names = ["Xa%b", "xab", "XAC", "yxa"];
    const ids = new Map<string, string>();
    for (const name of names) ids.set(name, (await storedGuest(database(), name)).id);
    const find = async (prefix: string, limit = 10) =>
      (await database().users.findByPrefix(prefix, limit)).map((user) => user.name);
    assert.deepEqual(await find("xa"), ["Xa%b", "xab", "XAC"]);
    assert.deepEqual(await find("xa%"), ["Xa%b"]);
    assert.deepEqual(await find("xa", 1), ["Xa%b"]);
    await database().users.setBan(ids.get("xab")!, { byUserId: "mod", reason: "spam", atMs: 1 });
    assert.deepEqual(await find("xa"), ["Xa%b", "XAC"]);
  });

  test("public views hold an id and a name and nothing else", async () => {
    const guest = await storedGuest(database(), "Plain");
    assert.deepEqual(await database().users.publicByIds([guest.id, "nobody"]), [{ id: guest.id, name: "Plain" }]);
    assert.deepEqual(await database().users.publicByIds([]), []);
  });

  test("a password is replaced", async () => {
    const user = account("Pass");
    await database().users.insert(user);
    await database().users.setPassword(user.id, "other");
    assert.equal((await database().users.byId(user.id))?.passwordHash, "other");
  });

  test("[DB-6] a ban and its end are kept in the audit", async () => {
    const { id } = await storedGuest(database(), "Rude");
    const atMs = 1_800_000_000_123;
    assert.equal(await database().users.setBan(id, { byUserId: "mod", reason: "rude", atMs }), true);
    assert.equal((await database().users.byId(id))?.bannedAtMs, atMs);
    assert.equal(await database().users.setBan(id, null), true);
    assert.equal((await database().users.byId(id))?.bannedAtMs, null);
    assert.equal(await database().users.setBan("nobody", null), false);
    const rows = await database().db.selectFrom("audit").selectAll().where("userId", "=", id).orderBy("id").execute();
    assert.deepEqual(
      rows.map(({ action, byUserId, reason }) => ({ action, byUserId, reason })),
      [
        { action: "ban", byUserId: "mod", reason: "rude" },
        { action: "unban", byUserId: null, reason: null },
      ],
    );
    assert.equal(rows[0]?.atMs, atMs);
  });
});

onBothDatabases("SessionRepository", (database) => {
  async function stored(): Promise<Session> {
    const { id: userId } = await storedGuest(database());
    const times = { createdAtMs: 1_800_000_000_000, expiresAtMs: 1_900_000_000_000, revokedAtMs: null };
    const session = { id: randomUUID(), userId, refreshHash: "first", ...times };
    await database().sessions.insert(session);
    return session;
  }

  test("a session is found by id as it was written", async () => {
    const session = await stored();
    assert.deepEqual(await database().sessions.byId(session.id), session);
    assert.equal(await database().sessions.byId("none"), undefined);
  });

  test("[ACC-4] the newest refresh token and the one before it can be traded in, no other", async () => {
    const { id } = await stored();
    const trade = (old: string, fresh: string) => database().sessions.rotate(id, old, fresh, 2_000_000_000_000);
    assert.equal(await trade("unknown", "x"), false);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => trade("first", `new ${at}`)));
    assert.ok(answers.every(Boolean));
    const session = await database().sessions.byId(id);
    assert.equal(session?.expiresAtMs, 2_000_000_000_000);
    const newest = session?.refreshHash ?? "";
    for (let at = 0; at < 10; at++) {
      if (`new ${at}` !== newest) assert.equal(await trade(`new ${at}`, "x"), false);
    }
    assert.equal(await trade(newest, "second"), true);
    assert.equal(await trade("first", "x"), false);
  });

  test("a revoked session stays revoked since the first time and is not rotated", async () => {
    const { id } = await stored();
    await database().sessions.revoke(id, 5);
    await database().sessions.revoke(id, 6);
    assert.equal(await database().sessions.rotate(id, "first", "second", 7), false);
    const session = await database().sessions.byId(id);
    assert.deepEqual([session?.revokedAtMs, session?.refreshHash], [5, "first"]);
  });
});

onBothDatabases("SecretRepository", (database) => {
  test("[ACC-12] nodes that start at once agree on one secret, and keep it", async () => {
    const name = randomUUID();
    const kept = await Promise.all(["a", "b", "c"].map((fresh) => database().secrets.keep(name, fresh)));
    assert.equal(new Set(kept).size, 1);
    assert.equal(await database().secrets.keep(name, "later"), kept[0]);
  });
});
