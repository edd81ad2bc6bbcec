import { useState } from "react";
import type { Message } from "#protocol";
import { useServices } from "../services.tsx";
import { shortTime } from "../words.ts";
import { Failure } from "./notice.tsx";

/** The pinned messages of a conversation, fetched when one looks. */
export function Pinned({ conversationId }: { conversationId: string }) {
  const { conversations } = useServices();
  const [pins, setPins] = useState<Message[]>();
  const [error, setError] = useState<unknown>();
  const look = (open: boolean) => {
    setPins(undefined);
    setError(undefined);
    if (open) conversations.pins(conversationId).then(setPins, setError);
  };
  return (
    <details className="pinned" onToggle={({ currentTarget }) => look(currentTarget.open)}>
      <summary className="button button-small button-quiet">Pinned</summary>
      <div className="pinned-list card">
        {error ? <Failure error={error} /> : null}
        {pins?.length === 0 && <p className="hint">Nothing is pinned.</p>}
        {pins?.map(({ id, text, sentAtMs }) => (
          <p key={id}>
            {text} <span className="hint">{shortTime(sentAtMs)}</span>
          </p>
        ))}
      </div>
    </details>
  );
}
