import type { CallReply, Conversation, Message } from "#protocol";
import type { Connection, ConnectionState } from "./connection.ts";
import { type ConversationParts, type ConversationView, viewOf } from "./conversation-view.ts";
import { ParlanceError } from "./errors.ts";
import { type About, Outgoing } from "./outgoing.ts";
import { Thread } from "./thread.ts";
import { Typing } from "./typing.ts";

export type ConversationsSnapshot = {
  /** False until the first list is here. */
  readonly loaded: boolean;
  /** Whether what is shown may be behind: the connection is gone, or what was missed is being fetched. */
  readonly stale: boolean;
  /** The most recently active first. */
  readonly conversations: readonly ConversationView[];
  /** Unread messages in all of them but the muted ones. */
  readonly unread: number;
};

/** What the store needs of a connection. */
export type ConversationsLink = Pick<Connection, "call" | "on" | "onState">;

/** Messages fetched at once. */
const PAGE = 50;
/** Further behind than this, a thread starts anew at its end instead of being caught up message by message. */
const CATCH_UP = 500;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];
/** Pushes are a lossy hint: this often the list is compared with the server's even when nothing seems missing. */
const COMPARE_MS = 60_000;

type Entry = ConversationParts & { view: ConversationView; watchers: number };

/**
 * One's private messages on one connection, through its reconnects: it notices what it missed and fetches it, and sends
 * what one writes until it is stored, once. Use `subscribe` and `snapshot` with React's useSyncExternalStore.
 */
