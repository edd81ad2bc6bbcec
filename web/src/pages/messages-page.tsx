import { useEffect, useMemo, useState } from "react";
import type { Conversations, ConversationView } from "#client";
import { limits, type PublicUser } from "#protocol";
import { Avatar } from "../parts/avatar.tsx";
import { Composer } from "../parts/composer.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { Blank, Failure, Waiting } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonFinder } from "../parts/person-finder.tsx";
import { type Bubble, ThreadLog } from "../parts/thread-log.tsx";
import { navigate, useRoute } from "../router.ts";
import { useServices, useStore } from "../services.tsx";
import { codeInWords, shortTime } from "../words.ts";

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
        {open ? <Thread key={open.id} conversation={open} /> : <NoThread wanted={conversationId} loaded={loaded} />}
      </div>
    </>
  );
}

function Row({ id, members, lastMessage, outgoing, unread }: ConversationView) {
  const { user, online } = useServices();
  const onlineIds = useStore(online);
  const other = otherOf(members, user.id);
  const route = useRoute();
  const preview = outgoing.at(-1)?.text ?? lastMessage?.text ?? "No messages yet";
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

function Thread({ conversation }: { conversation: ConversationView }) {
  const { conversations, user, online } = useServices();
  const isOnline = useStore(online);
  const [error, setError] = useState<unknown>();
  const { id, members, messages, unread, older } = conversation;
  const other = otherOf(members, user.id);
  const bubbles = useMemo(
    () => bubblesOf(conversation, user.id, conversations),
    [conversation, user.id, conversations],
  );

  useEffect(() => conversations.watch(id), [conversations, id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new message is read once the page is on the screen
  useEffect(() => {
    const mark = () => {
      if (document.visibilityState === "visible" && unread > 0) conversations.markRead(id);
    };
    mark();
    document.addEventListener("visibilitychange", mark);
    return () => document.removeEventListener("visibilitychange", mark);
  }, [conversations, id, unread, messages]);

  const send = (text: string) => {
    try {
      conversations.send(id, text);
      setError(undefined);
    } catch (problem) {
      setError(problem);
    }
  };

  return (
    <section className="thread card" aria-label={`Conversation with ${other.name}`}>
      <header className="thread-head">
        <Link
          to={{ page: "messages", conversationId: null }}
          className="button button-round button-quiet only-phone"
          aria-label="Back to the conversations"
        >
          <Icon name="back" />
        </Link>
        <Avatar name={other.name} online={isOnline.has(other.id)} />
        <div>
          <h2>{other.name}</h2>
          <p className="hint">{isOnline.has(other.id) ? "online" : "offline"}</p>
        </div>
      </header>
      <ThreadLog
        label={`Messages with ${other.name}`}
        bubbles={bubbles}
        older={
          older === "none"
            ? undefined
            : { load: () => conversations.loadOlder(id).catch(setError), busy: older === "loading" }
        }
      />
      {error ? <Failure error={error} /> : null}
      <Composer label={`Write to ${other.name}`} max={limits.messageText} onSend={send} />
    </section>
  );
}

/** The thread as bubbles; only one's newest message says how far it has come. */
function bubblesOf(
  { id, messages, outgoing, readSeq, members }: ConversationView,
  me: string,
  conversations: Conversations,
): Bubble[] {
  const lastMine = messages.findLast(({ senderId }) => senderId === me);
  const read = readSeq[otherOf(members, me).id] ?? 0;
  const stored = messages.map(
    (message): Bubble => ({
      key: message.clientId,
      text: message.text,
      mine: message.senderId === me,
      atMs: message.sentAtMs,
      ...(message === lastMine && { note: message.seq <= read ? "· Read" : "· Sent" }),
    }),
  );
  const waiting = outgoing.map((message): Bubble => {
    const { clientId, text, status, error } = message;
    if (status === "sending") return { key: clientId, text, mine: true, note: "On its way…" };
    const why = error ? codeInWords(error) : "";
    return {
      key: clientId,
      text,
      mine: true,
      note: `Not sent. ${why}`,
      onRetry: () => conversations.retry(id, clientId),
    };
  });
  return [...stored, ...waiting];
}

function otherOf(members: readonly PublicUser[], me: string): PublicUser {
  return members.find(({ id }) => id !== me) ?? { id: "", name: "Nobody" };
}
