import { ParlanceError } from "#client";

/** A subcommand: gets what follows its name, resolves to the exit status. */
export type Command = (args: string[]) => Promise<number>;

/** The server's address where --url does not give it. */
export const defaultUrl = process.env.PARLANCE_URL ?? "http://localhost:3000";

/** Tells a failure, with the server's code if it is one of its own, and gives the exit status for it. */
export function failed(error: unknown, json: boolean): number {
  const code = error instanceof ParlanceError ? error.code : "FAILED";
  const message = error instanceof Error ? error.message : String(error);
  if (json) console.log(JSON.stringify({ type: "error", code, message }));
  console.error(`${code}: ${message}`);
  return 1;
}
