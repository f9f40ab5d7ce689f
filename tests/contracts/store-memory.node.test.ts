import { describe, expect, it } from 'vitest';
import { err, ok } from '../../src/lib/kernel/result.ts';
import {
  createMemoryDisk,
  createMemoryStore,
  isSimulatedCrash,
  type StoreFault,
} from '../../src/lib/stores/memory-store.ts';
import { runStoreContract } from './store-contract.ts';
import { eventAt, eventsIn, payloadsIn } from './store-place.ts';

const breaksAt = (broken: number, fault: StoreFault) => (n: number) => (n === broken ? fault : null);

runStoreContract('memory', async () => {
  const disk = createMemoryDisk();
  return {
    open: async (faults) =>
      createMemoryStore({ disk, ...(faults ? { beforeCommit: breaksAt(faults.breaksAt, 'crash') } : {}) }),
    dispose: async () => {},
  };
});

const crashOf = async (work: Promise<unknown>): Promise<boolean> => work.then(() => false, isSimulatedCrash);

describe('memory store under faults', () => {
  it('crashes before the k-th commit, stays dead, and a new store finds all commits before it', async () => {
    const disk = createMemoryDisk();
    const store = createMemoryStore({ disk, beforeCommit: breaksAt(2, 'crash') });
    await store.commit({ events: [eventAt('anna', 0, 1)] }, 'relaxed');
    expect(await crashOf(store.commit({ events: [eventAt('anna', 0, 2)] }, 'strict'))).toBe(true);
    expect(await crashOf(store.segments())).toBe(true);
    expect(await crashOf(store.commit({}, 'strict'))).toBe(true);
    expect((await eventsIn(createMemoryStore({ disk }))).map(({ seq }) => seq)).toEqual([1]);
  });

  it('crashes after the k-th commit: the writer never hears of it and finds it there', async () => {
    const disk = createMemoryDisk();
    const store = createMemoryStore({ disk, beforeCommit: breaksAt(1, 'crash-after') });
    expect(await crashOf(store.commit({ events: [eventAt('anna', 0, 1)] }, 'strict'))).toBe(true);
    expect(await eventsIn(createMemoryStore({ disk }))).toEqual([eventAt('anna', 0, 1)]);
  });

  it('loses relaxed commits since the last strict one when the power is cut, and never a strict one', async () => {
    const disk = createMemoryDisk();
    const store = createMemoryStore({ disk, beforeCommit: breaksAt(5, 'power-cut') });
    await store.commit({ kv: [{ key: 'a', value: 1 }] }, 'relaxed');
    await store.commit({ kv: [{ key: 'b', value: 1 }] }, 'strict');
    await store.commit(
      {
        kv: [
          { key: 'b', value: 2 },
          { key: 'a', value: null },
        ],
        events: [eventAt('anna', 0, 1)],
      },
      'relaxed',
    );
    await store.commit(
      { kv: [{ key: 'b', value: 3 }], payloads: [{ id: 'p', payload: new Uint8Array(1) }] },
      'relaxed',
    );
    expect(await crashOf(store.commit({ kv: [{ key: 'c', value: 1 }] }, 'strict'))).toBe(true);
    const after = createMemoryStore({ disk });
    expect([await after.get('a'), await after.get('b'), await after.get('c')]).toEqual([1, 1, undefined]);
    expect([await eventsIn(after), await payloadsIn(after)]).toEqual([[], []]);
  });

  it('reports a full disk, writes nothing, and goes on when there is room again', async () => {
    const store = createMemoryStore({ beforeCommit: breaksAt(1, 'quota-full') });
    expect(await store.commit({ events: [eventAt('anna', 0, 1)] }, 'strict')).toEqual(err('quota-full'));
    expect(await eventsIn(store)).toEqual([]);
    expect(await store.commit({ events: [eventAt('anna', 0, 1)] }, 'strict')).toEqual(ok(undefined));
  });
});
