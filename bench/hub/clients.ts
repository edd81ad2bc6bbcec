// The load, in a process of its own: opens sockets that speak just enough of the protocol, and says lines in turn.

/** `token` null: raw uWebSockets.js, which knows neither handshake nor calls. */
export type Order =
  | { kind: "connect"; url: string; sockets: { token: string | null; roomId: string | null }[] }
  | { kind: "say"; perSecond: number; seconds: number }
  | { kind: "close" };
export type Report = { deliveries: number };

const LINE = "I would like to order a coffee, please; could you say that again?";
const sockets: WebSocket[] = [];
let raw = false;
let deliveries = 0;
let calls = 0;

function open(url: string, token: string | null, roomId: string | null): Promise<WebSocket> {
  const address = url.replace("http", "ws") + (token === null ? "" : "/socket.io/?EIO=4&transport=websocket");
  const socket = new WebSocket(address);
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error(`no connection to ${address}`));
    if (token === null) socket.onopen = () => resolve(socket);
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      if (data.startsWith('42["room.event"') || data.startsWith('["room.event"')) deliveries += 1;
      else if (token === null) return;
      else if (data === "2") socket.send("3");
      else if (data[0] === "0") socket.send(`40${JSON.stringify({ token, protocolVersion: 1 })}`);
      else if (data.startsWith("44")) reject(new Error(`refused: ${data}`));
      else if (data.startsWith("40")) {
        if (roomId === null) resolve(socket);
        else socket.send(`421${JSON.stringify(["room.join", { roomId }])}`);
      } else if (data.startsWith("431[")) {
        if (data.includes('"ok":true')) resolve(socket);
        else reject(new Error(`not joined: ${data}`));
      }
    };
  });
}

function say(socket: WebSocket, roomId: string | null): void {
  calls += 1;
  const line = { roomId: roomId ?? undefined, text: LINE };
  socket.send(raw ? JSON.stringify(line) : `42${(calls % 1000) + 10}${JSON.stringify(["room.say", line])}`);
}

let rooms: (string | null)[] = [];

async function obey(order: Order): Promise<Report> {
  if (order.kind === "close") {
    for (const socket of sockets.splice(0)) socket.close();
    rooms = [];
  } else if (order.kind === "connect") {
    for (const { token, roomId } of order.sockets) {
      raw = token === null;
      sockets.push(await open(order.url, token, roomId));
      rooms.push(roomId);
    }
  } else {
    deliveries = 0;
    const startedAt = performance.now();
    const total = order.perSecond * order.seconds;
    for (let said = 0; said < total; ) {
      const due = Math.min(total, ((performance.now() - startedAt) / 1000) * order.perSecond);
      for (; said < due; said += 1) {
        const turn = said % sockets.length;
        say(sockets[turn] as WebSocket, rooms[turn] ?? null);
      }
      await new Promise((wake) => setTimeout(wake, 5));
    }
    // What is still under way arrives within this time, or it is lost and shows in the count.
    await new Promise((wake) => setTimeout(wake, 1_000));
  }
  return { deliveries };
}

process.on("message", (order: Order) => {
  obey(order).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
