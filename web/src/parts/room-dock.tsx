import type { RoomSession } from "#client";
import type { Route } from "../router.ts";
import { useServices, useStore } from "../services.tsx";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";

/** The room one is in, while another page is open. */
export function RoomDock({ route }: { route: Route }) {
  const { voice } = useServices();
  const { stay } = useStore(voice);
  if (!stay || (route.page === "room" && route.roomId === stay.roomId)) return null;
  return <Dock stay={stay} />;
}

function Dock({ stay }: { stay: RoomSession }) {
  const { voice } = useServices();
  const { microphone } = useStore(voice);
  const { room, phase } = useStore(stay);
  if (phase === "left") return null;
  return (
    <aside className="dock" aria-label="The room you are in">
      <Link to={{ page: "room", roomId: stay.roomId }} className="dock-room">
        {room?.topic ?? "Joining…"}
      </Link>
      {microphone === "on" && <MuteButton stay={stay} small />}
      <button type="button" className="button button-small" onClick={() => voice.leave()}>
        Leave
      </button>
    </aside>
  );
}

export function MuteButton({ stay, small = false }: { stay: RoomSession; small?: boolean }) {
  const { muted } = useStore(stay);
  return (
    <button
      type="button"
      className={small ? "button button-small" : "button"}
      aria-pressed={muted}
      // A cut while this is on its way needs no word: the session says it again when it is back.
      onClick={() => stay.setMuted(!muted).catch(() => undefined)}
    >
      <Icon name={muted ? "micOff" : "practice"} />
      {muted ? "Muted" : "Mute"}
    </button>
  );
}
