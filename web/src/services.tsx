import { createContext, type ReactNode, useContext, useMemo } from "react";
import type { Connection, ConnectionState, Session, SessionState } from "#client";
import type { User } from "#protocol";

type SignedIn = Extract<SessionState, { kind: "signedIn" }>;

/** What pages work with once somebody is signed in. */
export type Services = {
  session: Session;
  user: User;
  connection: Connection;
  link: ConnectionState;
  draining: boolean;
};

const Context = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(Context);
  if (!services) throw new Error("useServices outside of ServicesProvider");
  return services;
}

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
  const services = useMemo(
    () => ({ session, user, connection, link, draining }),
    [session, user, connection, link, draining],
  );
  return <Context value={services}>{children}</Context>;
}
