import { type ReactNode, useEffect, useRef } from "react";
import type { Route } from "../router.ts";
import { useServices, useStore } from "../services.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { Link } from "./link.tsx";
import { LinkBanner } from "./link-banner.tsx";
import { RoomAudio } from "./room-audio.tsx";
import { RoomDock } from "./room-dock.tsx";

const sections: { label: string; icon: IconName; to: Route; pages: Route["page"][] }[] = [
  { label: "Rooms", icon: "rooms", to: { page: "rooms" }, pages: ["rooms", "room"] },
  { label: "Messages", icon: "messages", to: { page: "messages", conversationId: null }, pages: ["messages"] },
  { label: "Practice", icon: "practice", to: { page: "practice" }, pages: ["practice", "drill", "ownText"] },
  { label: "Progress", icon: "progress", to: { page: "progress" }, pages: ["progress"] },
  { label: "History", icon: "history", to: { page: "history", attemptId: null }, pages: ["history"] },
];

/** Navigation, who one is, the state of the connection, and the page in the middle. */
export function Shell({ route, children }: { route: Route; children: ReactNode }) {
  const { session, user, conversations } = useServices();
  const { unread } = useStore(conversations);
  const main = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each page starts at its top
  useEffect(() => {
    main.current?.scrollTo(0, 0);
  }, [route.page]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="topbar">
        <p className="brand">
          <img src="/favicon.svg" alt="" width="26" height="26" />
          Parlance
        </p>
        <div className="who">
          <span className="who-name">
            <span>{user.name}</span>
            {user.kind === "guest" && <span className="hint">guest</span>}
          </span>
          <button type="button" className="button button-quiet button-small" onClick={() => session.signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <nav className="nav" aria-label="Sections">
        <ul>
          {sections.map(({ label, icon, to, pages }) => (
            <li key={label}>
              <Link to={to} aria-current={pages.includes(route.page) ? "page" : undefined}>
                <Icon name={icon} />
                <span className="nav-label">{label}</span>
                {label === "Messages" && unread > 0 && (
                  <span className="count">
                    {unread > 99 ? "99+" : unread}
                    <span className="hidden"> unread</span>
                  </span>
                )}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" className="main" ref={main} tabIndex={-1}>
        <LinkBanner />
        <RoomAudio />
        {children}
      </main>
      <RoomDock route={route} />
    </div>
  );
}
