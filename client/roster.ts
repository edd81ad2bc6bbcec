import type { CallReply, Peer, Roster as RosterSnapshot, SequencedRoomEvent } from "#protocol";

export type RoomLine = { seq: number; peerId: string; name: string; text: string; atMs: number };

/** Lines of room text that are kept. */
const LINES = 200;

/**
 * Who is in a room, kept by its events. It never shows a state that the server did not have: an event that does not follow the
 * last one is a gap, and changes nothing until what was missed is here.
 */
export class Roster {
  #epoch: string;
  #seq: number;
  #peers: Map<string, Peer>;
  #lines: readonly RoomLine[] = [];

  constructor(snapshot: RosterSnapshot) {
    this.#epoch = snapshot.epoch;
    this.#seq = snapshot.seq;
    this.#peers = new Map(snapshot.peers.map((peer) => [peer.id, peer]));
  }

  /** The last known point, as `room.sync` and `room.resume` want it. */
  get point(): { epoch: string; afterSeq: number } {
    return { epoch: this.#epoch, afterSeq: this.#seq };
  }

  get peers(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  /** The newest lines that people wrote, oldest first. */
  get lines(): readonly RoomLine[] {
    return this.#lines;
  }

  /** "gap" says that events are missing before this one; "known" that it was applied before. */
  apply({ epoch, seq, event }: SequencedRoomEvent): "applied" | "known" | "gap" {
    if (epoch !== this.#epoch) return "gap";
    if (seq <= this.#seq) return "known";
    if (seq !== this.#seq + 1) return "gap";
    this.#seq = seq;
    switch (event.type) {
      case "peerJoined":
      case "peerChanged":
        this.#peers.set(event.peer.id, event.peer);
        break;
      case "peerLeft":
        this.#peers.delete(event.peerId);
        break;
      case "said": {
        const { peerId, name, text, atMs } = event;
        this.#lines = [...this.#lines, { seq, peerId, name, text, atMs }].slice(-LINES);
        break;
      }
      case "closed":
        this.#peers.clear();
        break;
      default:
        event satisfies never;
    }
    return "applied";
  }

  /** Takes in what the server sent for `point`. Lines survive a snapshot of the same epoch. */
  catchUp(sync: CallReply<"room.sync">): void {
    if (sync.kind === "events") {
      for (const event of sync.events) this.apply(event);
      return;
    }
    const { epoch, seq, peers } = sync.roster;
    // A snapshot that is older than what has come in by events since would take the state back.
    if (epoch === this.#epoch && seq < this.#seq) return;
    if (epoch !== this.#epoch) this.#lines = [];
    this.#epoch = epoch;
    this.#seq = seq;
    this.#peers = new Map(peers.map((peer) => [peer.id, peer]));
  }
}
