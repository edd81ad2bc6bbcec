import type { z } from "zod";
import { AppError } from "../lib/app-error.ts";

/** Names that reach an object's prototype where code copies keys carelessly; no field of the protocol has them. */
const UNSAFE_KEYS = new Set(["__proto__", "constructor", "prototype"]);
/** mediasoup's RTP parameters, the deepest we take, nest six deep. */
const MAX_DEPTH = 16;

/**
 * A client's value as its schema reads it.
 * @throws AppError INVALID_REQUEST with the path of the first problem
 */
export function parseRequest<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  refuseUnsafe(value, 0);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError("INVALID_REQUEST", undefined, {
    path: issue?.path.map(String).join(".").slice(0, 200) ?? "",
    problem: issue?.message.slice(0, 200) ?? "",
  });
}

function refuseUnsafe(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (depth >= MAX_DEPTH) throw new AppError("INVALID_REQUEST", undefined, { path: "", problem: "nested too deeply" });
  if (Array.isArray(value)) {
    for (const item of value) refuseUnsafe(item, depth + 1);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (UNSAFE_KEYS.has(key)) throw new AppError("INVALID_REQUEST", undefined, { path: key, problem: "no such field" });
    refuseUnsafe(item, depth + 1);
  }
}
