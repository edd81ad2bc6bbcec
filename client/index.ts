export { Connection, type ConnectionOptions, type ConnectionState } from "./connection.ts";
export { ParlanceError } from "./errors.ts";
export { request } from "./rest.ts";
export { browserTokenStorage, Session, type SessionState, type SignedOutReason, type TokenStorage } from "./session.ts";
