import type { Accounts } from "../../accounts/accounts.ts";
import type { UserRepository } from "../../accounts/ports.ts";
import { AppError } from "../../lib/app-error.ts";
import type { HandlersOf } from "../handler.ts";
import type { Presence } from "../presence.ts";

const FOUND_USERS = 20;

export type SessionHandlerDeps = {
  accounts: Pick<Accounts, "authenticate">;
  users: Pick<UserRepository, "findByPrefix">;
  presence: Pick<Presence, "watch">;
  /** Puts a later end on an open connection. */
  extend: (connectionId: string, expiresAtMs: number) => void;
};

export function sessionHandlers(deps: SessionHandlerDeps): HandlersOf<"session" | "user" | "presence"> {
  return {
    "session.refresh": async ({ token }, context) => {
      const identity = await deps.accounts.authenticate(token);
      // A connection belongs to one person's one sign-in for its whole life; another is another connection.
      if (identity.user.id !== context.user.id || identity.sessionId !== context.sessionId)
        throw new AppError("TOKEN_INVALID", "This token belongs to another session.");
      deps.extend(context.connectionId, identity.expiresAtMs);
      return { expiresAtMs: identity.expiresAtMs };
    },
    "user.find": async ({ prefix }) => ({ users: await deps.users.findByPrefix(prefix, FOUND_USERS) }),
    "presence.watch": async ({ userIds }, context) => ({
      online: await deps.presence.watch(context.connectionId, userIds),
    }),
  };
}
