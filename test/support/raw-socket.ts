import { once } from "node:events";
import { WebSocket } from "ws";
import { PROTOCOL_VERSION, type Reply } from "#protocol";

export type RawEvent = { name: string; payload: unknown };

/**
 * A client of bare WebSocket frames that speaks just enough engine.io and socket.io, for tests of what really arrives and
 * of what no decent client sends. It never reconnects.
 */
export class RawSocket {
  /** Every text frame as it came, pings left out. */
  readonly frames: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly ws: WebSocket;
  #nextAck = 0;
  readonly #waiting = new Set<() => void>();

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on("message", (data, isBinary) => {
      const text = isBinary ? "<binary>" : String(data);
      if (text === "2") ws.send("3");
      else this.frames.push(text);
      for (const wake of [...this.#waiting]) wake();
    });
    ws.on("error", () => {});
    this.closed = new Promise((resolve) => {
      ws.on("close", (code, reason) => {
        resolve({ code, reason: String(reason) });
        for (const wake of [...this.#waiting]) wake();
      });
    });
  }

  /** A WebSocket on which engine.io has opened and nothing was sent. @throws Error when the upgrade is refused */
  static async open(url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const ws = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`, { headers });
    const socket = new RawSocket(ws);
    // Rejects when an error comes first.
    await once(ws, "open");
    await socket.until(() => socket.frames.some((frame) => frame.startsWith("0")));
    return socket;
  }

  /** Opens and authenticates; resolves once `session.ready` came. */
  static async signedIn(url: string, token: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const socket = await RawSocket.open(url, headers);
    socket.connect({ token, protocolVersion: PROTOCOL_VERSION });
    await socket.until(() => socket.events("session.ready").length > 0);
    return socket;
  }

  connect(auth: unknown): void {
    this.send(`40${JSON.stringify(auth)}`);
  }

  send(frame: string | Uint8Array): void {
    this.ws.send(frame);
  }

  /** What the CONNECT packet was refused with. */
  async refusal(): Promise<{ code: string; retryable: boolean; details?: unknown }> {
    await this.until(() => this.frames.some((frame) => frame.startsWith("44")));
    return JSON.parse(this.frames.find((frame) => frame.startsWith("44"))?.slice(2) ?? "").data;
  }

  /** Sends an event with an acknowledgement, `args` as they are, and waits for the answer. */
  async call(name: unknown, ...args: unknown[]): Promise<Reply<Record<string, unknown>>> {
    const id = this.#nextAck++;
    this.send(`42${id}${JSON.stringify([name, ...args])}`);
    const prefix = `43${id}[`;
    await this.until(() => this.frames.some((frame) => frame.startsWith(prefix)));
    return JSON.parse(this.frames.find((frame) => frame.startsWith(prefix))?.slice(prefix.length - 1) ?? "")[0];
  }

  /** This connection's id, as `session.ready` told it. */
  get connectionId(): string {
    const [ready] = this.events("session.ready");
    if (!ready) throw new Error("not signed in");
    return (ready.payload as { connectionId: string }).connectionId;
  }

  /** The payload of the newest push of a name. */
  last(name: string): unknown {
    const event = this.events(name).at(-1);
    if (!event) throw new Error(`no ${name} came; received:\n${this.frames.join("\n")}`);
    return event.payload;
  }

  /** The pushes that came so far, of one name or all. */
  events(name?: string): RawEvent[] {
    return this.frames
      .filter((frame) => frame.startsWith("42["))
      .map((frame) => JSON.parse(frame.slice(2)) as [string, unknown])
      .filter(([event]) => name === undefined || event === name)
      .map(([event, payload]) => ({ name: event, payload }));
  }

  /** @throws Error when the socket closed first, or after 10 s */
  async until(condition: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(10_000);
    while (!condition()) {
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error(`closed; received:\n${this.frames.join("\n")}`);
      if (deadline.aborted) throw new Error(`nothing came; received:\n${this.frames.join("\n")}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(wake, 1_000);
        this.#waiting.add(wake);
      });
    }
  }

  /** Idempotent. */
  close(): void {
    this.ws.terminate();
  }
}
