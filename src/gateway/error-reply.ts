import { type ErrorBody, errors } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Logger } from "../lib/logger.ts";

/**
 * The one place where a thrown value becomes what a client may see: an AppError as it is; anything else as INTERNAL, with
 * the request id under which the log has the rest.
 */
export function errorReply(error: unknown, request: { id: string; log: Logger }): ErrorBody {
  if (error instanceof AppError) {
    const body: ErrorBody = { code: error.code, message: error.message, retryable: errors[error.code].retryable };
    if (error.details) body.details = error.details;
    return body;
  }
  request.log.error({ err: error, requestId: request.id }, "a request failed unexpectedly");
  const { message, retryable } = errors.INTERNAL;
  return { code: "INTERNAL", message, retryable, requestId: request.id };
}
