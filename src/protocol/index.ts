export * from "./calls.ts";
export * from "./errors.ts";
export * from "./frames.ts";
export * from "./limits.ts";
export * from "./models.ts";
export * from "./pushes.ts";
export * from "./rest.ts";
export * from "./version.ts";
