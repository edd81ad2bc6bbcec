import type { Redis } from "ioredis";

/**
 * All state that nodes share in Redis, and every change of it, each an atomic script:
 *   nodes               sorted set: node -> when it last reported, on Redis's clock in ms
 *   node:ID:users       set: users that node has
 *   node:ID:rooms       set: rooms that node runs
 *   presence:USER       set: nodes that have the user
 *   room:ROOM           hash: owner (node), peers (count)
 *   events              stream: t (online, offline, dead), s (user or node)
 * The keys are computed, so a sharded Redis Cluster is out; one Redis with replicas is meant.
 */
const prelude = `
local P = KEYS[1]
local LEASE = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function alive(node)
  local seen = redis.call('ZSCORE', P .. 'nodes', node)
  return seen and tonumber(seen) > now - LEASE
end
local function known(node) return redis.call('ZSCORE', P .. 'nodes', node) end
local function tell(t, s) redis.call('XADD', P .. 'events', 'MAXLEN', '~', 10000, '*', 't', t, 's', s) end
local function leave(node, user)
  redis.call('SREM', P .. 'node:' .. node .. ':users', user)
  if redis.call('SREM', P .. 'presence:' .. user, node) == 1 and redis.call('EXISTS', P .. 'presence:' .. user) == 0 then
    tell('offline', user)
  end
end
local function release(node, room)
  redis.call('SREM', P .. 'node:' .. node .. ':rooms', room)
  if redis.call('HGET', P .. 'room:' .. room, 'owner') == node then redis.call('DEL', P .. 'room:' .. room) end
end
local function bury(node)
  redis.call('ZREM', P .. 'nodes', node)
  for _, user in ipairs(redis.call('SMEMBERS', P .. 'node:' .. node .. ':users')) do leave(node, user) end
  for _, room in ipairs(redis.call('SMEMBERS', P .. 'node:' .. node .. ':rooms')) do release(node, room) end
  redis.call('DEL', P .. 'inbox:' .. node)
  tell('dead', node)
end
`;

const bodies = {
  /** ARGV: me. Reports this node; tells whether it was known, Redis's time, the overdue nodes, and all nodes. */
  beat: `
local was = known(ARGV[2]) and 1 or 0
redis.call('ZADD', P .. 'nodes', now, ARGV[2])
return { was, now, redis.call('ZRANGEBYSCORE', P .. 'nodes', '-inf', now - LEASE), redis.call('ZRANGE', P .. 'nodes', 0, -1) }`,
  /** ARGV: node. Clears away an overdue node, once. */
  reap: `
if not known(ARGV[2]) or alive(ARGV[2]) then return 0 end
bury(ARGV[2])
return 1`,
  /** ARGV: me. */
  depart: `
bury(ARGV[2])
return 1`,
  /** ARGV: me, user… 0 when this node is not registered, and nothing was done. */
  enter: `
if not known(ARGV[2]) then return 0 end
for i = 3, #ARGV do
  redis.call('SADD', P .. 'node:' .. ARGV[2] .. ':users', ARGV[i])
  local was = redis.call('EXISTS', P .. 'presence:' .. ARGV[i])
  redis.call('SADD', P .. 'presence:' .. ARGV[i], ARGV[2])
  if was == 0 then tell('online', ARGV[i]) end
end
return 1`,
  /** ARGV: me, user… */
  leave: `
for i = 3, #ARGV do leave(ARGV[2], ARGV[i]) end
return 1`,
  /** ARGV: me. The users this node is known to have. */
  users: `
return redis.call('SMEMBERS', P .. 'node:' .. ARGV[2] .. ':users')`,
  /** ARGV: me. The rooms this node is known to run. */
  rooms: `
return redis.call('SMEMBERS', P .. 'node:' .. ARGV[2] .. ':rooms')`,
  /** ARGV: user… Those who are online. */
  online: `
local online = {}
for i = 2, #ARGV do
  if redis.call('EXISTS', P .. 'presence:' .. ARGV[i]) == 1 then online[#online + 1] = ARGV[i] end
end
return online`,
  /** ARGV: me, room, peers. The room's owner: this node unless a living one has it; nil when this node is not registered. */
  claim: `
if not known(ARGV[2]) then return false end
local key = P .. 'room:' .. ARGV[3]
local owner = redis.call('HGET', key, 'owner')
if owner == ARGV[2] then return owner end
if owner and alive(owner) then return owner end
if owner then release(owner, ARGV[3]) end
redis.call('HSET', key, 'owner', ARGV[2], 'peers', ARGV[4])
redis.call('SADD', P .. 'node:' .. ARGV[2] .. ':rooms', ARGV[3])
return ARGV[2]`,
  /** ARGV: room. Its living owner or nil. */
  owner: `
local owner = redis.call('HGET', P .. 'room:' .. ARGV[2], 'owner')
return owner and alive(owner) and owner or false`,
  /** ARGV: me, room. */
  release: `
release(ARGV[2], ARGV[3])
return 1`,
  /** ARGV: me, room, peers. */
  peers: `
local key = P .. 'room:' .. ARGV[3]
if redis.call('HGET', key, 'owner') == ARGV[2] then redis.call('HSET', key, 'peers', ARGV[4]) end
return 1`,
  /** ARGV: room… For each its peer count, -1 where no living node runs it. */
  counts: `
local counts = {}
for i = 2, #ARGV do
  local room = redis.call('HMGET', P .. 'room:' .. ARGV[i], 'owner', 'peers')
  counts[i - 1] = room[1] and alive(room[1]) and tonumber(room[2]) or -1
end
return counts`,
} as const;

export type Scripts = { run(name: keyof typeof bodies, ...args: (string | number)[]): Promise<unknown> };

/** @param leaseMs how long a silent node counts as living */
export function loadScripts(redis: Redis, prefix: string, leaseMs: number): Scripts {
  for (const [name, body] of Object.entries(bodies))
    redis.defineCommand(`parlance_${name}`, { numberOfKeys: 1, lua: prelude + body });
  const commands = redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return { run: (name, ...args) => commands[`parlance_${name}`]!(prefix, leaseMs, ...args) };
}
