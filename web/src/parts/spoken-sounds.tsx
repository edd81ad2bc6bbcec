import { useEffect, useState } from "react";
import { type RoomSession, SharedSpeech, SpeechSession, type SpokenGroups } from "#client";
import { phoneIn } from "#protocol";
import { useServices, useStore } from "../services.tsx";
import { inWords } from "../words.ts";
import { Icon } from "./icon.tsx";

/** Below this, a sound is put in brackets: it may have been another one. */
const SURE = 0.5;
/** Sounds shown of each speaker: two lines on a phone. */
const SHOWN = 40;

/** The sounds of those who show them in this room, as they are heard; and the switch for one's own. */
export function SpokenSounds({ stay, canSpeak }: { stay: RoomSession; canSpeak: boolean }) {
  const { connection } = useServices();
  const [shared] = useState(() => new SharedSpeech(connection, stay.roomId));
  const [own] = useState(() => new SpeechSession(connection));
  useEffect(
    () => () => {
      shared.close();
      own.close();
    },
    [shared, own],
  );
  const speakers = useStore(shared);
  const { peers } = useStore(stay);
  const { phase, error } = useStore(own);
  const on = phase === "starting" || phase === "listening";
  const turn = () => void (on ? own.stop() : own.start({ roomId: stay.roomId, share: true })).catch(() => undefined);
  if (!canSpeak && speakers.length === 0) return null;
  return (
    <section className="spoken card" aria-label="What is said, as sounds">
      {canSpeak && (
        <div className="spoken-switch">
          <button type="button" className="button button-small" aria-pressed={on} onClick={turn}>
            <Icon name="sound" />
            {on ? "My sounds are shown" : "Show my sounds"}
          </button>
          <p className="hint">
            {on
              ? "Everybody here sees the sounds that you say."
              : "Then everybody here sees your English as sounds while you speak."}
          </p>
        </div>
      )}
      {error && (
        <p className="notice notice-bad" role="alert">
          {inWords(error)}
        </p>
      )}
      {on && speakers.length === 0 && <p className="hint">Say something in English…</p>}
      <dl className="spoken-people">
        {speakers.map(({ speechId, userId, groups }) => (
          <div key={speechId}>
            <dt>{peers.find((peer) => peer.userId === userId)?.name ?? "Somebody"}</dt>
            <dd>
              <Sounds groups={groups} />
            </dd>
          </div>
        ))}
      </dl>
      {speakers.length > 0 && <p className="hint">Sounds in brackets are uncertain; a dot is a pause.</p>}
    </section>
  );
}

function Sounds({ groups }: { groups: SpokenGroups }) {
  const { preferences } = useServices();
  const { alphabet } = useStore(preferences);
  const signs = groups.flatMap((group, at) => [
    ...(at > 0 ? [{ key: `pause ${group[0]?.startMs}`, sign: "·", sure: true }] : []),
    ...group.map(({ phone, confidence, startMs }) => ({
      key: String(startMs),
      sign: phoneIn(alphabet, phone),
      sure: confidence >= SURE,
    })),
  ]);
  return signs.slice(-SHOWN).map(({ key, sign, sure }) => (
    <span key={key} data-unsure={!sure || undefined}>
      {sure ? sign : `(${sign})`}{" "}
    </span>
  ));
}
