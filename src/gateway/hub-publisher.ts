import type { Server } from "socket.io";
import type { Audience, Publisher, PushName, PushPayload } from "#protocol";
import { channels, type GatewaySocket } from "./connection-state.ts";
import type { HubMetrics } from "./hub-metrics.ts";

/** uWebSockets.js' `publish`: to all sockets that are subscribed to a topic. */
export type NativePublish = (topic: string, frame: string) => void;

/**
 * Pushes by socket.io, whose adapter carries them to other nodes. Of what one node publishes, everything arrives in order:
 * subscriptions, pushes and ends.
 */
export class HubPublisher implements Publisher {
  readonly #io: Server;
  readonly #metrics: HubMetrics;
  readonly #native: NativePublish | undefined;

  /**
   * @param native given where there are no other nodes: pushes to users and rooms then go straight to it. socket.io's own
   *   broadcast does the same and then walks all sockets of the room for one that is still polling, of which we have none;
   *   in a room of 200 that walk was a tenth of the cost of a delivery.
   */
  constructor(io: Server, metrics: HubMetrics, native?: NativePublish) {
    this.#io = io;
    this.#metrics = metrics;
    this.#native = native;
  }

  publish<P extends PushName>(to: Audience, name: P, payload: PushPayload<P>): void {
    this.#metrics.pushes.inc({ name });
    if ("connection" in to) {
      // Without this the adapter would also ask every other node.
      const local = this.#local(to.connection);
      if (local) (local as { emit(name: string, payload: unknown): boolean }).emit(name, payload);
      else this.#io.to(to.connection).emit(name, payload);
      return;
    }
    const channel = "user" in to ? channels.user(to.user) : channels.room(to.room);
    // The topic that socket.io subscribes its sockets to, and engine.io's 4 (message) with socket.io's 2 (event).
    if (this.#native) this.#native(`/\x1f${channel}`, `42${JSON.stringify([name, payload])}`);
    else this.#io.to(channel).emit(name, payload);
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
