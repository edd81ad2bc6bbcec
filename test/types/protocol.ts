// Compiled by `npm run check`, never run: what must not compile is marked, and an unneeded mark is an error itself.
import type { Connection } from "#client";
import type { CallReply, PushPayload } from "#protocol";
import type { Handlers } from "../../src/gateway/handler.ts";
import type { Publisher } from "../../src/protocol/pushes.ts";

declare const connection: Connection;
declare const publisher: Publisher;

export async function callsAreTyped(): Promise<number> {
  const { message } = await connection.call("chat.send", { conversationId: "c", clientId: "1", text: "hi" });
  // @ts-expect-error: there is no such call
  await connection.call("chat.sned", { conversationId: "c", clientId: "1", text: "hi" });
  // @ts-expect-error: a field is missing
  await connection.call("chat.send", { conversationId: "c", text: "hi" });
  // @ts-expect-error: a field has another type
  await connection.call("chat.markRead", { conversationId: "c", seq: "1" });
  // @ts-expect-error: a field is unknown
  await connection.call("room.leave", { roomId: "r", reason: "bored" });
  // @ts-expect-error: the reply has no such field
  message.sender;
  return message.seq;
}

export function defaultsMayBeLeftOutByClients(): Promise<CallReply<"chat.history">> {
  return connection.call("chat.history", { conversationId: "c" });
}

export function pushesAreTyped(): void {
  connection.on("drill.phoneme", ({ score, band }) => [
    score satisfies number,
    band satisfies "good" | "fair" | "poor",
  ]);
  // @ts-expect-error: there is no such push
  connection.on("drill.phonem", () => undefined);
  publisher.publish({ user: "u" }, "presence.changed", { userId: "u", online: true });
  // @ts-expect-error: the payload does not fit
  publisher.publish({ user: "u" }, "presence.changed", { userId: "u" });
  // @ts-expect-error: an audience is a user, a room or a connection
  publisher.publish({ everybody: true }, "presence.changed", { userId: "u", online: true });
}

export const handler: Handlers["chat.history"] = (request) => {
  // Defaults are there for handlers.
  const limit: number = request.limit;
  return { messages: [], lastSeq: limit, version: 0 };
};

// @ts-expect-error: a reply of another shape
export const wrongHandler: Handlers["chat.list"] = () => ({ conversations: [{ id: "c" }] });

export function reasonsAreClosed(reason: PushPayload<"session.ended">["reason"]): boolean {
  switch (reason) {
    case "expired":
    case "signedOut":
    case "banned":
    case "kicked":
      return false;
    case "draining":
    case "slowReader":
    case "limit":
      return true;
    default:
      return reason satisfies never;
  }
}
