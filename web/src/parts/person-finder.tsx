import { useEffect, useId, useState } from "react";
import { limits, type PublicUser } from "#protocol";
import { useServices, useStore } from "../services.tsx";
import { inWords } from "../words.ts";
import { Avatar } from "./avatar.tsx";

const PAUSE_MS = 250;

/** Finds a person by the start of a name. */
export function PersonFinder({ onChoose }: { onChoose: (person: PublicUser) => void }) {
  const { connection, user, online } = useServices();
  const onlineIds = useStore(online);
  const id = useId();
  const [prefix, setPrefix] = useState("");
  const [found, setFound] = useState<{ prefix: string; people: PublicUser[]; error?: unknown }>();
  const wanted = prefix.trim();

  useEffect(() => {
    if (!wanted) return;
    let stale = false;
    const timer = setTimeout(() => {
      connection.call("user.find", { prefix: wanted }).then(
        ({ users }) => !stale && setFound({ prefix: wanted, people: users.filter((each) => each.id !== user.id) }),
        (error: unknown) => !stale && setFound({ prefix: wanted, people: [], error }),
      );
    }, PAUSE_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [connection, user.id, wanted]);

  // Guests may share a name: who is here now comes first, and is marked.
  useEffect(() => {
    online.watch("found", found?.people.map(({ id: each }) => each) ?? []);
  }, [online, found]);

  const current = wanted !== "" && found?.prefix === wanted ? found : undefined;
  return (
    <search className="finder">
      <label className="hidden" htmlFor={id}>
        Find a person by name
      </label>
      <input
        id={id}
        type="search"
        className="input"
        placeholder="Find a person by name"
        maxLength={limits.userName}
        autoComplete="off"
        value={prefix}
        onChange={(event) => setPrefix(event.target.value)}
      />
      <p className="hidden" role="status">
        {current && (current.error ? inWords(current.error) : `${current.people.length} found`)}
      </p>
      {current && (
        <ul className="list card finder-list" aria-label="People found">
          {current.people.length === 0 && (
            <li className="row hint">{current.error ? inWords(current.error) : "Nobody has a name like that."}</li>
          )}
          {byPresence(current.people, onlineIds).map((person) => (
            <li key={person.id}>
              <button
                type="button"
                className="row"
                onClick={() => {
                  setPrefix("");
                  onChoose(person);
                }}
              >
                <Avatar name={person.name} online={onlineIds.has(person.id)} />
                <span className="row-main row-title">{person.name}</span>
                {onlineIds.has(person.id) && <span className="hint">online</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
    </search>
  );
}

function byPresence(people: readonly PublicUser[], online: ReadonlySet<string>): PublicUser[] {
  return people.toSorted((a, b) => Number(online.has(b.id)) - Number(online.has(a.id)));
}
