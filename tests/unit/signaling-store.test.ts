import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { openServerStore, type ServerStore } from '../../signaling/store/server-store.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { someBytes, textBytes } from './mesh-fixture.ts';
import { createFolder, createHandClock } from './signaling-fixture.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

const open = (folder = makeFolder(), fileBytesMax: number | null = null) => {
  const clock = createHandClock();
  const store = unwrap(openServerStore(folder, { clock, fileBytesMax }));
  cleanups.push(store.close);
  return { clock, store, folder };
};
const makeFolder = (): string => {
  const folder = createFolder();
  cleanups.push(folder.remove);
  return folder.path;
};

const idText = (length: number): string => Buffer.from(someBytes(length)).toString('base64url');
const words = async (store: ServerStore, box: string, cursor = ''): Promise<string[]> =>
  unwrap(await store.mail.take(box, cursor, 64)).items.map((item) => Buffer.from(item).toString());

describe('the roster', () => {
  it('forgets after two weeks who was not seen again', () => {
    const { store, clock } = open();
    const [street, anna, bora] = [idText(32), idText(16), idText(16)];
    store.roster.see(street, anna);
    clock.advance(limits.rosterKeepMs - 3600_000);
    store.roster.see(street, bora);
    expect(store.roster.countAt(street)).toBe(2);
    clock.advance(7200_000);
    expect(store.roster.countAt(street)).toBe(1);
  });

  it('keeps the newest of a tag that is over its bound, and leaves others alone', () => {
    const { store, clock } = open();
    const [crowded, quiet, first] = [idText(32), idText(32), idText(16)];
    store.roster.see(quiet, first);
    store.roster.see(crowded, first);
    for (let index = 0; index < limits.rosterPerTagMax; index++) {
      clock.advance(1);
      store.roster.see(crowded, idText(16));
    }
    expect(store.roster.countAt(crowded)).toBe(limits.rosterPerTagMax);
    store.roster.see(crowded, first);
    expect(store.roster.countAt(crowded)).toBe(limits.rosterPerTagMax);
    expect(store.roster.countAt(quiet)).toBe(1);
  });

  it('says so when nothing can be written any more', () => {
    const { store } = open();
    store.close();
    expect(store.roster.see(idText(32), idText(16))).toBe(false);
  });
});

