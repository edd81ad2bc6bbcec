import type { EndpointInput, EndpointReply, PushPayload, SignedIn, User } from "#protocol";
import { Connection, type ConnectionOptions, type ConnectionState } from "./connection.ts";
import { ParlanceError } from "./errors.ts";
import { request } from "./rest.ts";
import { memoryTokenStorage, type TokenStorage } from "./token-storage.ts";

export type SignedOutReason = "never" | "signedOut" | "revoked" | "banned";

/** Immutable; a new object on every change. */
export type SessionState =
  | { readonly kind: "signedOut"; readonly reason: SignedOutReason }
  | {
      readonly kind: "signedIn";
      readonly user: User;
      /** Another object after `reconnect()`: what is built on it must then be built anew. */
      readonly connection: Connection;
      readonly link: ConnectionState;
      /** The server said that it is shutting down, and is not back yet. */
      readonly draining: boolean;
    };

/** A token is renewed when this share of its life is left … */
const RENEW_SHARE = 0.2;
/** … but never earlier than this before its end. */
const RENEW_AHEAD_MS = 60_000;
const RENEW_RETRY_MS = 5_000;
const EXPIRED_PAUSE_MS = 1_000;
/** Longest delay a timer can hold. */
const TIMER_MAX_MS = 2_147_483_647;

/**
 * Who one is: signs in, keeps the tokens fresh (also on the live connection) and owns the one Connection of the page.
 * Snapshots fit React's useSyncExternalStore.
 */
export class Session {
  readonly #url: string;
  readonly #storage: TokenStorage;
  readonly #socket: ConnectionOptions["socket"];
  readonly #listeners = new Set<() => void>();
  readonly #stopStorage: (() => void) | undefined;
  #tokens: SignedIn | undefined;
  #state: SessionState = { kind: "signedOut", reason: "never" };
  #stopConnection: (() => void) | undefined;
  #refreshing: Promise<SignedIn> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Server clock minus ours, learned on each connection. */
  #clockOffsetMs = 0;

  /** Takes up a kept session at once. `url` is the server's origin. */
  constructor(url: string, options: { storage?: TokenStorage; socket?: ConnectionOptions["socket"] } = {}) {
    this.#url = url;
    this.#storage = options.storage ?? memoryTokenStorage();
    this.#socket = options.socket;
    const kept = this.#storage.load();
    if (kept) this.#begin(kept);
    this.#stopStorage = this.#storage.onChange?.(() => this.#adopt());
  }

  readonly snapshot = (): SessionState => this.#state;

  /** Calls `listener` on each change; returns how to stop. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** What the server offers before anybody signs in. @throws ParlanceError */
  serverInfo(): Promise<EndpointReply<"serverInfo">> {
    return request(this.#url, "serverInfo", {});
  }

  /** @throws ParlanceError GUESTS_DISABLED, INVALID_REQUEST, RATE_LIMITED */
  async signInAsGuest(name: string): Promise<void> {
    this.#signedIn(await request(this.#url, "signInAsGuest", { name }));
  }

  /** @throws ParlanceError WRONG_CREDENTIALS, BANNED, RATE_LIMITED */
  async signIn(name: string, password: string): Promise<void> {
    this.#signedIn(await request(this.#url, "signIn", { name, password }));
  }

  /** Makes an account and signs in. @throws ParlanceError NAME_TAKEN, ACCOUNTS_DISABLED, INVALID_REQUEST, RATE_LIMITED */
  async signUp(name: string, password: string): Promise<void> {
    this.#signedIn(await request(this.#url, "signUp", { name, password }));
  }

  /** Forgets the tokens here at once and revokes the session on the server as well as it can be reached. */
  async signOut(): Promise<void> {
    const tokens = this.#tokens;
    if (!tokens) return;
    this.#end("signedOut");
    await request(this.#url, "signOut", {}, tokens.accessToken).catch(() => undefined);
  }

  /** How it should sound, said by the server's voice: a WAV file. @throws ParlanceError of that endpoint */
  async referenceAudio(what: EndpointInput<"referenceAudio">): Promise<EndpointReply<"referenceAudio">> {
    return request(this.#url, "referenceAudio", what, await this.#tokenFor(undefined));
  }

  /** A new Connection, after the old one was closed for good (a kick, say). */
  reconnect(): void {
    if (this.#tokens && this.#state.kind === "signedIn" && this.#state.link.kind === "closed") this.#connect();
  }

  /** Stops everything and keeps the tokens for the next visit. Idempotent. */
  close(): void {
    this.#stopStorage?.();
    this.#disconnect();
    this.#listeners.clear();
  }

  #signedIn(tokens: SignedIn): void {
    this.#disconnect();
    this.#storage.save(tokens);
    this.#begin(tokens);
  }

  #begin(tokens: SignedIn): void {
    this.#tokens = tokens;
    this.#connect();
    this.#schedule();
  }

  #end(reason: SignedOutReason): void {
    this.#disconnect();
    this.#tokens = undefined;
    this.#storage.clear();
    this.#enter({ kind: "signedOut", reason });
  }

  /** Another tab signed in, out, or refreshed. */
  #adopt(): void {
    const kept = this.#storage.load();
    if (kept?.user.id !== this.#tokens?.user.id) {
      this.#disconnect();
      this.#tokens = undefined;
      if (kept) this.#begin(kept);
      else this.#enter({ kind: "signedOut", reason: "signedOut" });
    } else if (kept && kept.accessToken !== this.#tokens?.accessToken) this.#renewed(kept);
  }

  #connect(): void {
    const tokens = this.#tokens;
    if (!tokens) return;
    this.#stopConnection?.();
    const connection = new Connection(this.#url, {
      token: (refusal) => this.#tokenFor(refusal),
      ...(this.#socket && { socket: this.#socket }),
    });
    this.#enter({ kind: "signedIn", user: tokens.user, connection, link: connection.state, draining: false });
    const stops = [
      connection.onState((link) => this.#linkChanged(connection, link)),
      connection.on("session.ended", ({ reason }) => {
        if (reason === "draining" && this.#state.kind === "signedIn") this.#enter({ ...this.#state, draining: true });
      }),
    ];
    this.#stopConnection = () => {
      for (const stop of stops) stop();
      connection.close();
    };
  }

  #linkChanged(connection: Connection, link: ConnectionState): void {
    if (this.#state.kind !== "signedIn" || this.#state.connection !== connection) return;
    if (link.kind === "connected") this.#learn(link.ready);
    if (link.kind === "closed") {
      const reason = signOutReason(link.reason);
      if (reason) {
        this.#end(reason);
        return;
      }
      // A machine that slept through its token's end: the refresh token may well be good still.
      if (link.reason === "expired") setTimeout(() => this.reconnect(), EXPIRED_PAUSE_MS);
    }
    const draining = this.#state.draining && link.kind !== "connected";
    this.#enter({ ...this.#state, link, draining });
  }

  #learn(ready: PushPayload<"session.ready">): void {
    this.#clockOffsetMs = ready.serverTimeMs - Date.now();
    this.#schedule();
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#stopConnection?.();
    this.#stopConnection = undefined;
  }

