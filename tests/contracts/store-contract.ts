import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/lib/kernel/ports/store.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { isSegmentSound } from '../../src/lib/kernel/segment.ts';
import { runPackingContract } from './store-packing.ts';
import { runRemovalContract } from './store-removal.ts';
import { byId, eventAt, eventsIn, payloadsIn, type StorePlace } from './store-place.ts';

/** What every store must do, hostile cases included. */
export const runStoreContract = (name: string, makePlace: () => Promise<StorePlace>): void => {
  describe(`store contract: ${name}`, () => {
    let place: StorePlace;
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(() => place.dispose());

    const idsIn = async (store: Store): Promise<string[]> => (await eventsIn(store)).map(({ id }) => id);

    it('reads back identical bytes in author, lane and seq order after reopening, whatever the order they came in', async () => {
      const store = await place.open();
      const all = [
        eventAt('chen', 0, 1),
        eventAt('anna', 1, 2),
        eventAt('anna', 0, 10),
        eventAt('Bora', 0, 1),
        eventAt('anna', 0, 9),
      ];
      const payloads = all.map(({ id }, at) => ({ id, payload: new Uint8Array([at, 255, 0, 128]) }));
      expect(await store.commit({ events: all, payloads }, 'strict')).toEqual(ok(undefined));
      store.close();
      const reopened = await place.open();
      expect(await idsIn(reopened)).toEqual(['Bora-0-1', 'anna-0-9', 'anna-0-10', 'anna-1-2', 'chen-0-1']);
      expect(await eventsIn(reopened)).toEqual(expect.arrayContaining(all));
      expect(await payloadsIn(reopened)).toEqual(payloads.toSorted(byId));
    });

    it('keeps its own copy, so that a sender who goes on using his buffer changes nothing', async () => {
      const store = await place.open();
      const frame = new Uint8Array(1000).fill(7);
      const event = { ...eventAt('anna', 0, 1), envelope: frame.subarray(10, 14) };
      await store.commit({ events: [event], payloads: [{ id: event.id, payload: frame.subarray(0, 2) }] }, 'strict');
      frame.fill(9);
      const [stored] = await eventsIn(store);
      expect(stored?.envelope).toEqual(new Uint8Array([7, 7, 7, 7]));
      expect(await payloadsIn(store)).toEqual([{ id: event.id, payload: new Uint8Array([7, 7]) }]);
    });

    it('takes 2,000 events in one commit', async () => {
      const store = await place.open();
      const events = Array.from({ length: 2000 }, (_, at) =>
        eventAt(at % 2 === 0 ? 'anna' : 'bora', 0, Math.floor(at / 2) + 1),
      );
      expect(
        await store.commit(
          { events, payloads: events.map(({ id, envelope }) => ({ id, payload: envelope })) },
          'strict',
        ),
      ).toEqual(ok(undefined));
      expect(await eventsIn(store)).toHaveLength(2000);
      expect((await eventsIn(store))[1999]).toEqual(eventAt('bora', 0, 1000));
    });

    it('refuses another event at a taken place and leaves nothing of that commit behind', async () => {
      const store = await place.open();
      await store.commit({ events: [eventAt('anna', 0, 2)] }, 'strict');
      const forked = {
        events: [eventAt('anna', 0, 1), eventAt('anna', 0, 2, 'another'), eventAt('bora', 0, 1)],
        payloads: [{ id: 'another', payload: new Uint8Array([1]) }],
        kv: [{ key: 'note', value: 1 }],
      };
      expect(await store.commit(forked, 'strict')).toEqual(err('conflict'));
      expect(await idsIn(store)).toEqual(['anna-0-2']);
      expect(await payloadsIn(store)).toEqual([]);
      expect(await store.get('note')).toBeUndefined();
    });

    it('refuses two events that want one place within the same commit', async () => {
      const store = await place.open();
      expect(
        await store.commit({ events: [eventAt('anna', 0, 1), eventAt('anna', 0, 1, 'another')] }, 'strict'),
      ).toEqual(err('conflict'));
      expect(await eventsIn(store)).toEqual([]);
    });

    it('takes the same event again as done, also twice in one commit, and still writes the rest', async () => {
      const store = await place.open();
      await store.commit({ events: [eventAt('anna', 0, 1)] }, 'strict');
      const again = {
        events: [eventAt('anna', 0, 1), eventAt('anna', 0, 2), eventAt('anna', 0, 2)],
        kv: [{ key: 'seen', value: true }],
      };
      expect(await store.commit(again, 'relaxed')).toEqual(ok(undefined));
      expect(await idsIn(store)).toEqual(['anna-0-1', 'anna-0-2']);
      expect(await store.get('seen')).toBe(true);
    });

    it('leaves nothing of a commit that breaks in the middle of its writing', async () => {
      const store = await place.open();
      const broken = {
        events: [eventAt('anna', 0, 1)],
        kv: [
          { key: 'before', value: 1 },
          { key: 'uncloneable', value: () => 1 },
        ],
      };
      await expect(store.commit(broken, 'strict')).rejects.toThrow();
      expect(await eventsIn(store)).toEqual([]);
      expect(await store.get('before')).toBeUndefined();
      expect(await store.commit({ events: [eventAt('anna', 0, 1)] }, 'strict')).toEqual(ok(undefined));
    });

    it('lets only the newest of two openings write, and tells the older one that it is fenced', async () => {
      const old = await place.open();
      expect(await old.commit({ events: [eventAt('anna', 0, 1)] }, 'strict')).toEqual(ok(undefined));
      const fresh = await place.open();
      expect(fresh.epoch).toBeGreaterThan(old.epoch);
      expect(
        await old.commit({ events: [eventAt('anna', 0, 2, 'zombie')], kv: [{ key: 'note', value: 1 }] }, 'strict'),
      ).toEqual(err('fenced'));
      expect(await fresh.commit({ events: [eventAt('anna', 0, 2)] }, 'strict')).toEqual(ok(undefined));
      expect(await old.commit({}, 'relaxed')).toEqual(err('fenced'));
      expect(await idsIn(fresh)).toEqual(['anna-0-1', 'anna-0-2']);
      expect(await fresh.get('note')).toBeUndefined();
    });

    it('settles a race of two writers: each place holds one event and only one writer was told so', async () => {
      const old = await place.open();
      const racing = Array.from({ length: 20 }, (_, at) =>
        old.commit({ events: [eventAt('anna', 0, at + 1, `old-${at}`)] }, 'relaxed'),
      );
      const fresh = await place.open();
      const answers = await Promise.all(racing);
      const written = answers.flatMap((answer, at) => (answer.ok ? [`old-${at}`] : []));
      expect(answers.filter((answer) => !answer.ok).every((answer) => !answer.ok && answer.error === 'fenced')).toBe(
        true,
      );
      expect((await idsIn(fresh)).toSorted()).toEqual(written.toSorted());
    });

    it('does not let a service overwrite the epoch it is fenced by', async () => {
      const store = await place.open();
      await expect(store.commit({ kv: [{ key: 'leader-epoch', value: 0 }] }, 'strict')).rejects.toThrow('leader-epoch');
      expect(await store.commit({ kv: [{ key: 'x', value: 1 }] }, 'strict')).toEqual(ok(undefined));
    });

    it('sets, lists by prefix and removes keys', async () => {
      const store = await place.open();
      const kv = ['corpus/b', 'corpus/a', 'corpora', 'corpus', 'zebra'].map((key) => ({ key, value: { of: key } }));
      await store.commit({ kv }, 'strict');
      expect(await store.list('corpus/')).toEqual([
        { key: 'corpus/a', value: { of: 'corpus/a' } },
        { key: 'corpus/b', value: { of: 'corpus/b' } },
      ]);
      await store.commit(
        {
          kv: [
            { key: 'corpus/a', value: null },
            { key: 'never-there', value: null },
          ],
        },
        'strict',
      );
      expect((await store.list('corpus/')).map(({ key }) => key)).toEqual(['corpus/b']);
      expect(await store.get('corpus/a')).toBeUndefined();
    });

    it('keeps a key that cannot be exported, and it still signs after reopening', async () => {
      const store = await place.open();
      const made = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
      await store.commit({ kv: [{ key: 'device-key', value: { made } }] }, 'strict');
      const signature = await crypto.subtle.sign('HMAC', made, new Uint8Array([1, 2, 3]));
      store.close();
      const value = (await (await place.open()).get('device-key')) as { made: CryptoKey };
      expect(value.made.extractable).toBe(false);
      expect(await crypto.subtle.verify('HMAC', value.made, signature, new Uint8Array([1, 2, 3]))).toBe(true);
    });

    it('refuses commits after it was closed, and closing twice is harmless', async () => {
      const store = await place.open();
      store.close();
      store.close();
      expect(await store.commit({ kv: [{ key: 'late', value: 1 }] }, 'strict')).toEqual(err('closed'));
      await expect(store.segments()).rejects.toThrow();
      expect(await (await place.open()).get('late')).toBeUndefined();
    });

    it('gives sound segments, each with the digest of its last event', async () => {
      const store = await place.open();
      const digest = new Uint8Array(32).fill(3);
      const events = [0, 1, 2].map((seq) =>
        seq === 2 ? { ...eventAt('anna', 0, seq), digest } : eventAt('anna', 0, seq),
      );
      await store.commit({ events, payloads: [{ id: 'anna-0-1', payload: new Uint8Array([1]) }] }, 'relaxed');
      const segments = await store.segments();
      expect(segments.every(isSegmentSound)).toBe(true);
      expect(segments).toMatchObject([{ from: 0, to: 2, bare: [0, 2], digest }]);
    });
  });
  runPackingContract(name, makePlace);
  runRemovalContract(name, makePlace);
};
