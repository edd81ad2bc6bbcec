import type { RoomCatalog } from "../../rooms/room-catalog.ts";
import type { RoomActor, RoomCall, RoomService } from "../../rooms/room-service.ts";
import type { CallContext, Handler, HandlersOf } from "../handler.ts";

export type RoomHandlersDeps = { rooms: RoomService; catalog: Pick<RoomCatalog, "list" | "create"> };

export function roomHandlers({ rooms, catalog }: RoomHandlersDeps): HandlersOf<"room"> {
  const relay =
    <C extends RoomCall>(name: C): Handler<C> =>
    (request, context) =>
      rooms.invoke(name, actor(context), request);
  return {
    "room.list": async () => ({ rooms: await catalog.list() }),
    "room.create": async (request, { user }) => ({ room: await catalog.create(user.id, request) }),
    "room.join": relay("room.join"),
    "room.resume": relay("room.resume"),
    "room.sync": relay("room.sync"),
    "room.leave": relay("room.leave"),
    "room.connectTransport": relay("room.connectTransport"),
    "room.restartIce": relay("room.restartIce"),
    "room.produce": relay("room.produce"),
    "room.setMuted": relay("room.setMuted"),
    "room.say": relay("room.say"),
  };
}

function actor({ user, connectionId }: CallContext): RoomActor {
  return { userId: user.id, name: user.name, connectionId };
}
