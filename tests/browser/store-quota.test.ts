import { afterEach, expect, it, vi } from 'vitest';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { eventsOfSegment } from '../../src/lib/kernel/segment.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { eventAt } from '../contracts/store-place.ts';

/** Storage buckets are Chromium's alone and not in TypeScript's library yet; only this test needs them. */
type Buckets = {
  open(name: string, options: { quota: number }): Promise<{ indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
};

afterEach(() => vi.unstubAllGlobals());

it('says quota-full when the browser has no room, and leaves nothing of that commit behind', async () => {
  const { storageBuckets } = navigator as unknown as { storageBuckets: Buckets };
  const name = `store-${crypto.randomUUID()}`;
  const bucket = await storageBuckets.open(name, { quota: 4 * 1024 * 1024 });
  vi.stubGlobal('indexedDB', bucket.indexedDB);
  const store = unwrap(await openIdbStore({ name }));
  expect(await store.commit({ events: [eventAt('anna', 0, 1)] }, 'strict')).toEqual(ok(undefined));
  const payload = crypto.getRandomValues(new Uint8Array(60 * 1024));
  const payloads = Array.from({ length: 100 }, (_, at) => ({ id: `photo-${at}`, payload }));
  expect(await store.commit({ events: [eventAt('anna', 0, 2)], payloads }, 'strict')).toEqual(err('quota-full'));
  expect([(await store.segments()).flatMap(eventsOfSegment), await store.payloads()]).toEqual([
    [eventAt('anna', 0, 1)],
    [],
  ]);
  store.close();
  await storageBuckets.delete(name);
});
