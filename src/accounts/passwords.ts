import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { AppError } from "../lib/app-error.ts";

/** OWASP's scrypt setting of 2^15 · 8 · 3 ("Password Storage Cheat Sheet"): 32 MiB and about 0.2 s a hash. */
const COST = { logN: 15, r: 8, p: 3 };
const KEY_BYTES = 32;
/** Hashes at once: each takes a thread of libuv's pool, which files and name look-ups need too. */
const PARALLEL = 2;
/** Sign-ins that may wait for their turn; more are refused rather than kept waiting. */
const MAX_WAITING = 50;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * A salted hash with its parameters: `scrypt$logN$r$p$salt$key`, so that the cost can be raised later.
 * @throws AppError UNAVAILABLE when too many sign-ins wait already
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, COST);
  return ["scrypt", COST.logN, COST.r, COST.p, salt.toString("base64url"), key.toString("base64url")].join("$");
}

/** @throws AppError UNAVAILABLE when too many sign-ins wait already */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [kind, logN, r, p, salt, key] = stored.split("$");
  if (kind !== "scrypt" || salt === undefined || key === undefined) return false;
  const expected = Buffer.from(key, "base64url");
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  return timingSafeEqual(await derive(password, Buffer.from(salt, "base64url"), cost), expected);
}

async function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  if (running >= PARALLEL) {
    if (waiting.length >= MAX_WAITING) throw new AppError("UNAVAILABLE", "Too many people sign in right now.");
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    // The same password typed on another keyboard may come as other code points.
    return await scryptKey(password.normalize("NFKC"), salt, {
      N: 2 ** cost.logN,
      r: cost.r,
      p: cost.p,
      maxmem: 2 ** cost.logN * cost.r * 256,
    });
  } finally {
    // The turn passes to the next in line, or is given back.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

function scryptKey(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
