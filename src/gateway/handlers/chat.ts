import type { Chat } from "../../chat/chat.ts";
import type { HandlersOf } from "../handler.ts";

export function chatHandlers({ chat }: { chat: Chat }): HandlersOf<"chat"> {
  return {
    "chat.list": ({ cursor }, { user }) => chat.list(user.id, cursor),
    "chat.open": async ({ userId }, { user }) => ({ conversation: await chat.open(user.id, userId) }),
    "chat.send": async (draft, { user }) => ({ message: await chat.send(user.id, draft) }),
    "chat.history": ({ conversationId, ...range }, { user }) => chat.history(user.id, conversationId, range),
    "chat.markRead": async ({ conversationId, seq }, { user }) => {
      await chat.markRead(user.id, conversationId, seq);
      return {};
    },
  };
}
