/** Limits that both sides know. Each is enforced by the server with a typed error and documented in docs/SPEC.md. */
export const limits = {
  /** Bytes of one socket message; a longer one is refused with PAYLOAD_TOO_LARGE. */
  messageBytes: 65_536,
  /** Bytes of one socket message that the transport takes at all; a longer one closes the connection. */
  transportBytes: 1_048_576,
  /** Bytes of one REST body. */
  restBodyBytes: 16_384,
  /** Characters. */
  userName: 40,
  password: 200,
  passwordMin: 8,
  topic: 80,
  messageText: 4_000,
  /** How long after its sending a message may be edited by its sender. */
  messageEditMs: 86_400_000,
  /** How long after its sending a message may be deleted for everybody by its sender. */
  messageDeleteMs: 172_800_000,
  /** Different reactions of one person to one message. */
  reactions: 5,
  /** For how long somebody counts as typing who said so and does not say so again. */
  typingMs: 6_000,
  /** Pinned messages of one conversation. */
  pins: 50,
  roomText: 500,
  drillText: 500,
  /** Words in one drill. */
  drillWords: 60,
  /** Samples in one drill.frame at 16 kHz: 20 ms is usual, 100 ms at the most. */
  frameSamples: 1_600,
  /** Phones that the reference voice says at once. */
  referencePhones: 40,
  /** The longest reference audio. */
  referenceMs: 120_000,
  /** How far audio may run ahead of the clock, in ms of audio; `speed: "max"` clients wait for `drill.progress`. */
  audioAheadMs: 10_000,
  /** Audio of one attempt. */
  attemptMs: 120_000,
  /** Free speech in one go: a long lesson. */
  speechMs: 14_400_000,
  historyPage: 100,
  /** Days that one look at the progress covers. */
  progressDays: 366,
  /** Attempts whose sounds are counted in it, the newest ones. */
  progressAttempts: 1_000,
  /** Bytes of one page of messages or conversations: it ends early to stay below, so that no page alone makes a slow reader. */
  chatPageBytes: 49_152,
  /** Conversations in one page. */
  chatListPage: 100,
  presenceWatch: 200,
} as const;
