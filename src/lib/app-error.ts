import { type ErrorCode, errors } from "#protocol";

/** An expected failure that a client may see. Anything else that is thrown reaches clients as INTERNAL, without its text. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;

  /** `message` defaults to the code's documented one; `details` travels to the client as it is, so it must hold nothing private. */
  constructor(code: ErrorCode, message?: string, details?: Record<string, unknown>) {
    super(message ?? errors[code].message);
    this.name = "AppError";
    this.code = code;
    this.details = details;
  }
}
