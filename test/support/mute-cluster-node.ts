import { joinCluster } from "./cluster.ts";

/** A cluster node in a process of its own, to be killed: has the user and the room that it is given, then says so. */
const [redisUrl = "", userId = "", roomId = ""] = process.argv.slice(2);
const cluster = await joinCluster(redisUrl);
await cluster.presence.enter(userId);
await cluster.roomDirectory.claim(roomId);
await cluster.roomDirectory.setPeers(roomId, 3);
process.send?.(cluster.nodeId);
