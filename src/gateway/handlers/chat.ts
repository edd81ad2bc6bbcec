import type { Chat } from "../../chat/chat.ts";
import type { HandlersOf } from "../handler.ts";

export function chatHandlers({ chat }: { chat: Chat }): HandlersOf<"chat"> {
  return {
    "chat.list": ({ cursor }, { user }) => chat.list(user.id, cursor),
    "chat.open": async ({ userId }, { user }) => ({ conversation: await chat.open(user.id, userId) }),
    "chat.send": (draft, { user }) => chat.send(user.id, draft),
    "chat.edit": ({ text, ...target }, { user }) => chat.edit(user.id, target, text),
    "chat.delete": ({ for: forWhom, ...target }, { user }) => chat.delete(user.id, target, forWhom),
    "chat.react": ({ emoji, on, ...target }, { user }) => chat.react(user.id, target, emoji, on),
    "chat.pin": ({ on, ...target }, { user }) => chat.pin(user.id, target, on),
    "chat.pins": ({ conversationId, afterSeq }, { user }) => chat.pins(user.id, conversationId, afterSeq),
    "chat.changes": ({ conversationId, afterVersion, limit }, { user }) =>
      chat.changes(user.id, conversationId, afterVersion, limit),
    "chat.history": ({ conversationId, ...range }, { user }) => chat.history(user.id, conversationId, range),
    "chat.typing": async ({ conversationId }, { user }) => {
      await chat.typing(user.id, conversationId);
      return {};
    },
    "chat.mute": async ({ conversationId, on }, { user }) => {
      await chat.mute(user.id, conversationId, on);
      return {};
    },
    "chat.markRead": async ({ conversationId, seq }, { user }) => {
      await chat.markRead(user.id, conversationId, seq);
      return {};
    },
  };
}
