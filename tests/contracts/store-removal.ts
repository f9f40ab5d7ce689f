import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Commit, Store, StoredEvent, StoredPayload } from '../../src/lib/kernel/ports/store.ts';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { isSegmentSound } from '../../src/lib/kernel/segment.ts';
import { byId, eventAt, eventsIn, payloadsIn, type StorePlace } from './store-place.ts';

const many = limits.segmentsJoinedMin;
const anna = (seq: number, id?: string): StoredEvent => eventAt('anna', 0, seq, id);
const placeOf = ({ author, lane, seq }: StoredEvent) => ({ author, lane, seq });
const payloadOf = (event: StoredEvent): StoredPayload => ({
  id: event.id,
  payload: new Uint8Array([event.seq, 1]),
  at: placeOf(event),
});
const dropOf = (event: StoredEvent) => ({ id: event.id, at: placeOf(event) });
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);
const withoutPlace = ({ id, payload }: StoredPayload) => ({ id, payload });

const packAll = async (store: Store): Promise<void> => {
  while (unwrap(await store.pack('anna', 0))) continue;
};

/** Anna's lane: packed events 0 to `many`, every fourth payload beside its segment, two short records after it; and Bora's. */
const fill = async (store: Store): Promise<StoredEvent[]> => {
  const early = range(0, many).map((seq) => anna(seq));
  for (const event of early)
    unwrap(await store.commit({ events: [event], payloads: event.seq % 4 === 0 ? [] : [payloadOf(event)] }, 'relaxed'));
  await packAll(store);
  const late = [anna(many + 1), anna(many + 2)];
  for (const event of late) unwrap(await store.commit({ events: [event], payloads: [payloadOf(event)] }, 'relaxed'));
  const bora = [eventAt('bora', 0, 0), eventAt('anna', 1, 0), eventAt('anna', 1, 1)];
  unwrap(await store.commit({ events: bora, payloads: bora.map(payloadOf) }, 'relaxed'));
  for (const event of early.filter(({ seq }) => seq % 4 === 0))
    unwrap(await store.commit({ payloads: [payloadOf(event)] }, 'relaxed'));
  return eventsIn(store);
};

const contentOf = async (store: Store) => ({
  events: (await eventsIn(store)).map(({ id }) => id),
  payloads: (await payloadsIn(store)).map(({ id }) => id),
  note: await store.get('note'),
});

