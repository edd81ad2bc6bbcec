import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { sql } from "kysely";
import { Housekeeping } from "../../src/accounts/housekeeping.ts";
import type { Account } from "../../src/accounts/ports.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { onBothDatabases, silent, storedGuest } from "../support/database.ts";

const DAY_MS = 24 * 3_600_000;

onBothDatabases("Housekeeping", (database) => {
  const inDays = (days: number) => Date.now() + days * DAY_MS;
  const session = async ({ id: userId }: Account, expires: number, revoked: number | null = null) => {
    const id = randomUUID();
    const times = {
      createdAtMs: 0,
      expiresAtMs: inDays(expires),
      revokedAtMs: revoked === null ? null : inDays(revoked),
    };
    await database().sessions.insert({ id, userId, refreshHash: "hash", ...times });
    return id;
  };
  const age = ({ id }: Account) =>
    sql`update users set created_at = now() - interval '8 days' where id = ${id}`.execute(database().db);
  const old = async () => {
    const guest = await storedGuest(database());
    await age(guest);
    return guest;
  };
  const round = async () => {
    const metrics = createMetrics();
    const { users, sessions } = database();
    const housekeeping = new Housekeeping({ users, sessions, log: silent, metrics });
    await housekeeping.round();
    await housekeeping.close();
    const purged = (await metrics.registry.getSingleMetric("parlance_purged_total")?.get())?.values ?? [];
    return Object.fromEntries(purged.map(({ labels, value }) => [labels.kind, value]));
  };
  const there = async (...ids: string[]) => (await database().users.publicByIds(ids)).map(({ id }) => id).toSorted();

  test("[ACC-15] sessions that ended a week ago go, others stay, and so do accounts", async () => {
    const user: Account = { ...(await storedGuest(database())), id: randomUUID(), name: "Ada", kind: "account" };
    await database().users.insert(user);
    await age(user);
    const kept = [await session(user, 20), await session(user, -6), await session(user, 20, -6)];
    const gone = [await session(user, -8), await session(user, 20, -8)];
    assert.equal((await round()).sessions, 2);
    const found = await Promise.all([...kept, ...gone].map((id) => database().sessions.byId(id)));
    assert.deepEqual(
      found.map((one) => one?.id),
      [...kept, undefined, undefined],
    );
    assert.deepEqual(await there(user.id), [user.id]);
  });

  test("[ACC-15] guests go who can't come back and have written with nobody", async () => {
    const fresh = await storedGuest(database());
    const [lost, signedIn, banned, ann, bob] = [await old(), await old(), await old(), await old(), await old()];
    await session(lost, -9);
    await session(signedIn, 1);
    await database().users.setBan(banned.id, { byUserId: "admin", reason: "spam", atMs: 1 });
    await database().conversations.openDirect(ann.id, bob.id, 0);
    assert.equal((await round()).guests, 1);
    const kept = [fresh, signedIn, banned, ann, bob].map(({ id }) => id);
    assert.deepEqual(await there(lost.id, ...kept), kept.toSorted());
    assert.equal((await round()).guests, 0);
  });

  test("[ACC-15] more than one step takes go in several, up to a bound", async () => {
    for (let at = 0; at < 5; at += 1) await old();
    const { users } = database();
    assert.deepEqual(
      [await users.purgeGuests(Date.now() - 7 * DAY_MS, 3), await users.purgeGuests(Date.now() - 7 * DAY_MS, 3)],
      [3, 2],
    );
    let left = 100_000;
    const endless = async (_: number, limit: number) => {
      left -= limit;
      return limit;
    };
    const metrics = createMetrics();
    const housekeeping = new Housekeeping({
      users: { purgeGuests: async () => 0 },
      sessions: { purge: endless },
      log: silent,
      metrics,
    });
    await housekeeping.round();
    await housekeeping.close();
    assert.equal(left, 90_000);
  });
});
