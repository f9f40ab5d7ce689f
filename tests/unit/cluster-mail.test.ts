import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../signaling/clock.ts';
import { streamKey } from '../../signaling/cluster/mail-scripts.ts';
import { createRedis, type Redis } from '../../signaling/cluster/redis.ts';
import { createStreamMail, type StreamMail } from '../../signaling/cluster/stream-mail.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createRedisServer, redisProgram, safeSettings, type RedisServer } from '../support/redis-server.ts';

const day = 24 * 3600_000;
const wait = { timeout: 20_000, interval: 10 };
type Office = { mail: StreamMail; redis: Redis };
let server: RedisServer;
const offices: Office[] = [];
const servers: RedisServer[] = [];
let boxes = 0;

const openOffice = (at: RedisServer): Office => {
  const redis = createRedis(at.url);
  const office = { redis, mail: createStreamMail({ redis, clock: systemClock }) };
  redis.start();
  offices.push(office);
  return office;
};
const openSafe = async (): Promise<StreamMail> => {
  const { mail } = openOffice(server);
  await vi.waitFor(() => expect(mail.guarantee()).toBe('safe'), wait);
  return mail;
};
const newBox = (): string => `box-${(boxes += 1)}`;
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const put = (mail: StreamMail, box: string, text: string, keepMs = day) => mail.put(box, keepMs, bytes(text));
const take = async (mail: StreamMail, box: string, cursor = '', most = 64) => {
  const page = unwrap(await mail.take(box, cursor, most));
  return { ...page, items: page.items.map((item) => new TextDecoder().decode(item)) };
};

beforeAll(async () => {
  if (redisProgram === null) return;
  server = await createRedisServer();
  await server.start();
});
afterEach(async () => {
  for (const { mail, redis } of offices.splice(0)) {
    await mail.stop();
    redis.stop();
  }
  for (const other of servers.splice(0)) await other.remove();
});
afterAll(async () => server?.remove());

