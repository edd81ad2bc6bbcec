import { App } from "uWebSockets.js";
import { createServer } from "node:http";
import { Server } from "socket.io";

// The programs that Parlance is compared with: a room that hands each line on to everybody in it, and nothing else.
// `peer.ts socketio` is socket.io on ws, `peer.ts raw` is uWebSockets.js by itself. Prints its address once it listens.

/** The frame that Parlance sends for the same line, with as many bytes of ids. */
function said(seq: number, text: string) {
  const id = "0b5a2d9e-6f0c-4c5e-9d5e-1c2f3a4b5c6d";
  return {
    roomId: id,
    epoch: id,
    seq,
    event: { type: "said", peerId: id, name: "Speaker 17", text, atMs: Date.now() },
  };
}

function startSocketIo(): void {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, maxHttpBufferSize: 65_536 });
  let seq = 0;
  io.on("connection", (socket) => {
    socket.join("room");
    socket.on("room.say", ({ text }: { text: string }, acknowledge: (reply: object) => void) => {
      seq += 1;
      io.to("room").emit("room.event", said(seq, text));
      acknowledge({ ok: true, data: { seq } });
    });
  });
  http.listen(0, "127.0.0.1", () => {
    const address = http.address() as { port: number };
    console.log(`ready at http://127.0.0.1:${address.port}`);
  });
}

function startRaw(): void {
  let seq = 0;
  const app = App();
  const port = 20_000 + (process.pid % 20_000);
  app
    .ws("/*", {
      open: (socket) => {
        socket.subscribe("room");
      },
      message: (socket, bytes) => {
        const { text } = JSON.parse(Buffer.from(bytes).toString()) as { text: string };
        seq += 1;
        app.publish("room", JSON.stringify(["room.event", said(seq, text)]));
        socket.send(JSON.stringify({ ok: true, data: { seq } }));
      },
    })
    .listen("127.0.0.1", port, () => console.log(`ready at http://127.0.0.1:${port}`));
}

if (process.argv[2] === "raw") startRaw();
else startSocketIo();
