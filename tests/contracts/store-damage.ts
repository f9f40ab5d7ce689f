import { deleteDB, openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import type { StoredEvent, StoredSegment } from '../../src/lib/kernel/ports/store.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { isSegmentSound } from '../../src/lib/kernel/segment.ts';
import { openIdbStore, type IdbStore } from '../../src/lib/stores/idb-store.ts';
import { freshName } from './store-idb-place.ts';
import { eventAt, eventsIn } from './store-place.ts';

const anna = (seq: number): StoredEvent => eventAt('anna', 0, seq);
const eventsTo = (last: number): StoredEvent[] => Array.from({ length: last + 1 }, (_, seq) => anna(seq));
const dropOf = ({ id, author, lane, seq }: StoredEvent) => ({ id, at: { author, lane, seq } });
const secret = new TextEncoder().encode('said once');

/** What a disk may do to one stored segment. */
const spoil = async (name: string, change: (segment: StoredSegment) => StoredSegment): Promise<void> => {
  const db = await openDB(name);
  const [segment] = (await db.getAll('segments')) as StoredSegment[];
  if (!segment) throw new Error('nothing is stored');
  await db.put('segments', change(segment));
  db.close();
};

const flip = (segment: StoredSegment): StoredSegment => {
  segment.bytes[3] = (segment.bytes[3] ?? 0) ^ 255;
  return segment;
};

const placesIn = async (store: IdbStore) =>
  (await store.segments()).map((each) => [each.from, each.to, isSegmentSound(each)]);

/** Damaged segments, on a real disk and on the one in memory. */
export const runDamageContract = (name: string): void => {
  const at = (sentence: string, test: (store: IdbStore, name: string) => Promise<void>) =>
    it(sentence, async () => {
      const database = freshName();
      const store = unwrap(await openIdbStore({ name: database }));
      await test(store, database).finally(() => store.close());
      await deleteDB(database);
    });

  describe(`a damaged segment: ${name}`, () => {
    at('holds nothing, and is gone once its last place is written again', async (store, database) => {
      const events = eventsTo(3);
      unwrap(await store.commit({ events }, 'strict'));
      await spoil(database, flip);
      unwrap(await store.commit({ events: events.slice(0, 2) }, 'strict'));
      expect(await placesIn(store)).toEqual([
        [0, 1, true],
        [0, 3, false],
      ]);
      unwrap(await store.commit({ events: [...events.slice(1), anna(4)] }, 'strict'));
      expect((await eventsIn(store)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
      expect((await store.segments()).every(isSegmentSound)).toBe(true);
    });

    at('is found wherever its bytes end too early or were never written', async (store, database) => {
      const events = eventsTo(3);
      unwrap(await store.commit({ events, payloads: events.map(({ id }) => ({ id, payload: secret })) }, 'strict'));
      const [whole] = await store.segments();
      if (!whole) throw new Error('nothing is stored');
      for (let written = 0; written < whole.bytes.length; written += 7) {
        const short = { ...whole, bytes: whole.bytes.slice(0, written) };
        const zeroed = { ...whole, bytes: whole.bytes.slice().fill(0, written) };
        for (const half of [short, zeroed]) {
          await spoil(database, () => half);
          expect(await placesIn(store), `written up to ${written}`).toEqual([[0, 3, false]]);
        }
      }
      for (let at = 0; at < whole.ends.length; at++) {
        const ends = whole.ends.slice();
        ends[at] = (ends[at] ?? 0) + 1;
        expect(isSegmentSound({ ...whole, ends })).toBe(false);
      }
      for (const other of [{ from: 1 }, { to: 4 }, { lane: 1 }, { author: 'bora' }, { bare: [2] }])
        expect(isSegmentSound({ ...whole, ...other })).toBe(false);
    });

    at('goes with its payloads when everything from below it is cut', async (store, database) => {
      unwrap(await store.commit({ events: eventsTo(1) }, 'strict'));
      const [beside, below] = [anna(1), anna(0)].map((event) => ({ ...dropOf(event), payload: secret }));
      if (!beside || !below) throw new Error('two payloads');
      unwrap(await store.commit({ payloads: [beside, below] }, 'strict'));
      await spoil(database, flip);
      unwrap(await store.commit({ truncate: [{ author: 'anna', lane: 0, from: 1 }] }, 'strict'));
      expect(await placesIn(store)).toEqual([[0, 0, false]]);
      expect((await store.payloads()).map(({ id }) => id)).toEqual([below.id]);
      unwrap(await store.commit({ truncate: [{ author: 'anna', lane: 0, from: 0 }] }, 'strict'));
      expect([await placesIn(store), await store.payloads()]).toEqual([[], []]);
    });

    at('that reaches over a cut stays known as lost, unless the places below it are held', async (store, database) => {
      unwrap(await store.commit({ events: eventsTo(7) }, 'strict'));
      await spoil(database, flip);
      unwrap(await store.commit({ truncate: [{ author: 'anna', lane: 0, from: 5 }] }, 'strict'));
      expect(await placesIn(store)).toEqual([[4, 4, false]]);
      unwrap(await store.commit({ events: eventsTo(3) }, 'strict'));
      expect(await placesIn(store)).toEqual([
        [0, 3, true],
        [4, 4, false],
      ]);
      unwrap(await store.commit({ truncate: [{ author: 'anna', lane: 0, from: 2 }] }, 'strict'));
      expect(await placesIn(store)).toEqual([[0, 1, true]]);
    });

    at('keeps no byte of a dropped payload', async (store, database) => {
      const events = eventsTo(3);
      unwrap(await store.commit({ events, payloads: events.map(({ id }) => ({ id, payload: secret })) }, 'strict'));
      await spoil(database, flip);
      unwrap(await store.commit({ events: events.slice(0, 3), drop: [dropOf(anna(2))] }, 'strict'));
      const db = await openDB(database);
      const left = (await db.getAll('segments')) as StoredSegment[];
      db.close();
      const text = left.map(({ bytes }) => new TextDecoder().decode(bytes)).join();
      expect(text).not.toContain('said once');
      expect(await placesIn(store)).toEqual([
        [0, 2, true],
        [0, 3, false],
      ]);
    });
  });
};
