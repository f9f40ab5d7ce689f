import { deleteDB, openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { err, ok, unwrap } from '../../src/lib/kernel/result.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { runStoreContract } from '../contracts/store-contract.ts';
import { runDamageContract } from '../contracts/store-damage.ts';
import { eventAt, eventsIn, payloadsIn } from '../contracts/store-place.ts';
import { freshName, makeIdbPlace } from '../contracts/store-idb-place.ts';

runStoreContract('IndexedDB', makeIdbPlace);
runDamageContract('IndexedDB');

describe('IndexedDB store', () => {
  it('is closed, and says so, when somebody deletes or upgrades the database', async () => {
    const name = freshName();
    let lost = 0;
    const store = unwrap(await openIdbStore({ name, onLost: () => (lost += 1) }));
    await deleteDB(name);
    expect(lost).toBe(1);
    expect(await store.commit({ kv: [{ key: 'a', value: 1 }] }, 'strict')).toEqual(err('closed'));
  });

  it('refuses to open a database that a newer build has changed', async () => {
    const name = freshName();
    const newer = await openDB(name, 3);
    newer.close();
    expect(await openIdbStore({ name })).toEqual(err('newer-version'));
    await deleteDB(name);
  });
});

/** A database as version 1 left it: every event and every payload in a record of its own. */
const makeVersionOne = async (name: string, count: number): Promise<void> => {
  const db = await openDB(name, 1, {
    upgrade: (fresh) => {
      fresh.createObjectStore('events', { keyPath: ['author', 'lane', 'seq'] });
      fresh.createObjectStore('payloads', { keyPath: 'id' });
      fresh.createObjectStore('kv');
    },
  });
  const transaction = db.transaction(['events', 'payloads', 'kv'], 'readwrite');
  for (let at = 0; at < count; at++) {
    const event = eventAt(at % 2 === 0 ? 'anna' : 'bora', 16 + (at % 3), Math.floor(at / 6));
    void transaction.objectStore('events').put(event);
    if (at % 5 !== 0)
      void transaction.objectStore('payloads').put({ id: event.id, payload: new Uint8Array([at & 255]) });
  }
  void transaction.objectStore('payloads').put({ id: 'of-no-event', payload: new Uint8Array([9]) });
  void transaction.objectStore('kv').put({ name: 'Anna' }, 'settings');
  void transaction.objectStore('kv').put(7, 'leader-epoch');
  await transaction.done;
  db.close();
};

describe('a profile of version 1', () => {
  it('keeps everything: events, payloads, small facts, and the epoch', async () => {
    const name = freshName();
    await makeVersionOne(name, 3_000);
    const store = unwrap(await openIdbStore({ name }));
    expect(store.epoch).toBe(8);
    const events = await eventsIn(store);
    expect(events).toHaveLength(3_000);
    expect(events[0]).toEqual(eventAt('anna', 16, 0));
    expect(await payloadsIn(store)).toHaveLength(2_401);
    expect((await store.payloads()).map(({ id }) => id)).toEqual(['of-no-event']);
    expect((await store.segments()).length).toBeLessThan(20);
    expect(await store.get('settings')).toEqual({ name: 'Anna' });
    expect(await store.commit({ events: [eventAt('anna', 16, 500)] }, 'strict')).toEqual(ok(undefined));
    expect(await store.commit({ events: [eventAt('anna', 16, 5, 'another')] }, 'strict')).toEqual(err('conflict'));
    store.close();
    await deleteDB(name);
  });

  it('stays as it was when the change of version breaks off, and is brought over the next time', async () => {
    const name = freshName();
    await makeVersionOne(name, 600);
    const { put } = IDBObjectStore.prototype;
    let puts = 0;
    IDBObjectStore.prototype.put = function (...args) {
      if ((puts += 1) === 2) throw new Error('the device stopped here');
      return put.apply(this, args);
    };
    expect(await openIdbStore({ name })).toEqual(err('no-storage'));
    IDBObjectStore.prototype.put = put;
    const store = unwrap(await openIdbStore({ name }));
    expect(await eventsIn(store)).toHaveLength(600);
    store.close();
    await deleteDB(name);
  });
});
