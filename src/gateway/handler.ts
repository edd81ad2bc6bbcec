import type { CallName, CallReply, CallRequest, User } from "#protocol";
import type { Logger } from "../lib/logger.ts";

/** Who calls: filled in by the gateway after authentication; `log` carries request, connection and user ids. */
export type CallContext = {
  readonly user: User;
  /** One open socket. A user has several on several devices. */
  readonly connectionId: string;
  /** The sign-in this connection belongs to. */
  readonly sessionId: string;
  readonly log: Logger;
};

/** Turns one parsed call into a reply; throws AppError for expected failures. */
export type Handler<C extends CallName> = (
  request: CallRequest<C>,
  context: CallContext,
) => Promise<CallReply<C>> | CallReply<C>;

export type Handlers = { [C in CallName]: Handler<C> };

/** The handlers of one domain: `HandlersOf<"chat">` has every `chat.…` call. */
export type HandlersOf<Prefix extends string> = Pick<Handlers, Extract<CallName, `${Prefix}.${string}`>>;
