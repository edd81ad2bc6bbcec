import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import fc from "fast-check";
import { listenAddresses } from "../../src/media/listen-addresses.ts";
import { parseRtpPacket } from "../../src/media/rtp-packet.ts";
import { iceServers, TURN_CREDENTIAL_MS } from "../../src/rooms/ice-servers.ts";

test("[ROOM-19] an RTP packet is read whatever extensions, contributors and padding it carries", () => {
  const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 0, max: 15 }),
      fc.option(fc.integer({ min: 0, max: 5 })),
      fc.integer({ min: 0, max: 20 }),
      bytes(200, 1),
      (sequenceNumber, timestamp, contributors, extensionWords, padding, payload) => {
        const head = Buffer.alloc(12 + contributors * 4);
        head[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extensionWords === null ? 0 : 0x10) | contributors;
        head.writeUInt16BE(sequenceNumber, 2);
        head.writeUInt32BE(timestamp, 4);
        const extension = Buffer.alloc(extensionWords === null ? 0 : 4 + extensionWords * 4, 7);
        if (extensionWords !== null) extension.writeUInt16BE(extensionWords, 2);
        const tail = Buffer.alloc(padding);
        if (padding > 0) tail[padding - 1] = padding;
        const packet = parseRtpPacket(Buffer.concat([head, extension, payload, tail]));
        assert.deepEqual(packet && { ...packet, payload: [...packet.payload] }, {
          sequenceNumber,
          timestamp,
          payload: [...payload],
        });
      },
    ),
  );
});

test("[ROOM-19] bytes that are no RTP packet are refused, never read out of bounds", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const packet = parseRtpPacket(bytes);
      assert.ok(packet === undefined || (packet.payload.length > 0 && packet.payload.length <= bytes.length - 12));
    }),
  );
});

test("[ROOM-16] TURN credentials carry their end and the user, signed with the shared secret", () => {
  const secret = "a-secret-that-is-long-enough-for-coturn";
  const urls = ["stun:turn.example:3478", "turn:turn.example:3478?transport=udp", "turns:turn.example:5349"];
  const [stun, turn] = iceServers({ urls, secret }, "user-1", 1_000_000);
  assert.deepEqual(stun, { urls: ["stun:turn.example:3478"] });
  const username = `${(1_000_000 + TURN_CREDENTIAL_MS) / 1000}:user-1`;
  assert.deepEqual(turn, {
    urls: urls.slice(1),
    username,
    credential: createHmac("sha1", secret).update(username).digest("base64"),
  });
  assert.deepEqual(iceServers({ urls: [], secret: undefined }, "user-1"), []);
});

test("[ROOM-20] a wildcard listens on each of the machine's own addresses, an announced address stands for all", () => {
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const four = own.filter((entry) => entry.family === "IPv4").map((entry) => entry.address);
  assert.deepEqual(
    listenAddresses("0.0.0.0", undefined)
      .map(({ ip }) => ip)
      .sort(),
    [...new Set(four)].sort(),
  );
  assert.deepEqual(listenAddresses("0.0.0.0", "voice.example"), [{ ip: "0.0.0.0", announcedAddress: "voice.example" }]);
  assert.deepEqual(listenAddresses("192.0.2.9", undefined), [{ ip: "192.0.2.9" }]);
});
