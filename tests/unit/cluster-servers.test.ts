import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Bytes } from '../../src/lib/kernel/wire/mesh-wire.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { startPhone, type MovingPhone } from '../support/moving-phone.ts';
import { createRedisServer, redisProgram, type RedisServer } from '../support/redis-server.ts';
import { joinMesh, makeKey, someBytes, textBytes, type MeshClient, type TestKey } from './mesh-fixture.ts';
import { createFolder } from './signaling-fixture.ts';

const wait = { timeout: 25_000, interval: 20 };
const folders: { remove(): void }[] = [];
const running: ServerProcess[] = [];
const phones: MovingPhone[] = [];
let redis: RedisServer | null = null;
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.stop()));
  for (const server of running.splice(0)) await server.kill();
  await redis?.remove();
  for (const folder of folders.splice(0)) folder.remove();
});

const startRedis = async (): Promise<RedisServer> => {
  redis = await createRedisServer();
  await redis.start();
  return redis;
};

/** `node signaling/main.ts` with a data folder of its own and the Redis of all. */
const startServer = async (redisUrl: string) => {
  const folder = createFolder();
  folders.push(folder);
  const server = startServerProcess({ DATA_DIR: folder.path, HOST: '127.0.0.1', REDIS_URL: redisUrl });
  running.push(server);
  const url = await server.url;
  const health = async () => (await (await fetch(`${url}/healthz`)).json()) as Record<string, unknown>;
  return { server, url, meshUrl: `${url.replace('http', 'ws')}/mesh`, health };
};
type Running = Awaited<ReturnType<typeof startServer>>;

const startServers = async (count: number): Promise<Running[]> => {
  const { url } = await startRedis();
  const servers = await Promise.all(Array.from({ length: count }, () => startServer(url)));
  for (const { health } of servers)
    await vi.waitFor(
      async () => expect(await health()).toMatchObject({ cluster: { state: 'joined', nodes: count, mail: 'safe' } }),
      wait,
    );
  return servers;
};

const takeAll = async (client: MeshClient, box: TestKey): Promise<string[]> => {
  const words: string[] = [];
  for (let cursor = '', hasMore = true; hasMore;) {
    client.send({ type: 'take', request: 1, box: box.id, cursor, most: 64 });
    const page = await client.expect('mail');
    words.push(...page.items.map((item) => Buffer.from(item).toString()));
    ({ cursor, hasMore } = page);
  }
  return words;
};

/** News of who came takes a moment from one server to the next. */
const sees = (client: MeshClient, tag: Bytes, id: Bytes): Promise<void> =>
  vi.waitFor(async () => {
    client.send({ type: 'meet', tag });
    expect((await client.expect('met')).near).toContainEqual(id);
  }, wait);

