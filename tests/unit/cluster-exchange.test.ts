import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../signaling/clock.ts';
import { encodeBusMessage } from '../../signaling/cluster/bus-messages.ts';
import { createClusterExchange, type ClusterExchange } from '../../signaling/cluster/cluster-exchange.ts';
import { nodeChannel, tagChannel } from '../../signaling/cluster/presence.ts';
import { createRedis, type Redis } from '../../signaling/cluster/redis.ts';
import type { Deliver } from '../../signaling/exchange.ts';
import { createLocalExchange } from '../../signaling/mesh/local-exchange.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createRedisServer, redisProgram, type RedisServer } from '../support/redis-server.ts';

const street = 'street'.padEnd(43, '-');
const well = 'well'.padEnd(43, '-');
const wait = { timeout: 20_000, interval: 10 };

type Box = { node: string; exchange: ClusterExchange; redis: Redis };
let server: RedisServer;
let starts = 0;
const boxes: Box[] = [];

/** One server of the cluster, in this process but with connections of its own to Redis; its name is new, as at each start. */
const openBox = async (place: string): Promise<Box> => {
  const node = `${place}-${(starts += 1)}`;
  const redis = createRedis(server.url);
  const exchange = createClusterExchange({ redis, local: createLocalExchange(), clock: systemClock, node });
  redis.start();
  const box = { node, exchange, redis };
  boxes.push(box);
  await vi.waitFor(() => expect(exchange.state()).toBe('joined'), wait);
  return box;
};

/** Somebody with what reached them; `accepts` is false while they read too slowly. */
const person = (id: string) => {
  const heard: string[] = [];
  const state = { accepts: true };
  const deliver: Deliver = (from, _tag, bytes) => {
    if (state.accepts) heard.push(`${from}: ${Buffer.from(bytes).toString()}`);
    return state.accepts;
  };
  return { id, heard, state, deliver };
};
type Person = ReturnType<typeof person>;

const enter = (box: Box, who: Person, tag = street): (() => void) => {
  const part = box.exchange.join(tag, who.id, who.deliver);
  if (part === null) throw new Error('no room at the tag');
  return part;
};
const near = async (box: Box, who: Person, tag = street) =>
  (await box.exchange.sample(tag, who.id, 16)).near.toSorted();
const sees = (box: Box, who: Person, others: readonly string[], tag = street) =>
  vi.waitFor(async () => expect(await near(box, who, tag)).toEqual(others), wait);
const say = async (box: Box, from: Person, to: string, text: string) =>
  box.exchange.send(to, street, from.id, new Uint8Array(Buffer.from(text)));

beforeAll(async () => {
  if (redisProgram === null) return;
  server = await createRedisServer();
  await server.start();
});
afterEach(async () => {
  await Promise.all(boxes.map(({ exchange }) => exchange.stop()));
  for (const { redis } of boxes.splice(0)) redis.stop();
});
afterAll(async () => server?.remove());

describe.skipIf(redisProgram === null)('several servers behind one Redis', () => {
  it('lets Anna at one server and Bora at another find each other and speak, each word once and in order', async () => {
    const [one, other] = [await openBox('one'), await openBox('other')];
    const [anna, bora] = [person('anna'), person('bora')];
    enter(one, anna);
    await sees(one, anna, []);
    enter(other, bora);
    expect(await near(other, bora)).toEqual(['anna']);
    await sees(one, anna, ['bora']);
    const words = Array.from({ length: 500 }, (_, at) => `word ${at}`);
    const outcomes = await Promise.all(words.map((word) => say(one, anna, 'bora', word)));
    expect(new Set(outcomes)).toEqual(new Set(['sent']));
    expect(bora.heard).toEqual(words.map((word) => `anna: ${word}`));
    expect(await say(other, bora, 'anna', 'thanks')).toBe('sent');
    expect(anna.heard).toEqual(['bora: thanks']);
    expect((await other.exchange.sample(street, 'bora', 16)).present).toBe(2);
    expect([one.exchange.facts().dropped, other.exchange.facts().dropped]).toEqual([0, 0]);
  });

  it('says gone of somebody who parted, who is at another tag, or was never there', async () => {
    const [one, other] = [await openBox('one'), await openBox('other')];
    const [anna, bora, chen] = [person('anna'), person('bora'), person('chen')];
    enter(one, anna);
    const part = enter(other, bora);
    enter(other, chen, well);
    await sees(one, anna, ['bora']);
    expect(await say(one, anna, 'chen', 'are you there?')).toBe('gone');
    expect(await say(one, anna, 'nobody', 'are you there?')).toBe('gone');
    part();
    expect(await say(one, anna, 'bora', 'are you there?')).toBe('gone');
    await sees(one, anna, []);
    expect(bora.heard.concat(chen.heard)).toEqual([]);
  });

  it('tells Anna that Bora at the other server reads too slowly', async () => {
    const [one, other] = [await openBox('one'), await openBox('other')];
    const [anna, bora] = [person('anna'), person('bora')];
    enter(one, anna);
    enter(other, bora);
    await sees(one, anna, ['bora']);
    bora.state.accepts = false;
    expect(await say(one, anna, 'bora', 'a lot')).toBe('busy');
    bora.state.accepts = true;
    expect(await say(one, anna, 'bora', 'a little')).toBe('sent');
  });

  it('holds back what is too much for one server instead of filling Redis with it', async () => {
    const [one, other] = [await openBox('one'), await openBox('other')];
    const [anna, bora] = [person('anna'), person('bora')];
    enter(one, anna);
    enter(other, bora);
    await sees(one, anna, ['bora']);
    const big = 'x'.repeat(60 * 1024);
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => say(one, anna, 'bora', big)));
    expect(outcomes.filter((outcome) => outcome === 'sent').length).toBe(bora.heard.length);
    expect(outcomes.filter((outcome) => outcome === 'busy').length).toBe(200 - bora.heard.length);
    expect(outcomes).toContain('busy');
    expect(bora.heard.length).toBeGreaterThan(100);
    expect(one.exchange.facts().underway).toBe(0);
  });

  it('sends to where Bora came last, and no more to where she was', async () => {
    const [one, other] = [await openBox('one'), await openBox('other')];
    const [anna, before, after] = [person('anna'), person('bora'), person('bora')];
    enter(one, anna);
    const partLate = enter(one, before);
    await vi.waitFor(async () => expect((await one.exchange.sample(street, 'anna', 16)).present).toBe(2), wait);
    // What is told of Bora has to be back from Redis before she counts as having been there first.
    await sees(other, person('eve'), []);
    enter(other, person('dara'));
    await sees(one, anna, ['bora', 'dara']);
    enter(other, after);
    await vi.waitFor(async () => {
      expect(await say(one, anna, 'bora', 'hello')).toBe('sent');
      expect(after.heard).toContain('anna: hello');
    }, wait);
    // The old connection times out much later; that is no news of Bora.
    partLate();
    expect(await say(one, anna, 'bora', 'still?')).toBe('sent');
    expect(after.heard.at(-1)).toBe('anna: still?');
  });

  it('counts everybody at a server that died as gone, at the first word to it', async () => {
    const [one, other, third] = [await openBox('one'), await openBox('other'), await openBox('third')];
    const [anna, bora, chen] = [person('anna'), person('bora'), person('chen')];
    enter(one, anna);
    enter(other, bora);
    enter(third, chen);
    await sees(one, anna, ['bora', 'chen']);
    other.redis.stop();
    await vi.waitFor(async () => expect(await say(one, anna, 'bora', 'hello?')).toBe('gone'), wait);
    expect(await near(one, anna)).toEqual(['chen']);
    // Nobody said a word to Bora at the third server: her server's missing beat tells it.
    await sees(third, chen, ['anna']);
  });
});

