import { z } from "zod";
import { PROTOCOL_VERSION } from "#protocol";
import type { Accounts, Identity } from "../accounts/accounts.ts";
import { AppError } from "../lib/app-error.ts";
import { originAllowed } from "./origins.ts";
import { parseRequest } from "./parse-request.ts";

const credentials = z.object({ protocolVersion: z.int(), token: z.string().max(8_192) });

/**
 * Whom a socket's CONNECT packet speaks for.
 * @throws AppError ORIGIN_NOT_ALLOWED, INVALID_REQUEST, PROTOCOL_UNSUPPORTED, UNAUTHENTICATED and what `Accounts.authenticate` throws
 */
export async function authenticateHandshake(
  handshake: { headers: Record<string, string | string[] | undefined>; auth: unknown },
  { accounts, origins }: { accounts: Pick<Accounts, "authenticate">; origins: readonly string[] },
): Promise<Identity> {
  const { origin, host } = handshake.headers;
  if (!originAllowed(single(origin), single(host), origins)) throw new AppError("ORIGIN_NOT_ALLOWED");
  const { protocolVersion, token } = parseRequest(credentials, handshake.auth);
  if (protocolVersion !== PROTOCOL_VERSION)
    throw new AppError("PROTOCOL_UNSUPPORTED", undefined, { supported: [PROTOCOL_VERSION] });
  if (token === "") throw new AppError("UNAUTHENTICATED");
  return accounts.authenticate(token);
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
