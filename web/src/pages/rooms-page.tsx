import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { limits, type Room } from "#protocol";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { Blank, Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { navigate } from "../router.ts";
import { useServices } from "../services.tsx";
import { useCall } from "../use-call.ts";
import { counted, languageName } from "../words.ts";

const REFRESH_MS = 8_000;
/** Languages offered for a new room; the protocol takes any tag. */
const languages = ["en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko", "ar", "hi", "ru"];

export function RoomsPage() {
  const { data, error, reload } = useCall("room.list", {}, { everyMs: REFRESH_MS });
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Rooms" lead="Public voice rooms. Take one whose topic you like.">
        <button type="button" className="button" aria-expanded={creating} onClick={() => setCreating(!creating)}>
          <Icon name="plus" />
          New room
        </button>
      </PageHead>
      {creating && <NewRoom onClose={() => setCreating(false)} />}
      {error && !data ? <Failure error={error} onRetry={reload} /> : null}
      {!data && !error && <Waiting what="Looking for rooms…" />}
      {data?.rooms.length === 0 && <Blank title="No room is open right now.">Open the first one.</Blank>}
      {data && data.rooms.length > 0 && (
        <ul className="list card" aria-label="Open rooms">
          {data.rooms.map((room) => (
            <RoomRow key={room.id} room={room} />
          ))}
        </ul>
      )}
    </>
  );
}

function RoomRow({ room }: { room: Room }) {
  const full = room.peers >= room.capacity;
  return (
    <li>
      <Link to={{ page: "room", roomId: room.id }} className="row">
        <span className="avatar" aria-hidden="true">
          <Icon name="sound" />
        </span>
        <span className="row-main">
          <span className="row-title">{room.topic}</span>
          <span className="hint">{languageName(room.language)}</span>
        </span>
        <span className="row-side hint">
          {full ? "full" : room.peers === 0 ? "empty" : counted(room.peers, "person", "people")}
        </span>
      </Link>
    </li>
  );
}

function NewRoom({ onClose }: { onClose: () => void }) {
  const { connection } = useServices();
  const id = useId();
  const topic = useRef<HTMLInputElement>(null);
  // The form was asked for by a button: typing goes on here.
  useEffect(() => {
    topic.current?.focus();
  }, []);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  async function open(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    try {
      const topic = String(form.get("topic") ?? "").trim();
      const { room } = await connection.call("room.create", { topic, language: String(form.get("language")) });
      navigate({ page: "room", roomId: room.id });
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }

  return (
    <form className="card new-room" onSubmit={open} aria-label="New room">
      <div className="field">
        <label htmlFor={`${id}-topic`}>Topic</label>
        <input
          id={`${id}-topic`}
          name="topic"
          required
          maxLength={limits.topic}
          placeholder="What is it about?"
          ref={topic}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-language`}>Language spoken</label>
        <select id={`${id}-language`} name="language" defaultValue="en">
          {languages.map((tag) => (
            <option key={tag} value={tag}>
              {languageName(tag)}
            </option>
          ))}
        </select>
      </div>
      {error ? <Failure error={error} /> : null}
      <div className="actions">
        <button type="submit" className="button button-main" disabled={busy}>
          Open the room
        </button>
        <button type="button" className="button button-quiet" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
