import 'fake-indexeddb/auto';
import { deleteDB, openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import type { StoredSegment } from '../../src/lib/kernel/ports/store.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { isSegmentSound } from '../../src/lib/kernel/segment.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { freshName, makeIdbPlace } from './store-idb-place.ts';
import { runStoreContract } from './store-contract.ts';
import { eventAt, eventsIn } from './store-place.ts';

// The same store in Chromium: tests/browser/idb-store.test.ts.
runStoreContract('IndexedDB in memory', makeIdbPlace);

describe('a damaged segment on the disk', () => {
  it('holds nothing, and is gone once its last place is written again', async () => {
    const name = freshName();
    const store = unwrap(await openIdbStore({ name }));
    const events = [0, 1, 2, 3].map((seq) => eventAt('anna', 0, seq));
    unwrap(await store.commit({ events }, 'strict'));
    const db = await openDB(name);
    const [segment] = (await db.getAll('segments')) as StoredSegment[];
    if (!segment) throw new Error('nothing is stored');
    segment.bytes[3] = 0;
    await db.put('segments', segment);
    db.close();
    unwrap(await store.commit({ events: events.slice(0, 2) }, 'strict'));
    expect((await store.segments()).map((each) => [each.from, each.to, isSegmentSound(each)])).toEqual([
      [0, 1, true],
      [0, 3, false],
    ]);
    unwrap(await store.commit({ events: [...events.slice(1), eventAt('anna', 0, 4)] }, 'strict'));
    expect((await eventsIn(store)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
    expect((await store.segments()).every(isSegmentSound)).toBe(true);
    store.close();
    await deleteDB(name);
  });
});
