export { Connection, type ConnectionOptions, type ConnectionState } from "./connection.ts";
export { ParlanceError } from "./errors.ts";
export { request } from "./rest.ts";
