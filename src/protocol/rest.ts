import { z } from "zod";
import { azureAlphabet, azureAssessment } from "./azure-assessment.ts";
import { limits } from "./limits.ts";
import { fields, user } from "./models.ts";

function endpoint<
  M extends "GET" | "POST" | "DELETE",
  const P extends string,
  Q extends z.ZodType,
  R extends z.ZodType,
>(summary: string, method: M, path: P, auth: "none" | "user" | "moderator", request: Q, reply: R) {
  return { summary, method, path, auth, request, reply };
}
const nothing = z.strictObject({});

/** The reply of an endpoint that answers with a WAV file (16-bit mono PCM of the rate that its head names) instead of JSON. */
export const wavFile = z.instanceof(Uint8Array);

export const signedIn = z.object({
  user,
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresAtMs: z.number(),
});
export type SignedIn = z.infer<typeof signedIn>;

/**
 * Every REST endpoint: JSON in (GET: query parameters), a `Reply` out with the error's HTTP status. `auth` is a bearer access token.
 */
export const endpoints = {
  serverInfo: endpoint(
    "What this server offers before anybody signs in.",
    "GET",
    "/api/info",
    "none",
    nothing,
    z.object({
      protocolVersion: z.int(),
      guests: z.boolean(),
      accounts: z.boolean(),
      nodeId: z.string(),
      /** Languages (ISO 639) in which `GET /api/reference-audio` speaks; none where no voice is installed. */
      referenceLanguages: z.array(z.string()),
    }),
  ),
  signInAsGuest: endpoint(
    "A user with a name and nothing else.",
    "POST",
    "/api/guests",
    "none",
    z.strictObject({ name: fields.userName }),
    signedIn,
  ),
  signUp: endpoint(
    "Makes an account and signs in.",
    "POST",
    "/api/accounts",
    "none",
    z.strictObject({ name: fields.userName, password: fields.password }),
    signedIn,
  ),
  signIn: endpoint(
    "Signs in to an account.",
    "POST",
    "/api/sessions",
    "none",
    z.strictObject({ name: fields.userName, password: z.string().max(200) }),
    signedIn,
  ),
  refresh: endpoint(
    "Trades a refresh token for a new pair; the old one works again until the new one was used, any older one revokes the session.",
    "POST",
    "/api/sessions/refresh",
    "none",
    z.strictObject({ refreshToken: z.string().max(512) }),
    signedIn,
  ),
  signOut: endpoint(
    "Revokes the session and closes its connections at once, on every node.",
    "DELETE",
    "/api/sessions",
    "user",
    nothing,
    nothing,
  ),
  referenceAudio: endpoint(
    "How it should sound: a word, a sentence or phones, said by the server's voice. Give either `text` or `phones` (the names that the language pack has for them, in English ARPAbet; consonants alone are said between two vowels).",
    "GET",
    "/api/reference-audio",
    "user",
    z.strictObject({
      text: fields.wellFormed.max(limits.drillText).optional(),
      phones: z
        .string()
        .regex(/^[A-Za-z]{1,2}( [A-Za-z]{1,2})*$/, "names of the language's phones, separated by spaces")
        .max(limits.referencePhones * 3)
        .optional(),
      language: z
        .string()
        .regex(/^[a-z]{2,3}$/, "a language of ISO 639")
        .default("en"),
      /** 1 is a calm reading, 0.5 half as fast. */
      speed: z.coerce.number<number>().min(0.5).max(1).default(1),
    }),
    wavFile,
  ),
  azureAssessment: endpoint(
    "One of one's attempts in the shape of Azure's Pronunciation Assessment (see azure.md).",
    "GET",
    "/api/azure-assessment",
    "user",
    z.strictObject({ attemptId: fields.id, alphabet: azureAlphabet.default("IPA") }),
    azureAssessment,
  ),
  ban: endpoint(
    "Bans a user: connections close at once on every node, tokens stop working.",
    "POST",
    "/api/bans",
    "moderator",
    z.strictObject({ userId: fields.id, reason: fields.line(200) }),
    nothing,
  ),
  unban: endpoint("Lifts a ban.", "DELETE", "/api/bans", "moderator", z.strictObject({ userId: fields.id }), nothing),
  kick: endpoint(
    "Closes a user's connections at once, on every node; they may come back.",
    "POST",
    "/api/kicks",
    "moderator",
    z.strictObject({ userId: fields.id }),
    nothing,
  ),
} as const;

export type EndpointName = keyof typeof endpoints;
export type EndpointInput<E extends EndpointName> = z.input<(typeof endpoints)[E]["request"]>;
export type EndpointRequest<E extends EndpointName> = z.output<(typeof endpoints)[E]["request"]>;
export type EndpointReply<E extends EndpointName> = z.output<(typeof endpoints)[E]["reply"]>;
