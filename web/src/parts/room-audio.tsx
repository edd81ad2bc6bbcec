import { useCallback, useState } from "react";
import type { RoomSession } from "#client";
import { useServices, useStore } from "../services.tsx";
import { Icon } from "./icon.tsx";

/** Plays the others, on whichever page one is. */
export function RoomAudio() {
  const { voice } = useServices();
  const { stay } = useStore(voice);
  return stay && <Speakers stay={stay} />;
}

function Speakers({ stay }: { stay: RoomSession }) {
  const { tracks } = useStore(stay);
  const [blocked, setBlocked] = useState(false);
  const play = (element: HTMLAudioElement) =>
    element.play().then(
      () => setBlocked(false),
      (error: { name?: string }) => error.name === "NotAllowedError" && setBlocked(true),
    );
  const playAll = () => {
    for (const element of document.querySelectorAll<HTMLAudioElement>("audio[data-peer]")) void play(element);
  };
  return (
    <>
      {tracks.map(({ consumerId, peerId, track }) => (
        <Speaker key={consumerId} peerId={peerId} track={track} play={play} />
      ))}
      {blocked && (
        <div className="notice notice-warn" role="alert">
          <p>The browser keeps this page silent until you say so.</p>
          <button type="button" className="button button-small" onClick={playAll}>
            <Icon name="sound" />
            Turn the sound on
          </button>
        </div>
      )}
    </>
  );
}

function Speaker({
  peerId,
  track,
  play,
}: {
  peerId: string;
  track: MediaStreamTrack;
  play: (element: HTMLAudioElement) => void;
}) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: `play` is made anew each time and only says when to start
  const attach = useCallback(
    (element: HTMLAudioElement | null) => {
      if (!element) return;
      element.srcObject = new MediaStream([track]);
      play(element);
    },
    [track],
  );
  // biome-ignore lint/a11y/useMediaCaption: live speech of people in a room has no captions
  return <audio ref={attach} data-peer={peerId} />;
}
