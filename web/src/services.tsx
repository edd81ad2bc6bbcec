import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { type Connection, type ConnectionState, Conversations, type Session, type SessionState } from "#client";
import type { User } from "#protocol";
import { Languages } from "./languages.ts";
import { Online } from "./online.ts";
import { Player } from "./player.ts";
import { Preferences } from "./preferences.ts";
import { ReferenceVoice } from "./reference-voice.ts";
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
  languages: Languages;
  player: Player;
  referenceVoice: ReferenceVoice;
  preferences: Preferences;
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
    languages: new Languages(connection),
    player: new Player(),
    referenceVoice: new ReferenceVoice(session),
  }));
  const [preferences] = useState(() => new Preferences());
  useEffect(
    () => () => {
      for (const store of Object.values(stores)) store.close();
    },
    [stores],
  );
  const services = useMemo(
    () => ({ session, user, connection, link, draining, preferences, ...stores }),
    [session, user, connection, link, draining, preferences, stores],
  );
  return <Context value={services}>{children}</Context>;
}