export class Conversations {
  readonly #link: ConversationsLink;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();
  readonly #stops: (() => void)[];
  /** Marks that the server has not confirmed yet. */
  readonly #marks = new Map<string, number>();
  #snapshot: ConversationsSnapshot = { loaded: false, stale: true, conversations: [], unread: 0 };
  #me: string | undefined;
  #connected = false;
  /** The server's list must be fetched: after each connect, and when an unknown conversation speaks. */
  #listDue = true;
  /** Whether it was fetched since the last connect. */
  #listed = false;
  #syncing = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(connection: ConversationsLink) {
    this.#link = connection;
    const compare = setInterval(() => {
      this.#listDue = true;
      this.#sync();
    }, COMPARE_MS);
    this.#stops = [
      connection.on("chat.message", ({ message, version }) => this.#receive(message, version)),
      connection.on("chat.changed", ({ message, afterVersion }) => this.#change(message, afterVersion)),
      connection.on("chat.muted", ({ conversationId, muted }) => this.#mute(conversationId, muted)),
      connection.on("chat.typing", ({ conversationId, userId }) => {
        this.#entries.get(conversationId)?.typing.heard(userId);
      }),
      connection.on("chat.read", ({ conversationId, userId, seq }) => {
        const entry = this.#entries.get(conversationId);
        if (entry?.thread.read(userId, seq)) this.#changed(entry);
      }),
      connection.onState((state) => this.#enter(state)),
      () => clearInterval(compare),
    ];
  }

  /** Bound, so that it can be handed on as it is. */
  readonly snapshot = (): ConversationsSnapshot => this.#snapshot;

  /** Calls `listener` on each change; returns how to stop. Bound. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The direct conversation with a person. @throws ParlanceError USER_NOT_FOUND, CANNOT_MESSAGE_SELF, UNAVAILABLE … */
  async open(userId: string): Promise<ConversationView> {
    const { conversation } = await this.#link.call("chat.open", { userId });
    const known = this.#entries.get(conversation.id);
    known?.thread.merge(conversation);
    const entry = known ?? this.#add(new Thread(conversation));
    this.#changed(entry);
    return entry.view;
  }

  /** Somebody looks at a conversation: its last page is fetched and kept complete. Returns how to stop. */
  watch(conversationId: string): () => void {
    const entry = this.#entry(conversationId);
    entry.watchers += 1;
    this.#sync();
    let stopped = false;
    return () => {
      if (stopped) return;
      stopped = true;
      entry.watchers -= 1;
      if (entry.watchers > 0) return;
      entry.thread.trim();
      this.#changed(entry);
    };
  }

  /**
   * Fetches a page of earlier messages; at most one at a time.
   * @throws ParlanceError
   */
  async loadOlder(conversationId: string): Promise<void> {
    const entry = this.#entry(conversationId);
    if (entry.loadingOlder || !entry.thread.hasOlder) return;
    entry.loadingOlder = true;
    this.#changed(entry);
    try {
      await this.#fetchOlder(entry);
    } finally {
      entry.loadingOlder = false;
      this.#changed(entry);
    }
  }

  /**
   * Writes a message, perhaps an answer to one or a correction of one: it is shown as `outgoing` at once and sent as soon and
   * as often as needed.
   * @returns its client id
   * @throws ParlanceError RATE_LIMITED when too many wait already
   */
  send(conversationId: string, text: string, about: About = {}): string {
    const { outgoing, typing } = this.#entry(conversationId);
    typing.sent();
    return outgoing.add(text, about);
  }

  /** Mutes a conversation for oneself, or ends that. @throws ParlanceError UNAVAILABLE … */
  async mute(conversationId: string, on: boolean): Promise<void> {
    await this.#link.call("chat.mute", { conversationId, on });
    this.#mute(conversationId, on);
  }

  /** One has typed something; call it as often as one does. */
  typed(conversationId: string): void {
    this.#entry(conversationId).typing.typed();
  }

  /** @throws ParlanceError MESSAGE_NOT_FOUND, FORBIDDEN, MESSAGE_TOO_OLD, MESSAGE_CORRECTED, UNAVAILABLE … */
  async edit(conversationId: string, seq: number, text: string): Promise<void> {
    const { message, afterVersion } = await this.#link.call("chat.edit", { conversationId, seq, text });
    this.#change(message, afterVersion);
  }

  /** @throws ParlanceError MESSAGE_NOT_FOUND, FORBIDDEN, MESSAGE_TOO_OLD, UNAVAILABLE … */
  async delete(conversationId: string, seq: number, forWhom: "me" | "all"): Promise<void> {
    const { message, afterVersion } = await this.#link.call("chat.delete", { conversationId, seq, for: forWhom });
    this.#change(message, afterVersion);
  }

  /** Puts a reaction on a message or takes it back. @throws ParlanceError MESSAGE_NOT_FOUND, TOO_MANY_REACTIONS, UNAVAILABLE … */
  async react(conversationId: string, seq: number, emoji: string, on: boolean): Promise<void> {
    const { message, afterVersion } = await this.#link.call("chat.react", { conversationId, seq, emoji, on });
    this.#change(message, afterVersion);
  }

  /** @throws ParlanceError MESSAGE_NOT_FOUND, TOO_MANY_PINS, UNAVAILABLE … */
  async pin(conversationId: string, seq: number, on: boolean): Promise<void> {
    const { message, afterVersion } = await this.#link.call("chat.pin", { conversationId, seq, on });
    this.#change(message, afterVersion);
  }

  /** The pinned messages as they are now, ascending. @throws ParlanceError */
  async pins(conversationId: string): Promise<Message[]> {
    const pinned: Message[] = [];
    for (let afterSeq: number | null = 0; afterSeq !== null; ) {
      const page: CallReply<"chat.pins"> = await this.#link.call("chat.pins", { conversationId, afterSeq });
      pinned.push(...page.messages);
      afterSeq = page.next;
    }
    return pinned;
  }

  /** Sends one that failed again. */
  retry(conversationId: string, clientId: string): void {
    this.#entry(conversationId).outgoing.retry(clientId);
  }

  /** Gives one that failed up. */
  discard(conversationId: string, clientId: string): void {
    this.#entry(conversationId).outgoing.discard(clientId);
  }

  /** All that is shown of the conversation was read. */
  markRead(conversationId: string): void {
    const entry = this.#entry(conversationId);
    const seq = entry.thread.lastSeq;
    if (!this.#me || !entry.thread.read(this.#me, seq)) return;
    this.#marks.set(conversationId, seq);
    this.#changed(entry);
    this.#sync();
  }

  /** Idempotent. The connection stays open. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
    for (const { outgoing, typing } of this.#entries.values()) {
      outgoing.close();
      typing.close();
    }
    this.#listeners.clear();
  }

  #enter(state: ConnectionState): void {
    this.#connected = state.kind === "connected";
    this.#listed = false;
    if (state.kind === "connected") {
      this.#me = state.ready.user.id;
      this.#listDue = true;
      this.#attempt = 0;
      for (const { outgoing } of this.#entries.values()) outgoing.wake();
      this.#sync();
    }
    this.#publish();
  }

  #mute(conversationId: string, muted: boolean): void {
    const entry = this.#entries.get(conversationId);
    if (!entry || entry.thread.muted === muted) return;
    entry.thread.muted = muted;
    this.#changed(entry);
  }

  #change(message: Message, afterVersion: number): void {
    const entry = this.#entries.get(message.conversationId);
    entry?.thread.change(message, afterVersion);
    // Where nobody looks, the list is enough: it has the newest message.
    if (!entry || (entry.watchers === 0 && (entry.thread.behind || entry.thread.outdated))) this.#listDue = true;
    if (this.#missing()) this.#sync();
    if (entry) this.#changed(entry);
  }

  #receive(message: Message, version: number): void {
    const entry = this.#entries.get(message.conversationId);
    if (!entry) {
      this.#listDue = true;
      this.#sync();
      return;
    }
    entry.thread.add([message], version);
    entry.typing.stopped(message.senderId);
    // Where nobody looks, the newest message is enough; the others are fetched when somebody does.
    if (entry.watchers === 0 && entry.thread.behind) entry.thread.restart([message], version);
    if (incomplete(entry)) this.#sync();
    this.#changed(entry);
  }

  /** Fetches what is missing, until nothing is or the connection is gone. One at a time. */
  #sync(): void {
    if (this.#syncing || this.#closed || !this.#connected) return;
    this.#syncing = true;
    clearTimeout(this.#timer);
    this.#catchUp().then(
      () => {
        this.#attempt = 0;
        this.#syncing = false;
        this.#publish();
        if (this.#missing()) this.#sync();
      },
      () => {
        this.#syncing = false;
        if (this.#closed || !this.#connected) return;
        this.#timer = setTimeout(() => this.#sync(), RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)]);
        this.#attempt += 1;
      },
    );
  }

  #missing(): boolean {
    return this.#listDue || this.#marks.size > 0 || this.#incomplete().length > 0;
  }

  #incomplete(): Entry[] {
    return [...this.#entries.values()].filter(incomplete);
  }

  async #catchUp(): Promise<void> {
    if (this.#listDue) {
      this.#listDue = false;
      try {
        await this.#fetchList();
      } catch (error) {
        this.#listDue = true;
        throw error;
      }
    }
    for (const entry of this.#incomplete()) {
      if (entry.thread.behind) await this.#fetchNewer(entry);
      else if (entry.thread.outdated) await this.#fetchChanges(entry);
      else await this.#fetchOlder(entry);
      this.#changed(entry);
    }
    for (const [conversationId, seq] of [...this.#marks]) {
      await this.#link.call("chat.markRead", { conversationId, seq }).catch((error) => {
        if (!(error instanceof ParlanceError) || error.retryable) throw error;
      });
      if (this.#marks.get(conversationId) === seq) this.#marks.delete(conversationId);
    }
  }

  async #fetchList(): Promise<void> {
    let cursor: string | null | undefined;
    do {
      const page = await this.#link.call("chat.list", cursor ? { cursor } : {});
      for (const conversation of page.conversations) this.#mergeListed(conversation);
      cursor = page.next;
      if (cursor === null) this.#listed = true;
      this.#publish();
    } while (cursor !== null);
  }

  #mergeListed(conversation: Conversation): void {
    const known = this.#entries.get(conversation.id);
    known?.thread.merge(conversation);
    const entry = known ?? this.#add(new Thread(conversation));
    const { thread, watchers } = entry;
    const { lastMessage, version } = conversation;
    if ((thread.behind || thread.outdated) && watchers === 0 && lastMessage) thread.restart([lastMessage], version);
    this.#render(entry);
  }

  async #fetchNewer({ thread }: Entry): Promise<void> {
    const { id: conversationId, lastSeq, knownSeq } = thread;
    const tooFar = knownSeq - lastSeq > CATCH_UP;
    const range = tooFar ? { limit: PAGE } : { afterSeq: lastSeq, limit: PAGE };
    const { messages, version } = await this.#link.call("chat.history", { conversationId, ...range });
    if (tooFar) thread.restart(messages, version);
    else thread.add(messages, version);
    if (thread.lastSeq === lastSeq) throw new Error("the server knows of messages that it does not give");
  }

