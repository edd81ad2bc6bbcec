import { z } from "zod";

type ErrorSpec = { number: number; status: number; retryable: boolean; message: string };

/**
 * The closed list of errors. `number` is stable for ever and never reused; `status` is the HTTP status on the REST part;
 * `retryable` says whether the same request may succeed later without change. docs/errors.md is generated from this table.
 */
export const errors = {
  UNAUTHENTICATED: { number: 100, status: 401, retryable: false, message: "Sign in first." },
  TOKEN_EXPIRED: { number: 101, status: 401, retryable: false, message: "The access token has expired; refresh it." },
  TOKEN_INVALID: { number: 102, status: 401, retryable: false, message: "The token is not one this server accepts." },
  SESSION_REVOKED: { number: 103, status: 401, retryable: false, message: "This session was signed out." },
  BANNED: { number: 104, status: 403, retryable: false, message: "This user is banned." },
  FORBIDDEN: { number: 105, status: 403, retryable: false, message: "You may not do that." },
  ORIGIN_NOT_ALLOWED: { number: 106, status: 403, retryable: false, message: "This origin is not on the allow-list." },
  GUESTS_DISABLED: { number: 107, status: 403, retryable: false, message: "Guest sign-in is turned off here." },
  WRONG_CREDENTIALS: { number: 108, status: 401, retryable: false, message: "Name or password is wrong." },
  NAME_TAKEN: { number: 109, status: 409, retryable: false, message: "Another account has this name." },
  ACCOUNTS_DISABLED: { number: 110, status: 403, retryable: false, message: "Sign-up is turned off here." },

  UNKNOWN_CALL: { number: 200, status: 404, retryable: false, message: "There is no such call." },
  INVALID_REQUEST: { number: 201, status: 400, retryable: false, message: "The request does not fit its schema." },
  PAYLOAD_TOO_LARGE: { number: 202, status: 413, retryable: false, message: "The payload is too large." },
  RATE_LIMITED: { number: 203, status: 429, retryable: true, message: "Too many requests; slow down." },
  TOO_MANY_CONNECTIONS: { number: 204, status: 429, retryable: true, message: "Too many connections at once." },
  PROTOCOL_UNSUPPORTED: {
    number: 205,
    status: 400,
    retryable: false,
    message: "This protocol version is not supported.",
  },
  USER_NOT_FOUND: { number: 206, status: 404, retryable: false, message: "There is no such user." },

  ROOM_NOT_FOUND: { number: 300, status: 404, retryable: false, message: "There is no such room." },
  ROOM_FULL: { number: 301, status: 409, retryable: true, message: "The room is full." },
  NOT_IN_ROOM: { number: 302, status: 409, retryable: false, message: "Join the room first." },
  PEER_GONE: { number: 303, status: 410, retryable: false, message: "This place in the room has expired; join again." },
  TRANSPORT_NOT_FOUND: { number: 304, status: 404, retryable: false, message: "There is no such transport." },
  PRODUCE_NOT_ALLOWED: { number: 305, status: 403, retryable: false, message: "You may not produce that here." },
  MEDIA_UNSUPPORTED: { number: 306, status: 400, retryable: false, message: "The media parameters do not fit." },
  MEDIA_UNAVAILABLE: { number: 307, status: 503, retryable: true, message: "Media is restarting; join again." },

  CONVERSATION_NOT_FOUND: { number: 400, status: 404, retryable: false, message: "There is no such conversation." },
  CANNOT_MESSAGE_SELF: { number: 401, status: 400, retryable: false, message: "A conversation needs another person." },
  MESSAGE_CONFLICT: {
    number: 402,
    status: 409,
    retryable: false,
    message: "This client id was used for another message.",
  },
  MESSAGE_NOT_FOUND: { number: 403, status: 404, retryable: false, message: "There is no such message (any more)." },
  MESSAGE_TOO_OLD: { number: 404, status: 409, retryable: false, message: "This message is too old for that." },
  MESSAGE_CORRECTED: {
    number: 405,
    status: 409,
    retryable: false,
    message: "This message was corrected and is edited no more.",
  },
  TOO_MANY_REACTIONS: { number: 406, status: 409, retryable: false, message: "Take a reaction back first." },
  TOO_MANY_PINS: { number: 407, status: 409, retryable: false, message: "Unpin a message first." },

  DRILL_NOT_FOUND: { number: 500, status: 404, retryable: false, message: "There is no such drill." },
  DRILL_BUSY: { number: 501, status: 409, retryable: false, message: "A drill is already running on this connection." },
  DRILL_NOT_RUNNING: { number: 502, status: 409, retryable: false, message: "No drill is running on this connection." },
  TEXT_EMPTY: { number: 503, status: 400, retryable: false, message: "There is nothing to read aloud in this text." },
  TEXT_TOO_LONG: { number: 504, status: 400, retryable: false, message: "The text is too long for one drill." },
  WORD_UNPRONOUNCEABLE: {
    number: 505,
    status: 400,
    retryable: false,
    message: "No pronunciation is known for a word.",
  },
  AUDIO_FORMAT_UNSUPPORTED: {
    number: 506,
    status: 400,
    retryable: false,
    message: "Audio must be 16 kHz mono 16-bit PCM.",
  },
  AUDIO_FRAME_MALFORMED: { number: 507, status: 400, retryable: false, message: "The audio frame is malformed." },
  AUDIO_OVERFLOW: { number: 508, status: 429, retryable: true, message: "Audio arrives faster than it may." },
  SCORING_UNAVAILABLE: { number: 509, status: 503, retryable: true, message: "Scoring is at capacity or restarting." },
  ATTEMPT_NOT_FOUND: { number: 510, status: 404, retryable: false, message: "There is no such attempt." },
  NO_MICROPHONE_TRACK: {
    number: 511,
    status: 409,
    retryable: false,
    message: "Publish a microphone in the room first.",
  },

  REFERENCE_VOICE_UNAVAILABLE: {
    number: 520,
    status: 501,
    retryable: false,
    message: "This server has no voice for this language.",
  },

  SPEECH_BUSY: {
    number: 521,
    status: 409,
    retryable: false,
    message: "This connection's speech is listened to already.",
  },
  SPEECH_NOT_RUNNING: {
    number: 522,
    status: 409,
    retryable: false,
    message: "No speech is listened to on this connection.",
  },
  LANGUAGE_UNAVAILABLE: {
    number: 530,
    status: 400,
    retryable: false,
    message: "This language can't be practised here.",
  },

  INTERNAL: { number: 900, status: 500, retryable: true, message: "Something went wrong on the server." },
  UNAVAILABLE: { number: 901, status: 503, retryable: true, message: "A part of the service is unreachable." },
  TIMEOUT: { number: 902, status: 504, retryable: true, message: "No answer in time." },
  DRAINING: { number: 903, status: 503, retryable: true, message: "This server is shutting down; reconnect." },
  NOT_FOUND: { number: 904, status: 404, retryable: false, message: "There is nothing at this address." },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errors;

/** What a failed call, REST request or connection attempt carries. */
export const errorBody = z.object({
  code: z.enum(Object.keys(errors) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  retryable: z.boolean(),
  requestId: z.string().optional(),
  /** Per code: `path` for INVALID_REQUEST, `retryAfterMs` for RATE_LIMITED, `word` for WORD_UNPRONOUNCEABLE, `languages` for LANGUAGE_UNAVAILABLE … */
  details: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorBody = z.infer<typeof errorBody>;

export type Reply<T> = { ok: true; data: T } | { ok: false; error: ErrorBody };
