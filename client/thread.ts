import type { Conversation, Message, PublicUser } from "#protocol";

/** Messages that stay when nobody looks at the thread any more. */
const KEPT = 50;

/**
 * What one client knows of a conversation: an unbroken run of messages, the newest ones. It never holds a gap or a message
 * twice, whatever comes in which order: what does not join on is left to be fetched. Nor does it hold a message as it was
 * before a change up to `version`: what comes from an earlier time takes `version` back to then, and what changed since
 * is left to be fetched too.
 */
export class Thread {
  readonly id: string;
  readonly members: readonly PublicUser[];
  /** Whether one has muted it, as was told last. */
  muted = false;
  #messages: readonly Message[] = [];
  #readSeq: Readonly<Record<string, number>> = {};
  /** Newest seq that is known to exist. */
  #knownSeq = 0;
  #version = 0;
  /** Newest version that is known to exist. */
  #knownVersion = 0;

  constructor(conversation: Conversation) {
    this.id = conversation.id;
    this.members = conversation.members;
    this.merge(conversation);
  }

  /** Ascending, without gaps. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  get readSeq(): Readonly<Record<string, number>> {
    return this.#readSeq;
  }

  get knownSeq(): number {
    return this.#knownSeq;
  }

  /** seq of the newest message that is held. */
  get lastSeq(): number {
    return this.#messages.at(-1)?.seq ?? 0;
  }

  /** Whether newer messages exist than those held. */
  get behind(): boolean {
    return this.#knownSeq > this.lastSeq;
  }

  /** All changes up to it are in the messages held. */
  get version(): number {
    return this.#version;
  }

  get knownVersion(): number {
    return this.#knownVersion;
  }

  /** Whether messages held may have changed since. */
  get outdated(): boolean {
    return this.#knownVersion > this.#version;
  }

  /** Whether earlier messages exist than those held. */
  get hasOlder(): boolean {
    return (this.#messages[0]?.seq ?? this.#knownSeq + 1) > 1;
  }

  /** Takes in what the server said of the conversation, now or a while ago. */
  merge({ lastSeq, lastMessage, readSeq, version, muted }: Conversation): void {
    this.muted = muted;
    if (lastMessage) this.#take(lastMessage, version);
    this.#knownVersion = Math.max(this.#knownVersion, version);
    this.#knownSeq = Math.max(this.#knownSeq, lastSeq);
    for (const [userId, seq] of Object.entries(readSeq)) this.read(userId, seq);
  }

  /** Messages as they were at that version or later, by a push, a reply or a page; in ascending order. */
  add(messages: readonly Message[], version: number): void {
    this.#knownVersion = Math.max(this.#knownVersion, version);
    for (const message of messages) {
      this.#knownSeq = Math.max(this.#knownSeq, message.seq);
      this.#take(message, version);
    }
  }

  /** A page that ends right before the first message held, as it was at that version or later. */
  addOlder(messages: readonly Message[], version: number): void {
    if (this.#messages.length === 0) this.add(messages, version);
    const first = this.#messages[0]?.seq ?? 0;
    const older = messages.filter((message) => message.seq < first);
    if (older.length === 0 || older.at(-1)?.seq !== first - 1) return;
    this.#messages = [...older, ...this.#messages];
    this.#version = Math.min(this.#version, version);
  }

  /**
   * Starts a new run, where catching up would take too long: what was before can be paged back to. Ignored where it is
   * older than what is held.
   */
  restart(messages: readonly Message[], version: number): void {
    const seq = messages.at(-1)?.seq ?? 0;
    if (seq < this.lastSeq || (seq === this.lastSeq && version <= this.#version)) return;
    this.#messages = [];
    this.add(messages, version);
  }

  /** A message as a change has left it; nothing else changed from `afterVersion` up to its version. */
  change(message: Message, afterVersion: number): void {
    this.changes([message], { afterVersion, version: message.version });
    this.#knownSeq = Math.max(this.#knownSeq, message.seq);
  }

  /** All messages that changed after `afterVersion` and up to `version`. */
  changes(messages: readonly Message[], { afterVersion, version }: { afterVersion: number; version: number }): void {
    for (const message of messages) this.#update(message);
    this.#knownVersion = Math.max(this.#knownVersion, version);
    if (this.#version >= afterVersion) this.#version = Math.max(this.#version, version);
  }

  /** Nobody looks at it: the newest messages are enough. */
  trim(): void {
    this.#messages = this.#messages.slice(-KEPT);
  }

  /** Whether the mark moved; it never moves back. */
  read(userId: string, seq: number): boolean {
    if ((this.#readSeq[userId] ?? 0) >= seq) return false;
    this.#readSeq = { ...this.#readSeq, [userId]: seq };
    return true;
  }

  #take(message: Message, version: number): void {
    const empty = this.#messages.length === 0;
    if (message.seq <= this.lastSeq) this.#update(message);
    // Nothing is known of what was before the first message one hears of: the run starts there.
    else if (empty || message.seq === this.lastSeq + 1) this.#messages = [...this.#messages, message];
    if (empty) this.#version = version;
    else if (this.#messages.at(-1) === message) this.#version = Math.min(this.#version, version);
    // Who writes has read what was there; the server moves the mark likewise.
    this.read(message.senderId, message.seq);
  }

  #update(message: Message): void {
    const at = this.#messages.findIndex((held) => held.seq === message.seq);
    const held = this.#messages[at];
    if (held && held.version < message.version) this.#messages = this.#messages.with(at, message);
  }
}
