import { randomUUID } from "node:crypto";
import { type ConnectionState, ParlanceError, type RoomLink } from "#client";
import {
  type Audience,
  type CallName,
  calls,
  errors,
  type Publisher,
  type PushName,
  type PushPayload,
} from "#protocol";
import { AppError } from "../../src/lib/app-error.ts";
import type { RoomCall, RoomService } from "../../src/rooms/room-service.ts";

/**
 * Connections without sockets: pushes and calls cross as JSON, one turn of the event loop later, in order. It can lose pushes
 * and cut connections at will, which a real socket does only by chance.
 */
export class RoomHub implements Publisher {
  readonly #links = new Map<string, HubLink>();
  readonly #subscribed = new Map<string, Set<string>>();
  /** Asked for each push to each connection: true loses it. */
  lose: (name: PushName) => boolean = () => false;

  publish<P extends PushName>(to: Audience, name: P, payload: PushPayload<P>): void {
    const json = JSON.stringify(payload);
    const receivers =
      "connection" in to ? [to.connection] : "room" in to ? [...(this.#subscribed.get(to.room) ?? [])] : [];
    for (const id of receivers) if (!this.lose(name)) this.#links.get(id)?.deliver(name, json);
  }

  async subscribe(connectionId: string, room: string): Promise<void> {
    const members = this.#subscribed.get(room) ?? new Set();
    this.#subscribed.set(room, members.add(connectionId));
  }

  async unsubscribe(connectionId: string, room: string): Promise<void> {
    this.#subscribed.get(room)?.delete(connectionId);
  }

  connect(rooms: RoomService, user: { id: string; name: string }, capabilities: Record<string, unknown> = {}): HubLink {
    const link = new HubLink(rooms, user, capabilities, (id, to) => {
      if (to) this.#links.set(id, to);
      else this.#links.delete(id);
      if (!to) for (const members of this.#subscribed.values()) members.delete(id);
    });
    link.reconnect();
    return link;
  }
}

export class HubLink implements RoomLink {
  readonly #rooms: RoomService;
  readonly #user: { id: string; name: string };
  readonly #capabilities: Record<string, unknown>;
  readonly #register: (id: string, link: HubLink | undefined) => void;
  readonly #listeners = new Map<string, Set<(payload: never) => void>>();
  readonly #stateListeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { kind: "connecting" };
  /** All calls that were made, in order. */
  readonly called: CallName[] = [];
  connectionId = "";

  constructor(
    rooms: RoomService,
    user: { id: string; name: string },
    capabilities: Record<string, unknown>,
    register: (id: string, link: HubLink | undefined) => void,
  ) {
    this.#rooms = rooms;
    this.#user = user;
    this.#capabilities = capabilities;
    this.#register = register;
  }

  /** The socket breaks: what is under way gets no answer. */
  cut(): void {
    const id = this.connectionId;
    this.connectionId = "";
    this.#register(id, undefined);
    this.#enter({ kind: "reconnecting" });
    this.#rooms.disconnected(id);
  }

  reconnect(): void {
    this.connectionId = randomUUID();
    this.#register(this.connectionId, this);
    const ready = {
      user: { ...this.#user, kind: "guest" as const, role: "member" as const },
      connectionId: this.connectionId,
      protocolVersion: 1,
      serverTimeMs: 0,
      expiresAtMs: 0,
      routerRtpCapabilities: this.#capabilities,
    };
    this.#enter({ kind: "connected", ready });
  }

  deliver(name: PushName, json: string): void {
    const id = this.connectionId;
    setImmediate(() => {
      if (id !== this.connectionId) return;
      for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(JSON.parse(json) as never);
    });
  }

  readonly on: RoomLink["on"] = (name, listener) => {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener as never));
    return () => listeners.delete(listener as never);
  };

  readonly onState: RoomLink["onState"] = (listener) => {
    this.#stateListeners.add(listener);
    listener(this.#state);
    return () => this.#stateListeners.delete(listener);
  };

  readonly ready: RoomLink["ready"] = async () => {
    if (this.#state.kind !== "connected") throw failure("UNAVAILABLE");
    return this.#state.ready;
  };

  readonly call: RoomLink["call"] = async (name, input) => {
    const id = this.connectionId;
    if (id === "") throw failure("UNAVAILABLE");
    this.called.push(name);
    const actor = { userId: this.#user.id, name: this.#user.name, connectionId: id };
    let answer: string;
    try {
      const request = calls[name].request.parse(JSON.parse(JSON.stringify(input)));
      const reply = await this.#rooms.invoke(name as RoomCall, actor, request as never);
      calls[name].reply.parse(reply);
      answer = JSON.stringify(reply);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      await turn();
      if (id !== this.connectionId) throw failure("UNAVAILABLE");
      throw failure(error.code, error.message);
    }
    await turn();
    if (id !== this.connectionId) throw failure("UNAVAILABLE");
    return JSON.parse(answer);
  };

  #enter(state: ConnectionState): void {
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function failure(code: keyof typeof errors, message: string = errors[code].message): ParlanceError {
  return new ParlanceError({ code, message, retryable: errors[code].retryable });
}
