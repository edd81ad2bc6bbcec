import { useSyncExternalStore } from "react";
import type { Connection, Session } from "#client";
import { DrillPage } from "./pages/drill-page.tsx";
import { HistoryPage } from "./pages/history-page.tsx";
import { LostPage } from "./pages/lost-page.tsx";
import { MessagesPage } from "./pages/messages-page.tsx";
import { PracticePage } from "./pages/practice-page.tsx";
import { ProgressPage } from "./pages/progress-page.tsx";
import { RoomPage } from "./pages/room-page.tsx";
import { RoomsPage } from "./pages/rooms-page.tsx";
import { SignInPage } from "./pages/sign-in-page.tsx";
import { Shell } from "./parts/shell.tsx";
import { type Route, useRoute } from "./router.ts";
import { ServicesProvider } from "./services.tsx";

export function App({ session }: { session: Session }) {
  const state = useSyncExternalStore(session.subscribe, session.snapshot);
  const route = useRoute();
  if (state.kind === "signedOut") return <SignInPage session={session} reason={state.reason} />;
  return (
    <ServicesProvider key={keyOf(state.connection)} session={session} state={state}>
      <Shell route={route}>
        <Page route={route} />
      </Shell>
    </ServicesProvider>
  );
}

const keys = new WeakMap<Connection, number>();
let lastKey = 0;

/** Another number for another connection. */
function keyOf(connection: Connection): number {
  const key = keys.get(connection) ?? ++lastKey;
  keys.set(connection, key);
  return key;
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "rooms":
      return <RoomsPage />;
    case "room":
      return <RoomPage key={route.roomId} roomId={route.roomId} />;
    case "messages":
      return <MessagesPage conversationId={route.conversationId} />;
    case "practice":
      return <PracticePage />;
    case "drill":
      return <DrillPage key={route.drillId} drillId={route.drillId} />;
    case "ownText":
      return <DrillPage key={route.text} text={route.text} of={route.of} language={route.language} />;
    case "progress":
      return <ProgressPage />;
    case "history":
      return <HistoryPage attemptId={route.attemptId} />;
    case "lost":
      return <LostPage />;
  }
}
