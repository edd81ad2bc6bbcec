import type { Message } from "#protocol";
import type { StoredMessage } from "./ports.ts";

/** A message as that member may see it: of a deleted one there is its place, its sender and its times. */
export function messageFor(userId: string, { deletedAtMs, hiddenFrom, ...message }: StoredMessage): Message {
  const deletedFor = deletedAtMs !== null ? "all" : hiddenFrom.includes(userId) ? "me" : null;
  if (!deletedFor) return { ...message, deletedFor };
  return { ...message, text: "", reactions: [], editedAtMs: null, pinnedAtMs: null, deletedFor };
}
