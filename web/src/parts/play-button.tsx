import { useServices, useStore } from "../services.tsx";
import { Icon } from "./icon.tsx";

/** Plays something under a name of its own; while it sounds the same button stops it. */
export function PlayButton({
  what,
  label,
  name,
  onPlay,
}: {
  what: string;
  label: string;
  name: string;
  onPlay: () => void;
}) {
  const { player } = useServices();
  const playing = useStore(player);
  const phase = playing?.what === what ? playing.phase : null;
  return (
    <button
      type="button"
      className="button button-small play"
      aria-label={phase ? `Stop: ${name}` : name}
      onClick={() => (phase ? player.stop() : onPlay())}
    >
      {phase === "loading" ? (
        <span className="waiting waiting-small" aria-hidden="true" />
      ) : (
        <Icon name={phase ? "stop" : "play"} />
      )}
      {label}
    </button>
  );
}
