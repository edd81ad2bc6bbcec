import { createHash } from "node:crypto";
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
  SignJWT,
} from "jose";
import { fields, type User, user as userModel } from "#protocol";
import type { Config } from "../config.ts";
import { AppError } from "../lib/app-error.ts";
import type { TokenKey } from "./token-keys.ts";

const ISSUER = "parlance";
const OWN_ALGORITHM = "HS256";
/** What an external issuer may sign with: asymmetric only, or its public key could be used as a shared secret. */
const EXTERNAL_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "EdDSA",
  "Ed25519",
];
/** How far the clocks of this server and of an external issuer may differ. */
const CLOCK_TOLERANCE_S = 5;

/** Who a token speaks for, before anything was looked up. */
export type TokenClaims =
  | { issuer: "own"; userId: string; sessionId: string; expiresAtMs: number }
  | {
      issuer: "external";
      iss: string;
      subject: string;
      name: string;
      role: User["role"];
      sessionId: string;
      expiresAtMs: number;
    };

type TokenConfig = Pick<
  Config,
  "PARLANCE_ACCESS_TOKEN_MS" | "PARLANCE_JWKS_URL" | "PARLANCE_JWKS_ISSUER" | "PARLANCE_JWKS_AUDIENCE"
>;

/** Signs our access tokens; verifies ours and those of the configured external issuer. */
export class Tokens {
  readonly #config: TokenConfig;
  readonly #keys: Map<string, Uint8Array>;
  readonly #signer: { id: string; secret: Uint8Array };
  readonly #externalKey: JWTVerifyGetKey | undefined;

  constructor(config: TokenConfig, keys: readonly TokenKey[]) {
    const [first] = keys;
    if (!first) throw new Error("there must be a token key");
    this.#config = config;
    this.#keys = new Map(keys.map(({ id, secret }) => [id, new TextEncoder().encode(secret)]));
    this.#signer = { id: first.id, secret: new TextEncoder().encode(first.secret) };
    if (config.PARLANCE_JWKS_URL) this.#externalKey = remoteKeys(config.PARLANCE_JWKS_URL);
  }

  async sign(claims: { userId: string; sessionId: string }): Promise<{ token: string; expiresAtMs: number }> {
    const nowMs = Date.now();
    // JWT times are whole seconds: rounded up, so that a token never lives shorter than it says here.
    const expiresAtS = Math.ceil((nowMs + this.#config.PARLANCE_ACCESS_TOKEN_MS) / 1_000);
    const token = await new SignJWT({ sid: claims.sessionId })
      .setProtectedHeader({ alg: OWN_ALGORITHM, kid: this.#signer.id, typ: "JWT" })
      .setIssuer(ISSUER)
      .setAudience(ISSUER)
      .setSubject(claims.userId)
      .setIssuedAt(Math.floor(nowMs / 1_000))
      .setExpirationTime(expiresAtS)
      .sign(this.#signer.secret);
    return { token, expiresAtMs: expiresAtS * 1_000 };
  }

  /** @throws AppError TOKEN_INVALID, TOKEN_EXPIRED; UNAVAILABLE when the external issuer's keys can't be fetched */
  async verify(token: string): Promise<TokenClaims> {
    try {
      const { alg, kid } = decodeProtectedHeader(token);
      if (alg === OWN_ALGORITHM) return await this.#verifyOwn(token, kid);
      return await this.#verifyExternal(token);
    } catch (error) {
      throw translate(error);
    }
  }

  async #verifyOwn(token: string, kid: string | undefined): Promise<TokenClaims> {
    const key = kid === undefined ? undefined : this.#keys.get(kid);
    if (!key) throw new AppError("TOKEN_INVALID");
    const { payload } = await jwtVerify(token, key, {
      algorithms: [OWN_ALGORITHM],
      issuer: ISSUER,
      audience: ISSUER,
      requiredClaims: ["sub", "exp", "sid"],
    });
    const sessionId = fields.id.safeParse(payload.sid);
    const userId = fields.id.safeParse(payload.sub);
    if (!sessionId.success || !userId.success) throw new AppError("TOKEN_INVALID");
    return { issuer: "own", userId: userId.data, sessionId: sessionId.data, expiresAtMs: expiry(payload) };
  }

  async #verifyExternal(token: string): Promise<TokenClaims> {
    const issuer = this.#config.PARLANCE_JWKS_ISSUER;
    if (!this.#externalKey || !issuer) throw new AppError("TOKEN_INVALID");
    const { payload } = await jwtVerify(token, this.#externalKey, {
      algorithms: EXTERNAL_ALGORITHMS,
      issuer,
      audience: this.#config.PARLANCE_JWKS_AUDIENCE,
      requiredClaims: ["sub", "exp"],
      clockTolerance: CLOCK_TOLERANCE_S,
    });
    const subject = payload.sub ?? "";
    if (subject === "" || subject.length > 255) throw new AppError("TOKEN_INVALID");
    // Tokens that the issuer renews for one sign-in carry the same `sid`; where it has none, a person is one session.
    const session = `${issuer}\n${subject}\n${typeof payload.sid === "string" ? payload.sid : ""}`;
    const role = userModel.shape.role.safeParse(payload.parlance_role);
    return {
      issuer: "external",
      iss: issuer,
      subject,
      name: displayName(payload, subject),
      role: role.success ? role.data : "member",
      sessionId: `x-${createHash("sha256").update(session).digest("base64url")}`,
      expiresAtMs: expiry(payload),
    };
  }
}

function displayName(payload: JWTPayload, subject: string): string {
  for (const candidate of [payload.name, payload.preferred_username, subject]) {
    const name = fields.userName.safeParse(candidate);
    if (name.success) return name.data;
  }
  return "Learner";
}

function expiry(payload: JWTPayload): number {
  return (payload.exp ?? 0) * 1_000;
}

/** The issuer's keys, cached by jose. Its own failures are told apart from a token that fits none of its keys. */
function remoteKeys(url: string): JWTVerifyGetKey {
  const keySet = createRemoteJWKSet(new URL(url));
  return async (header, token) => {
    try {
      return await keySet(header, token);
    } catch (error) {
      const unfit = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];
      if (unfit.some((kind) => error instanceof kind)) throw error;
      throw new AppError("UNAVAILABLE", "The token issuer's keys can't be fetched.");
    }
  };
}

function translate(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // Whatever else jose throws (TypeError on what is no token at all included) is about the token.
  return new AppError(error instanceof errors.JWTExpired ? "TOKEN_EXPIRED" : "TOKEN_INVALID");
}
