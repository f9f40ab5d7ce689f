import { limits, ok, type Result } from '../../src/lib/kernel/wire/signal.ts';
import { encodeBusMessage } from './bus-messages.ts';
import type { Redis, RedisTrouble } from './redis.ts';

/**
 * What Redis knows of the servers and of who is at a tag where. Every entry has an end, counted by the clock of Redis, so that a server
 * that is killed leaves nothing behind. An entry and its news on the tag's channel are one step: who listens to the channel and then
 * reads the entries has missed nobody.
 */
export type Presence = {
  /** This server lives on for `clusterNodeTtlMs`; the names of all that do. */
  beat(): Promise<Result<readonly string[], RedisTrouble>>;
  /** `isNew` tells a connection that came from one that is still there. */
  here(tag: string, ids: readonly string[], isNew: boolean): Promise<Result<unknown, RedisTrouble>>;
  left(tag: string, ids: readonly string[]): Promise<Result<unknown, RedisTrouble>>;
  who(tag: string): Promise<Result<readonly Present[], RedisTrouble>>;
  /** This server ends: nobody waits for its beat. */
  leave(): Promise<Result<unknown, RedisTrouble>>;
};

export type Present = { readonly node: string; readonly id: string };

export const tagChannel = (tag: string): string => `hn:{${tag}}`;
export const nodeChannel = (node: string): string => `hn:{node ${node}}`;

export const createPresence = (redis: Redis, node: string): Presence => {
  const run = (script: string, key: string, ...args: readonly (string | number | Buffer)[]) => {
    const words = args.map((arg) => (typeof arg === 'number' ? String(arg) : arg));
    return redis.command(['EVAL', script, '2', key, nodesKey, ...words]);
  };
  const entriesOf = (ids: readonly string[]): readonly string[] => ids.map((id) => `${node} ${id}`);

  return {
    beat: async () => {
      const nodes = await run(beatScript, nodesKey, limits.clusterNodeTtlMs, node);
      return nodes.ok ? ok(textsOf(nodes.value)) : nodes;
    },
    here: (tag, ids, isNew) => {
      const news = encodeBusMessage({ kind: isNew ? 'came' : 'here', node, ids });
      return run(hereScript, entriesKey(tag), limits.clusterPresenceTtlMs, tagChannel(tag), news, ...entriesOf(ids));
    },
    left: (tag, ids) => {
      const news = encodeBusMessage({ kind: 'left', node, ids });
      return run(leftScript, entriesKey(tag), tagChannel(tag), news, ...entriesOf(ids));
    },
    who: async (tag) => {
      const entries = await run(whoScript, entriesKey(tag), limits.clusterPerTagMax);
      return entries.ok ? ok(textsOf(entries.value).flatMap(parseEntry)) : entries;
    },
    leave: () => redis.command(['ZREM', nodesKey, node]),
  };
};

const nodesKey = 'hn:nodes';
const entriesKey = (tag: string): string => `hn:{${tag}}:at`;

const clockLines = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

const beatScript = `${clockLines}
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)`;

const hereScript = `${clockLines}
for at = 4, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[at]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('SPUBLISH', ARGV[2], ARGV[3])
return 1`;

const leftScript = `
for at = 3, #ARGV do redis.call('ZREM', KEYS[1], ARGV[at]) end
redis.call('SPUBLISH', ARGV[1], ARGV[2])
return 1`;

/** Who is at a server that lives no more is left out, also before their entries end. */
const whoScript = `${clockLines}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local entries = {}
for _, entry in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)) do
  local lives = redis.call('ZSCORE', KEYS[2], string.match(entry, '^%S*'))
  if lives and tonumber(lives) > now then entries[#entries + 1] = entry end
end
return entries`;

/** Oldest promise of life last: of an id with two entries the one that was told later is put in last by whoever reads them in turn. */
const textsOf = (reply: unknown): readonly string[] =>
  Array.isArray(reply)
    ? reply.flatMap((each) => (Buffer.isBuffer(each) ? [each.toString('latin1')] : [])).reverse()
    : [];

const parseEntry = (entry: string): readonly Present[] => {
  const [node, id, ...rest] = entry.split(' ');
  const isWhole = node !== undefined && id !== undefined && rest.length === 0 && isName(node) && isName(id);
  return isWhole ? [{ node, id }] : [];
};

const isName = (text: string): boolean => text.length > 0 && text.length <= limits.clusterNameCharsMax;
