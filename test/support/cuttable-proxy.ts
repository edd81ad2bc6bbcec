import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export type CuttableProxy = {
  /** In place of the server's own. */
  url: string;
  /** Breaks every connection through it without a goodbye, as a network does; new ones pass. */
  cut(): void;
  /** No connection passes until `restore()`; those there are break. */
  block(): void;
  restore(): void;
  /** Idempotent. */
  close(): Promise<void>;
};

/** A TCP relay in front of a server, whose connections a test can cut. */
export async function cuttableProxy(url: string): Promise<CuttableProxy> {
  const { hostname, port } = new URL(url);
  const pairs = new Set<Socket>();
  let blocked = false;
  const server: Server = createServer((near) => {
    if (blocked) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      pairs.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        pairs.delete(one);
        other.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of pairs) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut,
    block() {
      blocked = true;
      cut();
    },
    restore() {
      blocked = false;
    },
    async close() {
      if (!server.listening) return;
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
