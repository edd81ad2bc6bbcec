import type { ErrorBody, ErrorCode } from "#protocol";

/** What every failed call and request rejects with. `code` is one of the documented, closed list. */
export class ParlanceError extends Error {
  override readonly name = "ParlanceError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly requestId: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(body: ErrorBody) {
    super(body.message);
    this.code = body.code;
    this.retryable = body.retryable;
    this.requestId = body.requestId;
    this.details = body.details;
  }
}

/** A failure that the client itself finds. */
export function failure(code: ErrorCode, message: string): ParlanceError {
  return new ParlanceError({ code, message, retryable: code === "UNAVAILABLE" });
}
