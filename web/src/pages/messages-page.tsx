import { useEffect, useState } from "react";
import type { ConversationView } from "#client";
import type { PublicUser } from "#protocol";
import { Avatar } from "../parts/avatar.tsx";
import { ConversationThread } from "../parts/conversation-thread.tsx";
import { Link } from "../parts/link.tsx";
import { Blank, Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonFinder } from "../parts/person-finder.tsx";
import { navigate, useRoute } from "../router.ts";
import { useServices, useStore } from "../services.tsx";
import { otherOf, previewOf, shortTime } from "../words.ts";

export function MessagesPage({ conversationId }: { conversationId: string | null }) {
  const { conversations, online, user } = useServices();
  const { loaded, conversations: list } = useStore(conversations);
  const [error, setError] = useState<unknown>();
  const open = list.find(({ id }) => id === conversationId);

  useEffect(() => {
    online.watch(
      "conversations",
      list.flatMap(({ members }) => members.map(({ id }) => id)).filter((id) => id !== user.id),
    );
  }, [online, list, user.id]);

  const choose = (person: PublicUser) => {
    setError(undefined);
    conversations.open(person.id).then(({ id }) => navigate({ page: "messages", conversationId: id }), setError);
  };

  return (
    <>
      <PageHead title="Messages" />
      <div className="messages" data-open={conversationId !== null}>
        <section className="people" aria-label="Conversations">
          <PersonFinder onChoose={choose} />
          {error ? <Failure error={error} /> : null}
          {!loaded && <Waiting what="Fetching your conversations…" />}
          {loaded && list.length === 0 && (
            <Blank title="No conversations yet.">
              <p>Find a person by name and write to them.</p>
            </Blank>
          )}
          {list.length > 0 && (
            <ul className="list card">
              {list.map((each) => (
                <Row key={each.id} {...each} />
              ))}
            </ul>
          )}
        </section>
        {open ? (
          <ConversationThread key={open.id} conversation={open} />
        ) : (
          <NoThread wanted={conversationId} loaded={loaded} />
        )}
      </div>
    </>
  );
}

function Row({ id, members, lastMessage, outgoing, unread, muted }: ConversationView) {
  const { user, online } = useServices();
  const onlineIds = useStore(online);
  const other = otherOf(members, user.id);
  const route = useRoute();
  const preview = outgoing.at(-1)?.text ?? (lastMessage ? previewOf(lastMessage) : "No messages yet");
  const mine = outgoing.length > 0 || lastMessage?.senderId === user.id;
  const isOnline = onlineIds.has(other.id);
  return (
    <li>
      <Link
        to={{ page: "messages", conversationId: id }}
        className="row"
        aria-current={route.page === "messages" && route.conversationId === id ? "true" : undefined}
      >
        <Avatar name={other.name} online={isOnline} />
        <span className="row-main">
          <span className="row-title">
            <strong>{other.name}</strong>
            {muted && <span className="hint"> muted</span>}
            {isOnline && <span className="hidden">, online</span>}
          </span>
          <span className="row-preview hint">
            {mine && "You: "}
            {preview}
          </span>
        </span>
        <span className="row-side hint">
          {lastMessage && shortTime(lastMessage.sentAtMs)}
          {unread > 0 && (
            <span className="count">
              {unread}
              <span className="hidden"> unread</span>
            </span>
          )}
        </span>
      </Link>
    </li>
  );
}

function NoThread({ wanted, loaded }: { wanted: string | null; loaded: boolean }) {
  return (
    <section className="thread card" aria-label="Conversation">
      {wanted === null && <Blank title="Choose a conversation, or find a person." />}
      {wanted !== null && !loaded && <Waiting what="Fetching the conversation…" />}
      {wanted !== null && loaded && (
        <Blank title="This conversation is empty, or not one of yours.">
          <Link to={{ page: "messages", conversationId: null }} className="button">
            To the conversations
          </Link>
        </Blank>
      )}
    </section>
  );
}
