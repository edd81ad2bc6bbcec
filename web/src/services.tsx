import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { type Connection, type ConnectionState, Conversations, type Session, type SessionState } from "#client";
import type { User } from "#protocol";
import { Online } from "./online.ts";
import { Voice } from "./voice.ts";

type SignedIn = Extract<SessionState, { kind: "signedIn" }>;

/** What pages work with once somebody is signed in. */
export type Services = {
  session: Session;
  user: User;
  connection: Connection;
  link: ConnectionState;
  draining: boolean;
  voice: Voice;
  conversations: Conversations;
  online: Online;
};

const Context = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(Context);
  if (!services) throw new Error("useServices outside of ServicesProvider");
  return services;
}

/** Reads a store of the client library, and draws anew when it changes. */
export function useStore<T>(store: { subscribe: (listener: () => void) => () => void; snapshot: () => T }): T {
  return useSyncExternalStore(store.subscribe, store.snapshot);
}

/** Give it a key that changes with the connection: the stores live and die with it. */
export function ServicesProvider({
  session,
  state,
  children,
}: {
  session: Session;
  state: SignedIn;
  children: ReactNode;
}) {
  const { user, connection, link, draining } = state;
  const [stores] = useState(() => ({
    voice: new Voice(connection),
    conversations: new Conversations(connection),
    online: new Online(connection),
  }));
  useEffect(
    () => () => {
      for (const store of Object.values(stores)) store.close();
    },
    [stores],
  );
  const services = useMemo(
    () => ({ session, user, connection, link, draining, ...stores }),
    [session, user, connection, link, draining, stores],
  );
  return <Context value={services}>{children}</Context>;
}