  async #fetchChanges({ thread }: Entry): Promise<void> {
    const { id: conversationId, version: afterVersion, knownVersion } = thread;
    if (knownVersion - afterVersion > CATCH_UP) {
      const { messages, version } = await this.#link.call("chat.history", { conversationId, limit: PAGE });
      thread.restart(messages, version);
    } else {
      const { messages, version } = await this.#link.call("chat.changes", {
        conversationId,
        afterVersion,
        limit: PAGE,
      });
      thread.changes(messages, { afterVersion, version });
    }
    if (thread.version <= afterVersion) throw new Error("the server knows of changes that it does not give");
  }

  async #fetchOlder({ thread }: Entry): Promise<void> {
    const beforeSeq = thread.messages[0]?.seq ?? thread.knownSeq + 1;
    const input = { conversationId: thread.id, beforeSeq, limit: PAGE };
    const { messages, version } = await this.#link.call("chat.history", input);
    thread.addOlder(messages, version);
    const first = thread.messages[0]?.seq ?? beforeSeq;
    if (thread.hasOlder && first >= beforeSeq) throw new Error("an earlier page did not join on");
  }

  #entry(conversationId: string): Entry {
    const entry = this.#entries.get(conversationId);
    if (entry) return entry;
    throw new ParlanceError({ code: "CONVERSATION_NOT_FOUND", message: "No such conversation.", retryable: false });
  }

  #add(thread: Thread): Entry {
    const conversationId = thread.id;
    const outgoing = new Outgoing({
      send: (draft) => this.#link.call("chat.send", { conversationId, ...draft }),
      connected: () => this.#connected,
      stored: (message, version) => this.#receive(message, version),
      changed: () => this.#changed(entry),
    });
    const typing = new Typing({
      // Lossy by nature: an announcement that fails is followed by the next one.
      announce: () => void (this.#connected && this.#link.call("chat.typing", { conversationId }).catch(() => {})),
      changed: () => this.#changed(entry),
    });
    const parts = { thread, outgoing, typing, loadingOlder: false };
    const entry: Entry = { ...parts, view: viewOf(parts, this.#me), watchers: 0 };
    this.#entries.set(conversationId, entry);
    return entry;
  }

  #changed(entry: Entry): void {
    this.#render(entry);
    this.#publish();
  }

  #render(entry: Entry): void {
    const { thread, outgoing } = entry;
    if (outgoing.items.length > 0) {
      const mine = thread.messages.filter((message) => message.senderId === this.#me);
      outgoing.settle(new Set(mine.map((message) => message.clientId)), thread.lastSeq);
    }
    entry.view = viewOf(entry, this.#me);
  }

  #publish(): void {
    if (this.#closed) return;
    const views = [...this.#entries.values()].map((entry) => entry.view).sort(byActivity);
    this.#snapshot = {
      loaded: this.#snapshot.loaded || this.#listed,
      stale: !this.#connected || !this.#listed || this.#incomplete().length > 0,
      conversations: views,
      unread: views.reduce((sum, view) => sum + (view.muted ? 0 : view.unread), 0),
    };
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether somebody looks at it, and messages or changes are missing after those held, or before them on the first page. */
function incomplete({ thread, watchers }: Entry): boolean {
  return watchers > 0 && (thread.behind || thread.outdated || (thread.hasOlder && thread.messages.length < PAGE));
}

function byActivity(a: ConversationView, b: ConversationView): number {
  const at = (view: ConversationView) => view.lastMessage?.sentAtMs ?? Number.POSITIVE_INFINITY;
  return at(b) - at(a) || (a.id < b.id ? -1 : 1);
}