describe.skipIf(redisProgram === null)('three servers behind one Redis', () => {
  it('one is killed under load: its clients move to the others, and nothing that was kept is lost', async () => {
    const servers = await startServers(3);
    const urls = servers.map(({ meshUrl }) => meshUrl);
    const [street, box] = [someBytes(32), makeKey()];
    const kept: string[] = [];
    const heard = new Map<number, number>();

    // Six leave mail as fast as each item is kept, six speak in a ring, two of each kind at each server.
    const writers = Array.from({ length: 6 }, (_, index) => {
      let count = 0;
      return startPhone({
        ...{ urls, first: index, boxes: [box] },
        act: async ({ client, next }) => {
          for (;;) {
            const word = `mail ${index}.${(count += 1)}`;
            client.send({ type: 'put', request: count, box: box.id, keepSeconds: 3600, item: textBytes(word) });
            const answer = await next();
            if (answer.type === 'kept' && answer.request === count) kept.push(word);
          }
        },
      });
    });
    const speakers: MovingPhone[] = Array.from({ length: 6 }, (_, index) =>
      startPhone({
        ...{ urls, first: index },
        act: async ({ client, next }) => {
          client.send({ type: 'meet', tag: street });
          for (let answer = await next(); ; answer = await next()) {
            if (answer.type === 'from') heard.set(index, (heard.get(index) ?? 0) + 1);
            else await new Promise((resolve) => setTimeout(resolve, 5));
            // Who is not there yet, or not any more, is asked again.
            const to = speakers[(index + 1) % 6]?.id();
            if (to) client.send({ type: 'send', to, tag: street, bytes: textBytes('pass it on') });
            else client.send({ type: 'meet', tag: street });
          }
        },
      }),
    );
    phones.push(...writers, ...speakers);
    const allHear = async (): Promise<void> => {
      const before = Array.from({ length: 6 }, (_, index) => heard.get(index) ?? 0);
      await vi.waitFor(() => {
        for (const [index, count] of before.entries()) expect(heard.get(index) ?? 0).toBeGreaterThan(count);
      }, wait);
    };
    await allHear();
    await vi.waitFor(() => expect(kept.length).toBeGreaterThan(100), wait);

    await servers[0]?.server.kill('SIGKILL');
    await vi.waitFor(() => expect(phones.map((phone) => phone.at())).not.toContain(null), wait);
    expect(phones.map((phone) => phone.at())).not.toContain(0);
    await allHear();
    const keptAtMove = kept.length;
    await vi.waitFor(() => expect(kept.length).toBeGreaterThan(keptAtMove + 50), wait);
    expect(phones.filter((phone) => phone.sockets() > 1).length).toBe(4);

    await Promise.all(phones.map((phone) => phone.stop()));
    const bora = await joinMesh(urls[2] ?? '', { boxes: [box] });
    const found = new Set(await takeAll(bora, box));
    expect(kept.filter((word) => !found.has(word))).toEqual([]);
    await vi.waitFor(async () => expect(await servers[1]?.health()).toMatchObject({ cluster: { nodes: 2 } }), wait);
  });

  it('while Redis is down each serves its own and says so, and after that all are one again', async () => {
    const [one, other] = await startServers(2);
    if (one === undefined || other === undefined) throw new Error('two servers were asked for');
    const [street, box] = [someBytes(32), makeKey()];
    const anna = await joinMesh(one.meshUrl, { tags: [street], boxes: [box] });
    expect(anna.joined.features).toEqual({ mailbox: true, cluster: 'joined' });
    const bora = await joinMesh(other.meshUrl, { tags: [street] });
    await sees(anna, street, bora.id);
    anna.send({ type: 'send', to: bora.id, tag: street, bytes: textBytes('across') });
    expect(await bora.expect('from')).toMatchObject({ from: anna.id });
    // Were Redis gone before the other server has said so, Anna would hear that Bora is.
    await vi.waitFor(async () => expect(await one.health()).toMatchObject({ cluster: { underway: 0 } }), wait);

    await redis?.kill();
    await vi.waitFor(async () => expect(await one.health()).toMatchObject({ cluster: { state: 'lost' } }), wait);
    expect(await (await fetch(`${one.url}/metrics`)).text()).toContain('hearthnet_mesh_cluster{state="lost"} 1');
    expect(one.server.stderr()).toMatch(/^Redis cannot be reached: who is at this server is served/m);
    const chen = await joinMesh(one.meshUrl, { tags: [street], boxes: [box] });
    expect(chen.joined.features).toEqual({ mailbox: false, cluster: 'lost' });
    chen.send({ type: 'send', to: anna.id, tag: street, bytes: textBytes('next door') });
    expect(await anna.expect('from')).toMatchObject({ from: chen.id });
    chen.send({ type: 'send', to: bora.id, tag: street, bytes: textBytes('across') });
    await chen.expect('gone');
    chen.send({ type: 'put', request: 9, box: box.id, keepSeconds: 60, item: textBytes('not now') });
    expect(await chen.expect('refused')).toMatchObject({ request: 9, reason: 'mail-unavailable' });

    await redis?.start();
    await vi.waitFor(async () => expect(await one.health()).toMatchObject({ cluster: { nodes: 2 } }), wait);
    // Chen came while nothing could be told of it.
    await sees(bora, street, chen.id);
    bora.send({ type: 'send', to: chen.id, tag: street, bytes: textBytes('welcome') });
    expect(await chen.expect('from')).toMatchObject({ from: bora.id });
  });

  it('one that is stopped leaves nobody behind', async () => {
    const [one, other] = await startServers(2);
    if (one === undefined || other === undefined) throw new Error('two servers were asked for');
    const street = someBytes(32);
    const anna = await joinMesh(one.meshUrl, { tags: [street] });
    const bora = await joinMesh(other.meshUrl, { tags: [street] });
    await other.server.kill('SIGTERM');
    await bora.expect('moving');
    anna.send({ type: 'meet', tag: street });
    expect((await anna.expect('met')).near).toEqual([]);
    await vi.waitFor(async () => expect(await one.health()).toMatchObject({ cluster: { nodes: 1 } }), wait);
  });
});

describe('REDIS_URL', () => {
  it('that is no address of a Redis ends the start with one sentence that does not repeat it', async () => {
    const folder = createFolder();
    folders.push(folder);
    const server = startServerProcess({ DATA_DIR: folder.path, REDIS_URL: 'http://:secret@localhost' });
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.stderr()).toBe('REDIS_URL must be the address of a Redis, as in redis://localhost:6379.\n');
  });
});
