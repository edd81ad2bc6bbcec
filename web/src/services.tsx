import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { Connection, ConnectionState, Session, SessionState } from "#client";
import type { User } from "#protocol";
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
  const [voice] = useState(() => new Voice(connection));
  useEffect(() => () => voice.close(), [voice]);
  const services = useMemo(
    () => ({ session, user, connection, link, draining, voice }),
    [session, user, connection, link, draining, voice],
  );
  return <Context value={services}>{children}</Context>;
}