describe('mail', () => {
  it('is gone when its time is over', async () => {
    const { store, clock } = open();
    const box = idText(32);
    await store.mail.put(box, 60_000, textBytes('short'));
    await store.mail.put(box, limits.mailKeepMs, textBytes('long'));
    expect(await words(store, box)).toEqual(['short', 'long']);
    clock.advance(60_000);
    expect(await words(store, box)).toEqual(['long']);
    clock.advance(limits.mailSweepMs);
    expect(store.mail.state().items).toBe(1);
    clock.advance(limits.mailKeepMs + limits.mailSweepMs);
    expect(store.mail.state()).toMatchObject({ items: 0, bytes: 0, isFull: false });
  });

  it('of one box never passes its bound: the oldest make room, other boxes lose nothing', async () => {
    const { store } = open();
    const [mine, other] = [idText(32), idText(32)];
    await store.mail.put(other, 60_000, textBytes('stays'));
    const item = new Uint8Array(limits.mailItemBytesMax);
    const fitting = Math.floor(limits.mailBoxBytesMax / (item.length + limits.mailItemCostBytes));
    const puts = Array.from({ length: fitting + 20 }, () => store.mail.put(mine, 60_000, item));
    for (const put of await Promise.all(puts)) expect(put.ok).toBe(true);
    expect(store.mail.state().bytes).toBeLessThanOrEqual(limits.mailBoxBytesMax + 1_000);
    expect(store.mail.state().items).toBeGreaterThan(fitting - 20);
    expect(await words(store, other)).toEqual(['stays']);
  });

  it('comes in pages of bounded size, and one item always fits', async () => {
    const { store } = open();
    const box = idText(32);
    const item = new Uint8Array(limits.mailItemBytesMax);
    for (let index = 0; index < 9; index++) await store.mail.put(box, 60_000, item);
    const pages: number[] = [];
    for (let cursor = '', hasMore = true; hasMore;) {
      const page = unwrap(await store.mail.take(box, cursor, 64));
      pages.push(page.items.length);
      ({ cursor, hasMore } = page);
    }
    expect(pages).toEqual([4, 4, 1]);
  });

  it('is refused when all boxes together are full, until something has expired', async () => {
    const { store, folder, clock } = open();
    await store.mail.put(idText(32), 60_000, textBytes('first'));
    store.close();
    const file = new DatabaseSync(join(folder, 'hearthnet.sqlite'));
    file.exec(`UPDATE box SET cost = ${limits.mailBytesMax - 10}; UPDATE mail SET cost = ${limits.mailBytesMax - 10}`);
    file.close();
    const again = unwrap(openServerStore(folder, { clock, fileBytesMax: null }));
    cleanups.push(again.close);
    const box = idText(32);
    expect(await again.mail.put(box, 60_000, textBytes('no room'))).toEqual({ ok: false, error: 'mail-full' });
    expect(again.mail.state().isFull).toBe(true);
    clock.advance(60_000);
    expect((await again.mail.put(box, 60_000, textBytes('room'))).ok).toBe(true);
    expect(again.mail.state().isFull).toBe(false);
  });

  it('that fits is kept although another of the same moment does not', async () => {
    const { store } = open(makeFolder(), 512 * 1024);
    const box = idText(32);
    const big = new Uint8Array(60_000);
    const results = await Promise.all(Array.from({ length: 12 }, () => store.mail.put(box, 60_000, big)));
    const kept = results.filter((result) => result.ok).length;
    expect(kept).toBeGreaterThan(2);
    expect(kept).toBeLessThan(12);
    expect(store.mail.state().items).toBe(kept);
  });

  it('asked for after the store was closed is refused, not lost in silence', async () => {
    const { store } = open();
    const [box, late] = [idText(32), store.mail];
    const underway = store.mail.put(box, 60_000, textBytes('on the way'));
    store.close();
    expect(await underway).toEqual({ ok: true, value: null });
    expect(await late.put(box, 60_000, textBytes('too late'))).toEqual({ ok: false, error: 'mail-unavailable' });
    expect(await late.take(box, '', 1)).toEqual({ ok: false, error: 'mail-unavailable' });
  });
});

describe('node signaling/backup.ts', () => {
  const backUp = (dataDir: string, ...args: string[]) =>
    spawnSync(process.execPath, ['signaling/backup.ts', ...args], { env: { DATA_DIR: dataDir }, encoding: 'utf8' });

  it('copies the file while the server has it open, and cursors of before begin again on the copy', async () => {
    const { store, folder, clock } = open();
    const box = idText(32);
    await store.mail.put(box, 60_000, textBytes('one'));
    const { cursor } = unwrap(await store.mail.take(box, '', 1));
    store.roster.see(idText(32), idText(16));
    const saved = join(makeFolder(), 'hearthnet.sqlite');
    const done = backUp(folder, saved);
    expect(done.stderr).toBe('');
    expect(done.stdout).toBe(`Saved: ${saved}\n`);
    await store.mail.put(box, 60_000, textBytes('after the copy'));
    expect(await words(store, box, cursor)).toEqual(['after the copy']);

    const restored = unwrap(openServerStore(join(saved, '..'), { clock, fileBytesMax: null }));
    cleanups.push(restored.close);
    expect(restored.roster.entryCount()).toBe(1);
    expect(await words(restored, box, cursor)).toEqual(['one']);
  });

  it('says in one sentence what is missing, and overwrites nothing', () => {
    const { folder, store } = open();
    store.close();
    expect(backUp(folder).stderr).toMatch(/^Say where the copy goes: [^\n]+\n$/);
    expect(backUp(join(folder, 'nowhere'), join(folder, 'x')).stderr).toMatch(/^There is no data file at /);
    expect(backUp(folder, join(folder, 'hearthnet.sqlite')).stderr).toMatch(/is there already/);
    const unreachable = backUp(folder, join(folder, 'no', 'such', 'folder', 'x'));
    expect(unreachable.stderr).toMatch(/^The copy could not be made /);
    expect(unreachable.status).toBe(1);
    expect(existsSync(join(folder, 'x.part'))).toBe(false);
  });
});