  #enter(state: SessionState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }

  /** The token for one connection attempt: refreshed when it is over or was refused as such. */
  async #tokenFor(refusal: ParlanceError["code"] | undefined): Promise<string> {
    const tokens = this.#tokens;
    if (!tokens) return "";
    if (refusal !== "TOKEN_EXPIRED" && this.#leftMs(tokens) > RENEW_RETRY_MS) return tokens.accessToken;
    // Offline the old token goes along: the attempt fails as it must, and the next one comes back here.
    return this.#refresh().then(
      (fresh) => fresh.accessToken,
      () => this.#tokens?.accessToken ?? "",
    );
  }

  #leftMs(tokens: SignedIn): number {
    return tokens.expiresAtMs - (Date.now() + this.#clockOffsetMs);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#tokens) return;
    const left = this.#leftMs(this.#tokens);
    const delay = left - Math.min(RENEW_AHEAD_MS, left * RENEW_SHARE);
    this.#timer = setTimeout(() => this.#renew(), Math.min(Math.max(delay, 0), TIMER_MAX_MS));
  }

  async #renew(): Promise<void> {
    try {
      await this.#refresh();
    } catch {
      if (!this.#tokens) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#renew(), RENEW_RETRY_MS);
    }
  }

  /** Single-flight. @throws ParlanceError; one that is not retryable has ended the session */
  #refresh(): Promise<SignedIn> {
    this.#refreshing ??= this.#refreshOnce().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshOnce(): Promise<SignedIn> {
    const stale = this.#tokens;
    if (!stale) throw new ParlanceError({ code: "UNAUTHENTICATED", message: "Sign in first.", retryable: false });
    const refresh = async (newest: SignedIn | undefined) => {
      // Another tab was faster; its pair is the valid one.
      const isNewer = newest && newest.expiresAtMs >= stale.expiresAtMs && newest.refreshToken !== stale.refreshToken;
      if (isNewer && newest.user.id === stale.user.id) return newest;
      return request(this.#url, "refresh", { refreshToken: stale.refreshToken });
    };
    try {
      const fresh = await (this.#storage.renew?.(refresh) ?? refresh(undefined));
      if (this.#tokens !== stale) return fresh;
      this.#storage.save(fresh);
      this.#renewed(fresh);
      return fresh;
    } catch (error) {
      if (error instanceof ParlanceError && !error.retryable && this.#tokens === stale)
        this.#end(error.code === "BANNED" ? "banned" : "revoked");
      throw error;
    }
  }

  #renewed(tokens: SignedIn): void {
    this.#tokens = tokens;
    this.#schedule();
    if (this.#state.kind !== "signedIn") return;
    const { connection } = this.#state;
    // Where this fails the connection ends at expiry and comes back with the new token.
    if (connection.state.kind === "connected")
      connection.call("session.refresh", { token: tokens.accessToken }).catch(() => undefined);
  }
}

/** Why the tokens are worthless now, if they are. */
function signOutReason(reason: Extract<ConnectionState, { kind: "closed" }>["reason"]): SignedOutReason | undefined {
  switch (reason) {
    case "banned":
    case "BANNED":
      return "banned";
    case "signedOut":
      return "signedOut";
    case "SESSION_REVOKED":
    case "TOKEN_INVALID":
    case "UNAUTHENTICATED":
      return "revoked";
    default:
      return undefined;
  }
}
