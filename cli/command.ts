import { Connection, ParlanceError, request } from "#client";

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

/** Signs in as a guest, does what is to be done on a connection that is ready, and closes it. */
export async function asGuest<T>(
  { url, name }: { url: string; name: string },
  task: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { accessToken } = await request(url, "signInAsGuest", { name });
  const connection = new Connection(url, { token: () => accessToken });
  try {
    await connection.ready();
    return await task(connection);
  } finally {
    connection.close();
  }
}
