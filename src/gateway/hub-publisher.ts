import type { Server } from "socket.io";
import type { Audience, Publisher, PushName, PushPayload } from "#protocol";
import { channels, type GatewaySocket } from "./connection-state.ts";
import type { HubMetrics } from "./hub-metrics.ts";

/**
 * Pushes by socket.io, whose adapter carries them to other nodes. To a user or a room it is one native publish, without
 * walking the sockets. Of what one node publishes, everything arrives in order: subscriptions, pushes and ends.
 */
export class HubPublisher implements Publisher {
  readonly #io: Server;
  readonly #metrics: HubMetrics;

  constructor(io: Server, metrics: HubMetrics) {
    this.#io = io;
    this.#metrics = metrics;
  }

  publish<P extends PushName>(to: Audience, name: P, payload: PushPayload<P>): void {
    this.#metrics.pushes.inc({ name });
    if ("connection" in to) {
      // Without this the adapter would also ask every other node.
      const local = this.#local(to.connection);
      if (local) (local as { emit(name: string, payload: unknown): boolean }).emit(name, payload);
      else this.#io.to(to.connection).emit(name, payload);
    } else {
      this.#io.to("user" in to ? channels.user(to.user) : channels.room(to.room)).emit(name, payload);
    }
  }

  async subscribe(connectionId: string, room: string): Promise<void> {
    const local = this.#local(connectionId);
    if (local) await local.join(channels.room(room));
    else this.#io.in(connectionId).socketsJoin(channels.room(room));
  }

  async unsubscribe(connectionId: string, room: string): Promise<void> {
    const local = this.#local(connectionId);
    if (local) await local.leave(channels.room(room));
    else this.#io.in(connectionId).socketsLeave(channels.room(room));
  }

  #local(connectionId: string): GatewaySocket | undefined {
    return this.#io.sockets.sockets.get(connectionId) as GatewaySocket | undefined;
  }
}
