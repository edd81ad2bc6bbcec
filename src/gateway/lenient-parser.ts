import { Decoder, Encoder, type Packet, PacketType } from "socket.io-parser";
import { FRAME_EVENT } from "#protocol";

/** In the place of a call's name, where what was sent can't be read. */
export const UNREADABLE = Symbol("unreadable");

/**
 * socket.io's decoder, which closes a connection for one broken packet. Here a broken call comes through as a call, to be
 * answered like any other wrong one, and broken bytes as a frame.
 */
class LenientDecoder extends Decoder {
  override add(chunk: unknown): void {
    try {
      super.add(chunk);
    } catch (error) {
      // Forgets a packet that announced bytes which did not follow.
      this.destroy();
      const packet = readAnyway(chunk);
      if (!packet) throw error;
      this.emitReserved("decoded", packet);
    }
  }
}

/** For `new Server({ parser })`. */
export const lenientParser = { Encoder, Decoder: LenientDecoder };

/** Undefined for what is neither call nor frame. */
function readAnyway(chunk: unknown): Packet | undefined {
  const event = { type: PacketType.EVENT, nsp: "/" };
  if (typeof chunk !== "string") return { ...event, data: [FRAME_EVENT] };
  const [, type, number, json = ""] = /^(2|5\d*-)(\d{1,15})?(.*)$/s.exec(chunk) ?? [];
  if (type === undefined) return undefined;
  if (number !== undefined) return { ...event, id: Number(number), data: type === "2" ? listIn(json) : [UNREADABLE] };
  return { ...event, data: type === "2" ? [UNREADABLE] : [FRAME_EVENT] };
}

function listIn(json: string): unknown[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && value.length > 0 ? value : [UNREADABLE];
  } catch {
    return [UNREADABLE];
  }
}
