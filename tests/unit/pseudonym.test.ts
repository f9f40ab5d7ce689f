import { describe, expect, it } from 'vitest';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { createPseudonym } from '../../src/lib/node/pseudonym.ts';
import { createMemoryDisk, createMemoryStore, type MemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const dayMs = 24 * 3600_000;
const weekMs = 7 * dayMs;

/** Anna's device at its n-th start. */
const start = (disk: MemoryDisk, clock = createVirtualClock(0), n = 1, isFull = false) => {
  const random = seededRandom(`anna ${n}`);
  const store = createMemoryStore({ disk, beforeCommit: () => (isFull ? 'quota-full' : null) });
  const pseudonym = createPseudonym({ store, crypto: createNodeCrypto(random), clock, random });
  return { store, name: async () => bytesToText((await pseudonym()).publicKey) };
};

describe('the key anna is known by at servers', () => {
  it('stays the same for a week, also after a start, and is another one in the next', async () => {
    const disk = createMemoryDisk();
    const clock = createVirtualClock(0);
    const first = start(disk, clock);
    const name = await first.name();
    const later = start(disk, createVirtualClock(6 * dayMs), 2);
    expect([await first.name(), await later.name()]).toEqual([name, name]);
    const nextWeek = await start(disk, createVirtualClock(weekMs), 3).name();
    expect(nextWeek).not.toBe(name);
  });

  it('changes in a node that runs on over the end of the week', async () => {
    const clock = createVirtualClock(weekMs - 1);
    const anna = start(createMemoryDisk(), clock);
    const name = await anna.name();
    clock.after(1, () => {});
    clock.fireNext(weekMs);
    expect(await anna.name()).not.toBe(name);
  });

  it('is one key for whoever asks at the same time', async () => {
    const anna = start(createMemoryDisk());
    const [one, other] = await Promise.all([anna.name(), anna.name()]);
    expect(one).toBe(other);
  });

  it('lasts until the next start where the store is full', async () => {
    const disk = createMemoryDisk();
    const anna = start(disk, createVirtualClock(0), 1, true);
    const name = await anna.name();
    expect(await anna.name()).toBe(name);
    expect(await start(disk, createVirtualClock(0), 2).name()).not.toBe(name);
  });

  it.each([null, 'seed', { week: 0 }, { week: '0', seed: new Uint8Array(32) }, { week: 0, seed: new Uint8Array(31) }])(
    'is made anew where the store holds %j',
    async (kept) => {
      const disk = createMemoryDisk();
      disk.kv.set('pseudonym', kept);
      expect(await start(disk).name()).toMatch(/^[\w-]{43}$/);
      expect(disk.kv.get('pseudonym')).toMatchObject({ week: 0, seed: { length: 32 } });
    },
  );

  it('is looked for again when the store could not be read once', async () => {
    const disk = createMemoryDisk();
    const name = await start(disk).name();
    const { store } = start(disk, createVirtualClock(0), 2);
    let isBroken = true;
    const get: typeof store.get = (key) => (isBroken ? Promise.reject(new Error('the disk is away')) : store.get(key));
    const random = seededRandom('anna 3');
    const pseudonym = createPseudonym({
      store: { ...store, get },
      crypto: createNodeCrypto(random),
      clock: createVirtualClock(0),
      random,
    });
    await expect(pseudonym()).rejects.toThrow('the disk is away');
    isBroken = false;
    expect(bytesToText((await pseudonym()).publicKey)).toBe(name);
  });
});
