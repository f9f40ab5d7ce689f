import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Store, StoredEvent } from '../../src/lib/kernel/ports/store.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { isSegmentSound } from '../../src/lib/kernel/segment.ts';
import { eventAt, eventsIn, payloadsIn, type StorePlace } from './store-place.ts';

const many = limits.segmentsJoinedMin;
const payloadOf = ({ id, seq }: StoredEvent) => ({ id, payload: new Uint8Array([seq, 1]) });
const seqs = (first: number, last: number, step = 1): StoredEvent[] => {
  const events: StoredEvent[] = [];
  for (let seq = first; seq <= last; seq += step) events.push(eventAt('anna', 0, seq));
  return events;
};

/** Two commits that leave many short records: the even seqs first, then what lies between them. */
const writeManyRecords = async (store: Store): Promise<StoredEvent[]> => {
  const [even, odd] = [seqs(0, many, 2), seqs(1, many, 2)];
  unwrap(await store.commit({ events: even, payloads: even.map(payloadOf) }, 'strict'));
  unwrap(await store.commit({ events: odd }, 'strict'));
  return [...even, ...odd].toSorted((a, b) => a.seq - b.seq);
};

const packAll = async (store: Store, author = 'anna', lane = 0): Promise<void> => {
  while (unwrap(await store.pack(author, lane))) continue;
};

/** Packing, what comes later for packed events, and every point at which the device may stop. */
export const runPackingContract = (name: string, makePlace: () => Promise<StorePlace>): void => {
  const at = (sentence: string, test: (place: StorePlace) => Promise<void>) =>
    it(sentence, async () => {
      const place = await makePlace();
      await test(place).finally(() => place.dispose());
    });

  describe(`packing contract: ${name}`, () => {
    at('changes nothing of what is stored, and leaves few sound segments in order', async (place) => {
      const store = await place.open();
      const events = await writeManyRecords(store);
      const before = [await eventsIn(store), await payloadsIn(store)];
      await packAll(store);
      expect([await eventsIn(store), await payloadsIn(store)]).toEqual(before);
      expect(await eventsIn(store)).toEqual(events);
      const segments = await store.segments();
      expect([segments.length, segments.every(isSegmentSound)]).toEqual([1, true]);
    });

    at(
      'goes on after packed events: the next one, the same ones again, and another one at a packed place',
      async (place) => {
        const store = await place.open();
        const events = await writeManyRecords(store);
        await packAll(store);
        const next = eventAt('anna', 0, many + 1);
        expect(await store.commit({ events: [next, ...events] }, 'strict')).toEqual(ok(undefined));
        expect(await store.commit({ events: [eventAt('anna', 0, 5, 'another')] }, 'strict')).toEqual(err('conflict'));
        expect(await eventsIn(store)).toEqual([...events, next]);
      },
    );

    at('takes payloads that come after their events, one, many at once, and in the commit of others', async (place) => {
      const store = await place.open();
      const events = await writeManyRecords(store);
      const bare = events.filter(({ seq }) => seq % 2 === 1);
      const late = bare.map((event) => ({ ...payloadOf(event), at: { author: 'anna', lane: 0, seq: event.seq } }));
      expect(await store.commit({ payloads: late.slice(0, 1) }, 'relaxed')).toEqual(ok(undefined));
      await packAll(store);
      expect(await store.commit({ events: [eventAt('bora', 0, 0)], payloads: late.slice(1, -1) }, 'relaxed')).toEqual(
        ok(undefined),
      );
      expect(
        await store.commit({ payloads: late.slice(-1).map(({ id, payload }) => ({ id, payload })) }, 'relaxed'),
      ).toEqual(ok(undefined));
      store.close();
      const reopened = await place.open();
      expect(await payloadsIn(reopened)).toEqual(events.map(payloadOf).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
      expect((await reopened.segments()).every(isSegmentSound)).toBe(true);
    });

    at('keeps lanes, authors and gaps apart', async (place) => {
      const store = await place.open();
      await writeManyRecords(store);
      const others = [eventAt('anna', 1, 0), eventAt('bora', 0, 0), ...[3, 7, 9].map((seq) => eventAt('chen', 2, seq))];
      unwrap(await store.commit({ events: others }, 'strict'));
      const before = await eventsIn(store);
      for (const [author, lane] of [
        ['anna', 0],
        ['anna', 1],
        ['bora', 0],
        ['chen', 2],
        ['nobody', 7],
      ] as const)
        await packAll(store, author, lane);
      expect(await eventsIn(store)).toEqual(before);
    });

    at('is refused to a store that was overtaken or closed', async (place) => {
      const old = await place.open();
      await writeManyRecords(old);
      const fresh = await place.open();
      expect(await old.pack('anna', 0)).toEqual(err('fenced'));
      fresh.close();
      expect(await fresh.pack('anna', 0)).toEqual(err('closed'));
    });

    it('keeps every acknowledged event and payload exactly once, wherever the device stops', async () => {
      for (let breaksAt = 1; ; breaksAt++) {
        const place = await makePlace();
        const isThrough = await liveThrough(place, breaksAt);
        await place.dispose();
        if (isThrough) break;
        expect(breaksAt).toBeLessThan(1_000);
      }
    });
  });
};

/** One life of a store that stops at its k-th operation, and the next one on the same disk. True when nothing stopped it. */
const liveThrough = async (place: StorePlace, breaksAt: number): Promise<boolean> => {
  const told = new Set<string>();
  const first = await place.open();
  const early = await writeManyRecords(first);
  for (const event of early) told.add(event.id);
  first.close();
  const store = await place.open({ breaksAt });
  const bare = early.filter(({ seq }) => seq % 2 === 1);
  const late = bare.map((event) => ({ ...payloadOf(event), at: { author: 'anna', lane: 0, seq: event.seq } }));
  const toldPayloads = new Set(early.filter(({ seq }) => seq % 2 === 0).map(({ id }) => id));
  const life = async (): Promise<void> => {
    unwrap(await store.commit({ payloads: late.slice(0, 2) }, 'strict'));
    for (const { id } of late.slice(0, 2)) toldPayloads.add(id);
    await packAll(store);
    unwrap(await store.commit({ events: seqs(many + 1, many + 3) }, 'strict'));
    for (const { id } of seqs(many + 1, many + 3)) told.add(id);
    unwrap(await store.commit({ payloads: late.slice(2) }, 'strict'));
    for (const { id } of late) toldPayloads.add(id);
  };
  const isThrough = await life().then(
    () => true,
    () => false,
  );
  store.close();
  const after = await place.open();
  const ids = (await eventsIn(after)).map(({ id }) => id);
  expect(new Set(ids).size, `stopped at ${breaksAt}`).toBe(ids.length);
  expect(ids, `stopped at ${breaksAt}`).toEqual(expect.arrayContaining([...told]));
  const held = await payloadsIn(after);
  expect(new Set(held.map(({ id }) => id)).size).toBe(held.length);
  expect(held.map(({ id }) => id)).toEqual(expect.arrayContaining([...toldPayloads]));
  expect((await after.segments()).every(isSegmentSound)).toBe(true);
  unwrap(await after.commit({ events: seqs(0, many + 4) }, 'strict'));
  expect((await eventsIn(after)).map(({ id }) => id)).toEqual(seqs(0, many + 4).map(({ id }) => id));
  after.close();
  return isThrough;
};
