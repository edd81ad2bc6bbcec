import type { PublicUser, User } from "#protocol";

export type Account = User & { passwordHash: string | null; bannedAtMs: number | null };

/** A sign-in on one device. `refreshHash` is the SHA-256 of the newest refresh token. */
export type Session = {
  id: string;
  userId: string;
  refreshHash: string;
  createdAtMs: number;
  expiresAtMs: number;
  revokedAtMs: number | null;
};

export interface UserRepository {
  /** @throws AppError NAME_TAKEN when an account of that name exists (names compare case-insensitively; guests may share one) */
  insert(user: Account): Promise<void>;
  /** Makes or renames a user of an external issuer; its id is stable for (issuer, subject). */
  upsertExternal(user: { issuer: string; subject: string; name: string; role: User["role"] }): Promise<Account>;
  byId(id: string): Promise<Account | undefined>;
  byAccountName(name: string): Promise<Account | undefined>;
  findByPrefix(prefix: string, limit: number): Promise<PublicUser[]>;
  publicByIds(ids: string[]): Promise<PublicUser[]>;
  setPassword(id: string, passwordHash: string): Promise<void>;
  /** Also writes the audit row. `null` lifts the ban. */
  setBan(id: string, ban: { byUserId: string; reason: string; atMs: number } | null): Promise<boolean>;
  /**
   * Deletes guests made before then who have no session, are in no conversation and are not banned, with their attempts;
   * `limit` of them at the most. Returns how many.
   */
  purgeGuests(madeBeforeMs: number, limit: number): Promise<number>;
}

export interface SessionRepository {
  insert(session: Session): Promise<void>;
  byId(id: string): Promise<Session | undefined>;
  /**
   * Puts `newHash` in place if `presentedHash` is the current one, or the one that was traded for the current one; false
   * (and nothing changed) otherwise.
   */
  rotate(id: string, presentedHash: string, newHash: string, expiresAtMs: number): Promise<boolean>;
  revoke(id: string, atMs: number): Promise<void>;
  /** Deletes sessions that expired or were revoked before then, `limit` of them at the most. Returns how many. */
  purge(endedBeforeMs: number, limit: number): Promise<number>;
}

export interface SecretRepository {
  /** Keeps `fresh` under that name unless something is kept there already; resolves to what is kept. */
  keep(name: string, fresh: string): Promise<string>;
}
