import { ParlanceError, type RoomLeftReason } from "#client";
import type { ErrorCode, Message, PublicUser } from "#protocol";

/** What a code means to the person at the page, and what to do. Codes that are not here keep the server's own words. */
const plain: Partial<Record<ErrorCode, string>> = {
  WRONG_CREDENTIALS: "That name and password do not belong together.",
  NAME_TAKEN: "Somebody else has this name already. Try another one.",
  GUESTS_DISABLED: "Guests are not allowed on this server. Sign in to an account.",
  ACCOUNTS_DISABLED: "New accounts can't be made on this server.",
  BANNED: "You are banned from this server.",
  RATE_LIMITED: "That was a bit fast. Wait a moment and try again.",
  TOO_MANY_CONNECTIONS: "Parlance is open too many times at once. Close another window and try again.",
  PROTOCOL_UNSUPPORTED: "This page is older than the server. Reload it.",
  ORIGIN_NOT_ALLOWED: "The server does not accept connections from this address.",
  PAYLOAD_TOO_LARGE: "That is too long.",
  ROOM_NOT_FOUND: "This room has closed.",
  ROOM_FULL: "This room is full. Try again in a moment, or take another room.",
  MEDIA_UNAVAILABLE: "Sound is restarting on the server. Try again in a moment.",
  USER_NOT_FOUND: "There is nobody with this name.",
  CONVERSATION_NOT_FOUND: "This conversation does not exist, or you are not in it.",
  CANNOT_MESSAGE_SELF: "You can't write to yourself.",
  MESSAGE_NOT_FOUND: "This message was deleted.",
  MESSAGE_TOO_OLD: "It is too late for that: the message was sent too long ago.",
  MESSAGE_CORRECTED: "This message was corrected, so it stays as it is.",
  TOO_MANY_REACTIONS: "Take one of your reactions back first.",
  TOO_MANY_PINS: "Too many messages are pinned. Unpin one first.",
  DRILL_NOT_FOUND: "This sentence is no longer on offer.",
  SPEECH_BUSY: "Your sounds are shown already, perhaps in another room.",
  NO_MICROPHONE_TRACK: "Turn on your microphone first.",
  DRILL_BUSY: "Another drill is still running. Finish it first.",
  TEXT_EMPTY: "There is nothing to read aloud in this text.",
  TEXT_TOO_LONG: "This text is too long. Take one or two sentences.",
  AUDIO_OVERFLOW: "The server could not keep up with the sound. Try again.",
  SCORING_UNAVAILABLE: "All judges are busy right now. Try again in a moment.",
  REFERENCE_VOICE_UNAVAILABLE: "The server can't say this aloud.",
  ATTEMPT_NOT_FOUND: "This attempt does not exist.",
  INTERNAL: "Something went wrong on the server. Try again.",
  UNAVAILABLE: "The server can't be reached right now. Try again in a moment.",
  TIMEOUT: "The server took too long to answer. Try again.",
  DRAINING: "The server is restarting. Try again in a moment.",
};

/** A code alone, where no words of the server came with it. */
export function codeInWords(code: ErrorCode): string {
  return plain[code] ?? "The server did not take it.";
}

/** Any failure as one plain sentence. */
export function inWords(error: unknown): string {
  if (error instanceof Error && error.name === "UnsupportedError")
    return "This browser can't take part in voice rooms. Use a current Chrome, Edge, Firefox or Safari.";
  if (!(error instanceof ParlanceError)) return "Something went wrong in this page. Reload it and try again.";
  if (error.code === "WORD_UNPRONOUNCEABLE" && typeof error.details?.word === "string")
    return `There is no known pronunciation of “${error.details.word}”. Leave it out or write it differently.`;
  return plain[error.code] ?? error.message;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Short for lists: the time today, the day before that. */
export function shortTime(atMs: number): string {
  const at = new Date(atMs);
  return at.toDateString() === new Date().toDateString() ? clock.format(at) : day.format(at);
}

export function fullTime(atMs: number): string {
  return full.format(atMs);
}

/** A calendar day, YYYY-MM-DD, short. */
export function dayName(date: string): string {
  return day.format(new Date(`${date}T12:00`));
}

export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

const languages = new Intl.DisplayNames(undefined, { type: "language" });

/** A BCP 47 tag by its name. */
export function languageName(tag: string): string {
  try {
    return languages.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** Why a stay in a room is over. */
export function leftInWords(reason: RoomLeftReason | null): string {
  switch (reason) {
    case null:
    case "left":
      return "You have left the room.";
    case "replaced":
      return "You have joined this room in another window.";
    case "removed":
      return "A moderator has taken you out of the room.";
    case "closed":
      return "The room has closed.";
    default:
      return (plain as Record<string, string>)[reason] ?? "The room was left because of a problem. Join it again.";
  }
}

export function otherOf(members: readonly PublicUser[], me: string): PublicUser {
  return members.find(({ id }) => id !== me) ?? { id: "", name: "Nobody" };
}

/** A message on one line. */
export function previewOf({ text, deletedFor }: Message): string {
  return deletedFor ? "Message deleted" : text;
}