/** Truncation and dropping, what they leave alone, and every point at which the device may stop. */
export const runRemovalContract = (name: string, makePlace: () => Promise<StorePlace>): void => {
  const at = (sentence: string, test: (place: StorePlace) => Promise<void>) =>
    it(sentence, async () => {
      const place = await makePlace();
      await test(place).finally(() => place.dispose());
    });

  describe(`removal contract: ${name}`, () => {
    for (const from of [0, 1, 7, 8, many, many + 1, many + 2, many + 3, many + 99]) {
      at(`cuts the lane of Anna from seq ${from} on, payloads included, and nothing else`, async (place) => {
        const store = await place.open();
        const events = await fill(store);
        const stays = events.filter(({ author, lane, seq }) => author !== 'anna' || lane !== 0 || seq < from);
        expect(await store.commit({ truncate: [{ author: 'anna', lane: 0, from }] }, 'strict')).toEqual(ok(undefined));
        store.close();
        const reopened = await place.open();
        expect(await eventsIn(reopened)).toEqual(stays);
        expect(await payloadsIn(reopened)).toEqual(stays.map(payloadOf).map(withoutPlace).toSorted(byId));
        expect((await reopened.segments()).every(isSegmentSound)).toBe(true);
      });
    }

    at(
      'gives the freed places to others in the same commit, and conflicts below the cut stay conflicts',
      async (place) => {
        const store = await place.open();
        const events = await fill(store);
        const truncate = [{ author: 'anna', lane: 0, from: 5 }];
        const twins = [anna(5, 'twin-5'), anna(6, 'twin-6')];
        const tooLow = { truncate, events: [anna(4, 'twin-4'), ...twins], kv: [{ key: 'note', value: 1 }] };
        expect(await store.commit(tooLow, 'strict')).toEqual(err('conflict'));
        expect(await eventsIn(store)).toEqual(events);
        expect(await store.get('note')).toBeUndefined();
        expect(await store.commit({ truncate, events: twins, payloads: twins.map(payloadOf) }, 'strict')).toEqual(
          ok(undefined),
        );
        const lane = (await eventsIn(store)).filter(({ author, lane }) => author === 'anna' && lane === 0);
        expect(lane).toEqual([...range(0, 4).map((seq) => anna(seq)), ...twins]);
        expect((await payloadsIn(store)).map(({ id }) => id)).toEqual(
          expect.arrayContaining(twins.map(({ id }) => id)),
        );
      },
    );

    at('drops payloads in a segment, beside it and of the same commit; the events stay', async (place) => {
      const store = await place.open();
      const events = await fill(store);
      const fresh = anna(many + 3);
      const gone = [anna(3), anna(4), anna(many + 1), fresh];
      const batch = { events: [fresh], payloads: [payloadOf(fresh)], drop: gone.map(dropOf) };
      expect(await store.commit(batch, 'strict')).toEqual(ok(undefined));
      const left = events.filter(({ id }) => !gone.some((each) => each.id === id));
      const check = async (each: Store): Promise<void> => {
        expect((await eventsIn(each)).map(({ id }) => id)).toEqual(
          expect.arrayContaining([...events, fresh].map(({ id }) => id)),
        );
        expect(await payloadsIn(each)).toEqual(left.map(payloadOf).map(withoutPlace).toSorted(byId));
        expect((await each.segments()).every(isSegmentSound)).toBe(true);
      };
      await check(store);
      expect(await store.commit({ drop: gone.map(dropOf) }, 'strict')).toEqual(ok(undefined));
      await packAll(store);
      store.close();
      await check(await place.open());
    });

    at('drops nothing of another event than the one that was meant', async (place) => {
      const store = await place.open();
      const events = await fill(store);
      const drop = [
        { id: 'somebody-else', at: placeOf(anna(3)) },
        { id: 'nobody', at: { author: 'nobody', lane: 3, seq: 9 } },
      ];
      expect(await store.commit({ drop }, 'strict')).toEqual(ok(undefined));
      expect(await payloadsIn(store)).toHaveLength(events.length);
    });

    at('packs what grows anew behind a cut, also where it had packed before', async (place) => {
      const store = await place.open();
      const grow = async (events: readonly StoredEvent[]): Promise<void> => {
        // Two halves with gaps in between leave a record an event.
        for (const half of [0, 1])
          unwrap(await store.commit({ events: events.filter(({ seq }) => seq % 2 === half) }, 'relaxed'));
        await packAll(store);
      };
      await grow(range(0, 2 * limits.segmentEventsMax + many).map((seq) => anna(seq)));
      unwrap(await store.commit({ truncate: [{ author: 'anna', lane: 0, from: 2 }] }, 'strict'));
      const again = range(2, limits.segmentEventsMax - 1).map((seq) => anna(seq, `again-${seq}`));
      await grow(again);
      expect(await eventsIn(store)).toEqual([anna(0), anna(1), ...again]);
      expect((await store.segments()).length).toBeLessThan(many);
    });

    at('is refused to a store that was overtaken, and leaves everything', async (place) => {
      const old = await place.open();
      await fill(old);
      const fresh = await place.open();
      const before = await contentOf(fresh);
      const batch = { truncate: [{ author: 'anna', lane: 0, from: 1 }], drop: [dropOf(anna(0))] };
      expect(await old.commit(batch, 'strict')).toEqual(err('fenced'));
      expect(await contentOf(fresh)).toEqual(before);
    });

    it('does all of a commit or nothing, wherever the device stops', async () => {
      for (let breaksAt = 1; ; breaksAt++) {
        const place = await makePlace();
        const isThrough = await stopAt(place, breaksAt);
        await place.dispose();
        if (isThrough) break;
        expect(breaksAt).toBeLessThan(1_000);
      }
    });
  });
};

/** A lane cut, taken by twins, with payloads given and dropped and a note: one commit that stops at its k-th operation. */
const stopAt = async (place: StorePlace, breaksAt: number): Promise<boolean> => {
  const first = await place.open();
  await fill(first);
  const before = await contentOf(first);
  first.close();
  const twins = [anna(9, 'twin-9'), anna(10, 'twin-10')];
  const batch: Commit = {
    truncate: [
      { author: 'anna', lane: 0, from: 9 },
      { author: 'anna', lane: 1, from: 1 },
    ],
    events: twins,
    payloads: twins.map(payloadOf),
    drop: [anna(4), anna(5), twins[0] ?? anna(9), eventAt('bora', 0, 0)].map(dropOf),
    kv: [{ key: 'note', value: 'whole' }],
  };
  const store = await place.open({ breaksAt });
  const isThrough = await store.commit(batch, 'strict').then(
    ({ ok: isDone }) => isDone,
    () => false,
  );
  store.close();
  const after = await place.open();
  const whole = {
    events: [...range(0, 8).map((seq) => `anna-0-${seq}`), 'twin-9', 'twin-10', 'anna-1-0', 'bora-0-0'],
    payloads: [...[0, 1, 2, 3, 6, 7, 8].map((seq) => `anna-0-${seq}`), 'anna-1-0', 'twin-10'],
    note: 'whole',
  };
  expect(await contentOf(after), `stopped at ${breaksAt}`).toEqual(isThrough ? whole : before);
  expect((await after.segments()).every(isSegmentSound)).toBe(true);
  expect(await after.commit(batch, 'strict')).toEqual(ok(undefined));
  expect(await contentOf(after)).toEqual(whole);
  after.close();
  return isThrough;
};