describe.skipIf(redisProgram === null)('a Redis that fails', () => {
  it('leaves those at one server to each other, says so, and all find each other when it is back', async () => {
    const [one, other] = [await openBox('one'), await openBox('other')];
    const [anna, bora, chen] = [person('anna'), person('bora'), person('chen')];
    enter(one, anna);
    enter(one, chen);
    enter(other, bora);
    await sees(one, anna, ['bora', 'chen']);
    await server.kill();
    await vi.waitFor(() => expect(one.exchange.state()).toBe('lost'), wait);
    expect(await near(one, anna)).toEqual(['chen']);
    expect(await say(one, anna, 'chen', 'only us')).toBe('sent');
    expect(await say(one, anna, 'bora', 'and you?')).toBe('gone');
    // Whoever comes and goes meanwhile is told of later too.
    enter(other, person('dara'));
    enter(other, person('efe'))();
    await server.start();
    await vi.waitFor(() => expect(one.exchange.state()).toBe('joined'), wait);
    await sees(one, anna, ['bora', 'chen', 'dara']);
    expect(await say(one, anna, 'bora', 'there you are')).toBe('sent');
    expect(bora.heard).toEqual(['anna: there you are']);
    expect(chen.heard).toEqual(['anna: only us']);
  });

  it('is found out also when it hangs, and nobody waits for it', async () => {
    const one = await openBox('one');
    const [anna, chen] = [person('anna'), person('chen')];
    enter(one, anna);
    enter(one, chen);
    await sees(one, anna, ['chen']);
    server.freeze();
    try {
      expect(await say(one, anna, 'chen', 'now')).toBe('sent');
      await vi.waitFor(() => expect(one.exchange.state()).toBe('lost'), wait);
    } finally {
      server.thaw();
    }
    await vi.waitFor(() => expect(one.exchange.state()).toBe('joined'), wait);
  });
});

describe.skipIf(redisProgram === null)('a stranger who can write to Redis', () => {
  it('is heard by nobody and stops nothing', async () => {
    const [one, other] = [await openBox('one'), await openBox('other')];
    const [anna, bora] = [person('anna'), person('bora')];
    enter(one, anna);
    enter(other, bora);
    await sees(one, anna, ['bora']);
    const rubbish = [
      Buffer.alloc(0),
      Buffer.from('rubbish'),
      Buffer.from([1, 3, 200, 1]),
      Buffer.alloc(1024 * 1024 + 1),
    ];
    for (const channel of [nodeChannel(one.node), tagChannel(street)])
      for (const message of rubbish) unwrap(await other.redis.publish(channel, message));
    // Outcomes of what is not under way to that server are nobody's business.
    const outcomes = [{ number: 1, outcome: 'sent' as const }];
    unwrap(
      await other.redis.publish(nodeChannel(one.node), encodeBusMessage({ kind: 'outcomes', node: 'x', outcomes })),
    );
    await vi.waitFor(() => expect(one.exchange.facts().dropped).toBe(8), wait);
    expect(await say(one, anna, 'bora', 'hello')).toBe('sent');
    expect(anna.heard).toEqual([]);
  });
});
