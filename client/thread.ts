import type { Conversation, Message, PublicUser } from "#protocol";

/** Messages that stay when nobody looks at the thread any more. */
const KEPT = 50;

/**
 * What one client knows of a conversation: an unbroken run of messages, the newest ones. It never holds a gap or a message
 * twice, whatever comes in which order: what does not join on is left to be fetched.
 */
export class Thread {
  readonly id: string;
  readonly members: readonly PublicUser[];
  #messages: readonly Message[] = [];
  #readSeq: Readonly<Record<string, number>> = {};
  /** Newest seq that is known to exist. */
  #knownSeq = 0;

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

  /** Whether earlier messages exist than those held. */
  get hasOlder(): boolean {
    return (this.#messages[0]?.seq ?? this.#knownSeq + 1) > 1;
  }

  /** Takes in what the server said of the conversation, now or a while ago. */
  merge({ lastSeq, lastMessage, readSeq }: Conversation): void {
    if (lastMessage && (this.#messages.length === 0 || lastMessage.seq === this.lastSeq + 1)) this.#append(lastMessage);
    this.#knownSeq = Math.max(this.#knownSeq, lastSeq);
    for (const [userId, seq] of Object.entries(readSeq)) this.read(userId, seq);
  }

  /** Messages as they came by a push, a reply or a page; in ascending order. */
  add(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#knownSeq = Math.max(this.#knownSeq, message.seq);
      // Nothing is known of what was before the first message one hears of: the run starts there.
      if (message.seq === this.lastSeq + 1 || this.#messages.length === 0) this.#append(message);
      else this.read(message.senderId, message.seq);
    }
  }

  /** A page that ends right before the first message held. */
  addOlder(messages: readonly Message[]): void {
    if (this.#messages.length === 0) this.add(messages);
    const first = this.#messages[0]?.seq ?? 0;
    const older = messages.filter((message) => message.seq < first);
    if (older.length > 0 && older.at(-1)?.seq === first - 1) this.#messages = [...older, ...this.#messages];
  }

  /** Starts a new run, where catching up would take too long: what was before can be paged back to. */
  restart(messages: readonly Message[]): void {
    if ((messages.at(-1)?.seq ?? 0) <= this.lastSeq) return;
    this.#messages = [];
    this.add(messages);
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

  #append(message: Message): void {
    this.#messages = [...this.#messages, message];
    // Who writes has read what was there; the server moves the mark likewise.
    this.read(message.senderId, message.seq);
  }
}
