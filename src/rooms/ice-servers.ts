import { createHmac } from "node:crypto";
import type { IceServer } from "#protocol";

/** How long credentials can be used, in ms: longer than a lesson, short enough that a copied one soon is worthless. */
export const TURN_CREDENTIAL_MS = 12 * 3_600_000;

/**
 * What a client needs to reach media through NAT. TURN credentials are coturn's time-limited ones (`use-auth-secret`,
 * draft-uberti-behave-turn-rest): username "expiry in s:user id", password base64(HMAC-SHA1(secret, username)).
 */
export function iceServers(
  turn: { urls: readonly string[]; secret: string | undefined },
  userId: string,
  nowMs = Date.now(),
): IceServer[] {
  const stun = turn.urls.filter((url) => /^stuns?:/.test(url));
  const relays = turn.urls.filter((url) => /^turns?:/.test(url));
  const servers: IceServer[] = stun.length > 0 ? [{ urls: stun }] : [];
  if (relays.length > 0 && turn.secret !== undefined) {
    const username = `${Math.floor((nowMs + TURN_CREDENTIAL_MS) / 1000)}:${userId}`;
    const credential = createHmac("sha1", turn.secret).update(username).digest("base64");
    servers.push({ urls: relays, username, credential });
  }
  return servers;
}