describe.skipIf(redisProgram === null)('mailboxes of several servers', () => {
  it('gives Bora at one server what Anna left at another, in order, once, page by page', async () => {
    const [annas, boras] = [await openSafe(), await openSafe()];
    const box = newBox();
    const words = Array.from({ length: 10 }, (_, at) => `word ${at}`);
    for (const word of words) expect((await put(annas, box, word)).ok).toBe(true);
    const first = await take(boras, box, '', 4);
    expect(first).toMatchObject({ items: words.slice(0, 4), hasMore: true });
    const second = await take(boras, box, first.cursor, 64);
    expect(second).toMatchObject({ items: words.slice(4), hasMore: false });
    expect(await take(boras, box, second.cursor)).toMatchObject({ items: [], cursor: second.cursor });
    expect(second.cursor.length).toBeLessThanOrEqual(limits.mailCursorCharsMax);
    expect((await take(boras, newBox())).items).toEqual([]);
    await put(annas, box, 'later');
    expect((await take(boras, box, second.cursor)).items).toEqual(['later']);
  });

  it('starts from the beginning at a cursor that is none of its own', async () => {
    const mail = await openSafe();
    const box = newBox();
    await put(mail, box, 'hello');
    for (const cursor of ['life-7', '0-0', 'rx', 'r1-1; DEL', '-'])
      expect((await take(mail, box, cursor)).items).toEqual(['hello']);
  });

  it('bounds a page by its bytes, and always gives one item', async () => {
    const mail = await openSafe();
    const box = newBox();
    for (let at = 0; at < 6; at++) unwrap(await mail.put(box, day, new Uint8Array(limits.mailItemBytesMax)));
    const page = unwrap(await mail.take(box, '', 64));
    expect([page.items.length, page.hasMore]).toEqual([4, true]);
  });

  it('leaves out what has had its time, and counts only what is there', async () => {
    const mail = await openSafe();
    const box = newBox();
    await put(mail, box, 'short', 50);
    await put(mail, box, 'long');
    await vi.waitFor(async () => expect((await take(mail, box)).items).toEqual(['long']), wait);
    const before = mail.state();
    await put(mail, box, 'next');
    expect(mail.state()).toEqual({
      items: before.items,
      bytes: before.bytes - 'short'.length + 'next'.length,
      isOpen: true,
      isFull: false,
    });
  });

  it('keeps a box as a ring: its oldest make room, and those of other boxes stay', async () => {
    const mail = await openSafe();
    const [box, other] = [newBox(), newBox()];
    await put(mail, other, 'stays');
    const item = new Uint8Array(limits.mailItemBytesMax);
    const fits = Math.floor(limits.mailBoxBytesMax / (item.length + limits.mailItemCostBytes));
    await put(mail, box, 'first');
    for (let at = 0; at < fits; at += 50) await Promise.all(Array.from({ length: 50 }, () => mail.put(box, day, item)));
    expect((await take(mail, other)).items).toEqual(['stays']);
    expect((await take(mail, box, '', 1)).items).not.toEqual(['first']);
    expect(mail.state().bytes).toBeLessThanOrEqual(limits.mailBoxBytesMax + 4096 + 6 * 62_000);
  });

  it('still has after a kill of Redis whatever it said was kept', async () => {
    const mail = await openSafe();
    const box = newBox();
    const kept: string[] = [];
    const writing = Array.from({ length: 400 }, async (_, at) => {
      if ((await put(mail, box, `word ${at}`)).ok) kept.push(`word ${at}`);
      if (kept.length === 100) await server.kill();
    });
    await Promise.all(writing);
    expect(mail.guarantee()).toBe('away');
    expect(await put(mail, box, 'nobody hears')).toEqual({ ok: false, error: 'mail-unavailable' });
    expect(await mail.take(box, '', 64)).toEqual({ ok: false, error: 'mail-unavailable' });
    await server.start();
    await vi.waitFor(() => expect(mail.guarantee()).toBe('safe'), wait);
    const found: string[] = [];
    for (let cursor = '', hasMore = true; hasMore;) {
      const page = await take(mail, box, cursor);
      found.push(...page.items);
      ({ cursor, hasMore } = page);
    }
    expect(kept.length).toBeGreaterThanOrEqual(100);
    expect(kept.filter((word) => !found.includes(word))).toEqual([]);
  });
});

describe.skipIf(redisProgram === null)('a Redis that cannot keep its word', () => {
  const openAt = async (settings: readonly string[]): Promise<Office> => {
    const other = await createRedisServer(settings);
    servers.push(other);
    await other.start();
    return openOffice(other);
  };

  it.each([
    ['has no append-only file', ['--appendonly', 'no'], 'no-append-only-file'],
    ['does not sync each write', ['--appendonly', 'yes', '--appendfsync', 'everysec'], 'not-synced'],
    ['throws out what is old', [...safeSettings, '--maxmemory-policy', 'allkeys-lru'], 'evicts'],
    ['does not tell', [...safeSettings, '--rename-command', 'CONFIG', ''], 'unknown'],
  ])('keeps the boxes closed where it %s', async (_what, settings, guarantee) => {
    const { mail } = await openAt(settings);
    await vi.waitFor(() => expect(mail.guarantee()).toBe(guarantee), wait);
    expect(await put(mail, newBox(), 'hello')).toEqual({ ok: false, error: 'mail-unavailable' });
  });

  it('says that the boxes are full where its memory is, and loses nothing of what was kept', async () => {
    const { mail, redis } = await openAt([...safeSettings, '--maxmemory', '4mb']);
    await vi.waitFor(() => expect(mail.guarantee()).toBe('safe'), wait);
    const box = newBox();
    const item = new Uint8Array(limits.mailItemBytesMax);
    let kept = 0;
    let last: Awaited<ReturnType<StreamMail['put']>> = { ok: true, value: null };
    for (; last.ok && kept < 200; kept += last.ok ? 1 : 0) last = await mail.put(box, day, item);
    expect(last).toEqual({ ok: false, error: 'mail-full' });
    expect(mail.state().isFull).toBe(true);
    expect(unwrap(await redis.command(['XLEN', streamKey(box)]))).toBe(kept);
    expect(kept).toBeGreaterThan(5);
  });
});
