import { limits } from "#protocol";
import { AppError } from "../lib/app-error.ts";
import type { Decide, StoredMessage } from "./ports.ts";

// Who may change what of a message, and what becomes of it. A change that is asked for again is none, so that each may be
// repeated when its answer was lost.

/** @throws AppError MESSAGE_NOT_FOUND, FORBIDDEN, MESSAGE_TOO_OLD, MESSAGE_CORRECTED */
export function edit(userId: string, text: string, nowMs: number): Decide {
  return (message, { corrected }) => {
    requireVisible(userId, message);
    requireOwnAndYoung(userId, message, nowMs - limits.messageEditMs);
    if (message.text === text) return null;
    // A correction is shown against the text that it is about.
    if (corrected) throw new AppError("MESSAGE_CORRECTED");
    return { text, editedAtMs: nowMs };
  };
}

/** Leaves nothing of it but its place. @throws AppError FORBIDDEN, MESSAGE_TOO_OLD */
export function deleteForAll(userId: string, nowMs: number): Decide {
  return (message) => {
    if (message.senderId !== userId) throw new AppError("FORBIDDEN");
    if (message.deletedAtMs !== null) return null;
    requireOwnAndYoung(userId, message, nowMs - limits.messageDeleteMs);
    return { text: "", reactions: [], editedAtMs: null, pinnedAtMs: null, deletedAtMs: nowMs };
  };
}

export function deleteForMe(userId: string): Decide {
  return ({ hiddenFrom }) => (hiddenFrom.includes(userId) ? null : { hiddenFrom: [...hiddenFrom, userId] });
}

/** @throws AppError MESSAGE_NOT_FOUND, TOO_MANY_REACTIONS */
export function react(userId: string, emoji: string, on: boolean): Decide {
  return (message) => {
    requireVisible(userId, message);
    const mine = message.reactions.filter((reaction) => reaction.userId === userId);
    if (mine.some((reaction) => reaction.emoji === emoji) === on) return null;
    if (on && mine.length >= limits.reactions) throw new AppError("TOO_MANY_REACTIONS");
    if (on) return { reactions: [...message.reactions, { userId, emoji }] };
    return { reactions: message.reactions.filter((one) => one.userId !== userId || one.emoji !== emoji) };
  };
}

/** @throws AppError MESSAGE_NOT_FOUND, TOO_MANY_PINS */
export function pin(userId: string, on: boolean, nowMs: number): Decide {
  return (message, { pinned }) => {
    requireVisible(userId, message);
    if ((message.pinnedAtMs !== null) === on) return null;
    if (on && pinned >= limits.pins) throw new AppError("TOO_MANY_PINS");
    return { pinnedAtMs: on ? nowMs : null };
  };
}

/** @throws AppError MESSAGE_NOT_FOUND when it is deleted for that person */
export function requireVisible(userId: string, { deletedAtMs, hiddenFrom }: StoredMessage): void {
  if (deletedAtMs !== null || hiddenFrom.includes(userId)) throw new AppError("MESSAGE_NOT_FOUND");
}

function requireOwnAndYoung(userId: string, { senderId, sentAtMs }: StoredMessage, sinceMs: number): void {
  if (senderId !== userId) throw new AppError("FORBIDDEN");
  if (sentAtMs < sinceMs) throw new AppError("MESSAGE_TOO_OLD");
}
