import { type Logger, pino } from "pino";

export type { Logger };

/** JSON lines on standard output. Children carry ids (request, room, peer …); speech and message text are never logged. */
export function createLogger(level: string, bindings: Record<string, unknown> = {}): Logger {
  return pino({ level, base: bindings, redact: ["*.password", "*.token", "*.text", "*.refreshToken"] });
}
