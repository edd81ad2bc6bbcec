import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { SignedIn, User } from "#protocol";
import type { Config } from "../config.ts";
import { AppError } from "../lib/app-error.ts";
import { Emitter } from "../lib/emitter.ts";
import { nameKey } from "../lib/name-key.ts";
import { hashPassword, verifyPassword } from "./passwords.ts";
import type { Account, SessionRepository, UserRepository } from "./ports.ts";
import type { TokenClaims, Tokens } from "./tokens.ts";

const ADMIN_NAME = "admin";

/** A user whose token, session and standing were all found good. */
export type Identity = { user: User; sessionId: string; expiresAtMs: number };

/** Whose connections must close. */
export type EndTarget = { userId: string } | { sessionId: string };
export type EndReason = "signedOut" | "banned" | "kicked";

export type AccountsOptions = {
  config: Pick<Config, "PARLANCE_SESSION_MS" | "PARLANCE_GUESTS" | "PARLANCE_ACCOUNTS" | "PARLANCE_ADMIN_PASSWORD">;
  users: UserRepository;
  sessions: SessionRepository;
  tokens: Tokens;
};

/** Sign-up, sign-in, sessions and bans. `ended` says whose connections the gateway must close, on every node. */
export class Accounts {
  readonly events = new Emitter<{ ended: [target: EndTarget, reason: EndReason] }>();
  readonly #config: AccountsOptions["config"];
  readonly #users: UserRepository;
  readonly #sessions: SessionRepository;
  readonly #tokens: Tokens;
  /** A hash that no password has, so that an unknown name takes as long as a wrong password. */
  #decoy: Promise<string> | undefined;

  constructor({ config, users, sessions, tokens }: AccountsOptions) {
    this.#config = config;
    this.#users = users;
    this.#sessions = sessions;
    this.#tokens = tokens;
  }

  /** Makes the account `admin`, or gives it the configured password; without one configured, does nothing. */
  async ensureAdmin(): Promise<void> {
    const password = this.#config.PARLANCE_ADMIN_PASSWORD;
    if (password === undefined) return;
    const known = await this.#users.byAccountName(ADMIN_NAME);
    if (known?.passwordHash && (await verifyPassword(password, known.passwordHash))) return;
    const passwordHash = await hashPassword(password);
    if (known) return this.#users.setPassword(known.id, passwordHash);
    try {
      await this.#users.insert(newAccount({ name: ADMIN_NAME, kind: "account", role: "admin", passwordHash }));
    } catch (error) {
      // Another node that starts at the same time was first.
      if (!(error instanceof AppError && error.code === "NAME_TAKEN")) throw error;
    }
  }

