import type { EndpointInput, EndpointName, EndpointReply, Reply } from "#protocol";
import { ParlanceError } from "./errors.ts";

/** Kept beside the protocol's table so that a browser bundle needs no schema library; a test holds the two equal. */
export const routes = {
  serverInfo: ["GET", "/api/info"],
  signInAsGuest: ["POST", "/api/guests"],
  signUp: ["POST", "/api/accounts"],
  signIn: ["POST", "/api/sessions"],
  refresh: ["POST", "/api/sessions/refresh"],
  signOut: ["DELETE", "/api/sessions"],
  referenceAudio: ["GET", "/api/reference-audio"],
  azureAssessment: ["GET", "/api/azure-assessment"],
  ban: ["POST", "/api/bans"],
  unban: ["DELETE", "/api/bans"],
  kick: ["POST", "/api/kicks"],
} as const satisfies Record<EndpointName, readonly [string, string]>;

/**
 * One REST request. Optional fields are left out rather than undefined.
 * @throws ParlanceError with the server's code, or UNAVAILABLE when no answer of its shape came
 */
export async function request<E extends EndpointName>(
  url: string,
  endpoint: E,
  input: EndpointInput<E>,
  accessToken?: string,
): Promise<EndpointReply<E>> {
  const [method, path] = routes[endpoint];
  const headers: Record<string, string> = {};
  if (method !== "GET") headers["content-type"] = "application/json";
  if (accessToken) headers.authorization = `Bearer ${accessToken}`;
  const init: RequestInit = { method, headers };
  if (method !== "GET") init.body = JSON.stringify(input);
  const address = new URL(path, url);
  if (method === "GET")
    for (const [name, value] of Object.entries(input)) address.searchParams.set(name, String(value));
  let reply: Reply<EndpointReply<E>>;
  try {
    const response = await fetch(address, init);
    if (response.headers.get("content-type") === "audio/wav")
      return new Uint8Array(await response.arrayBuffer()) as EndpointReply<E>;
    reply = (await response.json()) as Reply<EndpointReply<E>>;
  } catch {
    throw new ParlanceError({ code: "UNAVAILABLE", message: "The server could not be reached.", retryable: true });
  }
  if (!reply.ok) throw new ParlanceError(reply.error);
  return reply.data;
}
