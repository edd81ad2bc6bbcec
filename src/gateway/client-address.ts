/**
 * What a client is counted under: an IPv4 address, or the /64 of an IPv6 one (a household has that many to choose from).
 * @param remote 4 or 16 bytes, as the socket has them; empty when it is gone
 * @param forwardedFor the X-Forwarded-For header if a proxy in front is trusted; its last entry is what that proxy saw
 */
export function clientAddress(remote: ArrayBuffer, forwardedFor: string | undefined): string {
  const forwarded = forwardedFor?.split(",").at(-1)?.trim();
  if (forwarded)
    return forwarded.includes(":") ? (ipv6Prefix(forwarded) ?? forwarded.slice(0, 64)) : forwarded.slice(0, 64);
  const bytes = new Uint8Array(remote);
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return "unknown";
  if (bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff)
    return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 4 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  );
  return `${groups.join(":")}::/64`;
}

function ipv6Prefix(text: string): string | undefined {
  let host: string;
  try {
    // The URL parser writes any spelling of an address in its one canonical form.
    host = new URL(`http://[${text.replace(/^\[|\].*$/g, "")}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(host);
  if (mapped) {
    const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
    return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  }
  const [head = "", tail] = host.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill("0"), ...right];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
