export type RtpPacket = { payload: Uint8Array; sequenceNumber: number; timestamp: number };

/**
 * Reads an RTP packet (RFC 3550, 5.1): the payload without header extensions and padding. Undefined when it is cut short,
 * of another version, or holds no payload. The payload is a view into `packet`.
 */
export function parseRtpPacket(packet: Uint8Array): RtpPacket | undefined {
  if (packet.length < 12) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const first = view.getUint8(0);
  if (first >> 6 !== 2) return undefined;
  let start = 12 + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (packet.length < start + 4) return undefined;
    start += 4 + view.getUint16(start + 2) * 4;
  }
  const end = packet.length - (first & 0x20 ? view.getUint8(packet.length - 1) : 0);
  if (end <= start) return undefined;
  return {
    payload: packet.subarray(start, end),
    sequenceNumber: view.getUint16(2),
    timestamp: view.getUint32(4),
  };
}
