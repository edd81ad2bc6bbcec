import { type CSSProperties, useEffect, useRef, useState } from "react";
import { ParlanceError, type RoomSession } from "#client";
import { limits, type Peer } from "#protocol";
import { Avatar } from "../parts/avatar.tsx";
import { Composer } from "../parts/composer.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { MicrophoneNotice } from "../parts/microphone-notice.tsx";
import { Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { MuteButton } from "../parts/room-dock.tsx";
import { SpokenSounds } from "../parts/spoken-sounds.tsx";
import { ThreadLog } from "../parts/thread-log.tsx";
import { navigate } from "../router.ts";
import { useServices, useStore } from "../services.tsx";
import { useCall } from "../use-call.ts";
import { counted, inWords, languageName, leftInWords } from "../words.ts";

/** dBov above which a voice counts as speaking. */
const SPEAKING_DB = -55;

export function RoomPage({ roomId }: { roomId: string }) {
  const { voice } = useServices();
  const { stay } = useStore(voice);
  return stay?.roomId === roomId ? <Stay stay={stay} /> : <Lobby roomId={roomId} />;
}

function BackToRooms() {
  return (
    <Link to={{ page: "rooms" }} className="button button-round button-quiet" aria-label="Back to the rooms">
      <Icon name="back" />
    </Link>
  );
}

/** Before one is inside: nothing is heard, and the microphone is off. */
function Lobby({ roomId, ended }: { roomId: string; ended?: string }) {
  const { voice, link } = useServices();
  const { data } = useCall("room.list", {});
  const { refused } = useStore(voice);
  const room = data?.rooms.find(({ id }) => id === roomId);
  const enter = (speak: boolean) => void voice.enter(roomId, { speak });
  const refusal = refused?.roomId === roomId ? refused.error : undefined;
  const gone = refusal instanceof ParlanceError && refusal.code === "ROOM_NOT_FOUND";
  return (
    <>
      <PageHead
        title={room?.topic ?? "Room"}
        lead={
          room &&
          `${languageName(room.language)} · ${room.peers === 0 ? "nobody inside yet" : `${counted(room.peers, "person", "people")} inside`}`
        }
        back={<BackToRooms />}
      />
      <div className="lobby card">
        {ended && <p role="status">{ended}</p>}
        {!gone && <p>Others hear you once you have joined with your microphone. You can mute it at any time.</p>}
        {refusal ? <Failure error={refusal} /> : null}
        {gone ? (
          <div className="actions">
            <Link to={{ page: "rooms" }} className="button">
              To the rooms
            </Link>
          </div>
        ) : (
          <div className="actions">
            <button
              type="button"
              className="button button-main"
              disabled={link.kind !== "connected"}
              onClick={() => enter(true)}
            >
              <Icon name="practice" />
              Join the room
            </button>
            <button type="button" className="button" disabled={link.kind !== "connected"} onClick={() => enter(false)}>
              <Icon name="sound" />
              Only listen
            </button>
          </div>
        )}
      </div>
    </>
  );
}

function Stay({ stay }: { stay: RoomSession }) {
  const { voice } = useServices();
  const { microphone, error } = useStore(voice);
  const { phase, left, room, peers, peerId, media, muted } = useStore(stay);
  if (phase === "left") return <Lobby roomId={stay.roomId} ended={leftInWords(left)} />;
  if (!room) return <Waiting what="Joining the room…" />;
  const trouble = microphone === "listening" || microphone === "asking" || microphone === "on" ? null : microphone;
  const leave = () => {
    voice.leave();
    navigate({ page: "rooms" });
  };
  return (
    <>
      <PageHead
        title={room.topic}
        lead={`${languageName(room.language)} · ${counted(peers.length, "person", "people")} inside`}
        back={<BackToRooms />}
      />
      <div className="room">
        <div className="stack">
          {phase === "recovering" && (
            <p className="notice notice-warn" role="status">
              Getting back into the room…
            </p>
          )}
          {phase === "joined" && media === "interrupted" && (
            <p className="notice notice-warn" role="status">
              The sound is interrupted. Looking for another way…
            </p>
          )}
          {trouble && <MicrophoneNotice trouble={trouble} onRetry={() => voice.speak()} />}
          {error ? <Failure error={error} onRetry={() => voice.speak()} /> : null}
          <div className="room-bar">
            {microphone === "on" && <MuteButton stay={stay} />}
            {microphone === "asking" && (
              <p className="hint" role="status">
                Waiting for your microphone…
              </p>
            )}
            {microphone === "listening" && (
              <button type="button" className="button" onClick={() => voice.speak()}>
                <Icon name="practice" />
                Speak too
              </button>
            )}
            <button type="button" className="button button-danger" onClick={leave}>
              <Icon name="leave" />
              Leave
            </button>
            {microphone === "on" && muted && <p className="hint">Nobody hears you while you are muted.</p>}
          </div>
          <People stay={stay} peers={peers} me={peerId} />
          <SpokenSounds stay={stay} canSpeak={microphone === "on"} />
        </div>
        <RoomText stay={stay} me={peerId} />
      </div>
    </>
  );
}

function People({ stay, peers, me }: { stay: RoomSession; peers: readonly Peer[]; me: string | null }) {
  const { levels } = useStore(stay);
  return (
    <>
      <ul className="room-people" aria-label="People in the room">
        {peers.map((peer) => {
          const level = levels[peer.id];
          const speaking = level !== undefined && level > SPEAKING_DB && !peer.muted;
          return (
            <li
              key={peer.id}
              className="person"
              data-speaking={speaking || undefined}
              style={{ "--loud": speaking ? Math.min(1, (level - SPEAKING_DB) / 45) : 0 } as CSSProperties}
            >
              <Avatar name={peer.name} />
              <span className="person-name">
                {peer.name}
                {peer.id === me && " (you)"}
              </span>
              <span className="person-state">{stateOf(peer, speaking)}</span>
            </li>
          );
        })}
      </ul>
      <Comings peers={peers} />
    </>
  );
}

function stateOf(peer: Peer, speaking: boolean) {
  if (!peer.publishing) return "listening";
  if (peer.muted)
    return (
      <>
        <Icon name="micOff" /> muted
      </>
    );
  if (speaking)
    return (
      <>
        <Icon name="sound" /> speaking
      </>
    );
  return "";
}

/** Tells a screen reader who comes and goes. */
function Comings({ peers }: { peers: readonly Peer[] }) {
  const known = useRef<Map<string, string> | null>(null);
  const [news, setNews] = useState("");
  useEffect(() => {
    const now = new Map(peers.map(({ id, name }) => [id, name]));
    const before = known.current;
    known.current = now;
    if (!before) return;
    const came = [...now].filter(([id]) => !before.has(id)).map(([, name]) => `${name} has joined.`);
    const went = [...before].filter(([id]) => !now.has(id)).map(([, name]) => `${name} has left.`);
    if (came.length + went.length > 0) setNews([...came, ...went].join(" "));
  }, [peers]);
  return (
    <p className="hidden" role="status">
      {news}
    </p>
  );
}

function RoomText({ stay, me }: { stay: RoomSession; me: string | null }) {
  const { lines, phase } = useStore(stay);
  const [error, setError] = useState<unknown>();
  const bubbles = lines.map(({ seq, peerId, name, text, atMs }) => ({
    key: String(seq),
    text,
    mine: peerId === me,
    ...(peerId !== me && { name }),
    atMs,
  }));
  const say = (text: string) => {
    stay.say(text).then(() => setError(undefined), setError);
  };
  return (
    <section className="room-text card" aria-label="Room text">
      <h2>Room text</h2>
      <ThreadLog label="What was written" bubbles={bubbles} />
      {error ? (
        <p className="notice notice-bad" role="alert">
          {inWords(error)}
        </p>
      ) : null}
      <Composer label="Write to everybody here" max={limits.roomText} onSend={say} disabled={phase !== "joined"} />
    </section>
  );
}