  /** @throws AppError GUESTS_DISABLED */
  async signInAsGuest({ name }: { name: string }): Promise<SignedIn> {
    if (!this.#config.PARLANCE_GUESTS) throw new AppError("GUESTS_DISABLED");
    const account = newAccount({ name, kind: "guest", role: "member", passwordHash: null });
    await this.#users.insert(account);
    return this.#startSession(account);
  }

  /** @throws AppError ACCOUNTS_DISABLED, NAME_TAKEN */
  async signUp({ name, password }: { name: string; password: string }): Promise<SignedIn> {
    if (!this.#config.PARLANCE_ACCOUNTS) throw new AppError("ACCOUNTS_DISABLED");
    // Reserved even while there is no admin, or whoever took it first would be given the role later.
    if (nameKey(name) === ADMIN_NAME) throw new AppError("NAME_TAKEN");
    if (await this.#users.byAccountName(name)) throw new AppError("NAME_TAKEN");
    const passwordHash = await hashPassword(password);
    const account = newAccount({ name, kind: "account", role: "member", passwordHash });
    await this.#users.insert(account);
    return this.#startSession(account);
  }

  /** @throws AppError WRONG_CREDENTIALS, BANNED */
  async signIn({ name, password }: { name: string; password: string }): Promise<SignedIn> {
    const account = await this.#users.byAccountName(name);
    this.#decoy ??= hashPassword(randomBytes(24).toString("base64url"));
    const right = await verifyPassword(password, account?.passwordHash ?? (await this.#decoy));
    if (!account || !right) throw new AppError("WRONG_CREDENTIALS");
    if (account.bannedAtMs !== null) throw new AppError("BANNED");
    return this.#startSession(account);
  }

  /**
   * Trades a refresh token for a new pair. The traded one goes on working until its successor was traded itself, for the
   * answer may have been lost on the way; whoever got an answer that was given anew holds a token that is void. A void
   * token revokes its session: two parties hold tokens of it, one is a thief, and nobody can tell which.
   * @throws AppError TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, BANNED
   */
  async refresh({ refreshToken }: { refreshToken: string }): Promise<SignedIn> {
    const dot = refreshToken.indexOf(".");
    const sessionId = refreshToken.slice(0, dot);
    if (dot < 1 || sessionId.length > 64) throw new AppError("TOKEN_INVALID");
    const session = await this.#sessions.byId(sessionId);
    if (!session) throw new AppError("TOKEN_INVALID");
    if (session.revokedAtMs !== null) throw new AppError("SESSION_REVOKED");
    const nowMs = Date.now();
    if (session.expiresAtMs <= nowMs) throw new AppError("TOKEN_EXPIRED", "The session has expired; sign in again.");
    const account = await this.#users.byId(session.userId);
    if (!account) throw new AppError("TOKEN_INVALID");
    if (account.bannedAtMs !== null) throw new AppError("BANNED");
    const secret = newSecret();
    const expiresAtMs = nowMs + this.#config.PARLANCE_SESSION_MS;
    const old = hash(refreshToken.slice(dot + 1));
    if (!(await this.#sessions.rotate(sessionId, old, hash(secret), expiresAtMs))) {
      await this.#revoke(sessionId);
      throw new AppError("SESSION_REVOKED", "This refresh token is void; the session is signed out.");
    }
    return this.#signedIn(account, sessionId, secret);
  }

  /**
   * Whom an access token speaks for, as of now.
   * @throws AppError TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, BANNED; UNAVAILABLE without the external issuer's keys
   */
  async authenticate(accessToken: string): Promise<Identity> {
    const claims = await this.#tokens.verify(accessToken);
    const account = await this.#accountOf(claims);
    if (account.bannedAtMs !== null) throw new AppError("BANNED");
    return { user: userOf(account), sessionId: claims.sessionId, expiresAtMs: claims.expiresAtMs };
  }

  /** Revokes the session; an external one is only disconnected, since its issuer alone can revoke it. */
  async signOut(identity: Identity): Promise<void> {
    await this.#revoke(identity.sessionId);
  }

  /** @throws AppError USER_NOT_FOUND; FORBIDDEN for oneself, and for staff unless one is admin */
  async ban(by: User, { userId, reason }: { userId: string; reason: string }): Promise<void> {
    await this.#subjectOf(by, userId);
    await this.#users.setBan(userId, { byUserId: by.id, reason, atMs: Date.now() });
    this.events.emit("ended", { userId }, "banned");
  }

  /** @throws AppError as `ban` */
  async unban(by: User, { userId }: { userId: string }): Promise<void> {
    await this.#subjectOf(by, userId);
    await this.#users.setBan(userId, null);
  }

  /** @throws AppError as `ban` */
  async kick(by: User, { userId }: { userId: string }): Promise<void> {
    await this.#subjectOf(by, userId);
    this.events.emit("ended", { userId }, "kicked");
  }

  async #subjectOf(by: User, userId: string): Promise<Account> {
    if (by.role === "member" || by.id === userId) throw new AppError("FORBIDDEN");
    const subject = await this.#users.byId(userId);
    if (!subject) throw new AppError("USER_NOT_FOUND");
    if (subject.role !== "member" && by.role !== "admin") throw new AppError("FORBIDDEN");
    return subject;
  }

  async #accountOf(claims: TokenClaims): Promise<Account> {
    if (claims.issuer === "external") {
      const { iss: issuer, subject, name, role } = claims;
      return this.#users.upsertExternal({ issuer, subject, name, role });
    }
    const session = await this.#sessions.byId(claims.sessionId);
    if (!session || session.userId !== claims.userId) throw new AppError("TOKEN_INVALID");
    if (session.revokedAtMs !== null) throw new AppError("SESSION_REVOKED");
    const account = await this.#users.byId(claims.userId);
    if (!account) throw new AppError("TOKEN_INVALID");
    return account;
  }

  async #revoke(sessionId: string): Promise<void> {
    await this.#sessions.revoke(sessionId, Date.now());
    this.events.emit("ended", { sessionId }, "signedOut");
  }

  async #startSession(account: Account): Promise<SignedIn> {
    const sessionId = randomUUID();
    const secret = newSecret();
    const nowMs = Date.now();
    await this.#sessions.insert({
      id: sessionId,
      userId: account.id,
      refreshHash: hash(secret),
      createdAtMs: nowMs,
      expiresAtMs: nowMs + this.#config.PARLANCE_SESSION_MS,
      revokedAtMs: null,
    });
    return this.#signedIn(account, sessionId, secret);
  }

  async #signedIn(account: Account, sessionId: string, secret: string): Promise<SignedIn> {
    const { token, expiresAtMs } = await this.#tokens.sign({ userId: account.id, sessionId });
    return { user: userOf(account), accessToken: token, refreshToken: `${sessionId}.${secret}`, expiresAtMs };
  }
}

function newAccount(fields: Omit<Account, "id" | "bannedAtMs">): Account {
  return { id: randomUUID(), bannedAtMs: null, ...fields };
}

function userOf({ id, name, kind, role }: Account): User {
  return { id, name, kind, role };
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Refresh secrets are random, so a fast hash is as good as a slow one. */
function hash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
