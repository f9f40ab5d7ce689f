import { deleteDB, openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { err, unwrap } from '../../src/lib/kernel/result.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { runStoreContract } from '../contracts/store-contract.ts';

const freshName = (): string => `store-${crypto.randomUUID()}`;

runStoreContract('IndexedDB', async () => {
  const name = freshName();
  const opened: { close(): void }[] = [];
  return {
    open: async () => {
      const store = unwrap(await openIdbStore({ name }));
      opened.push(store);
      return store;
    },
    dispose: async () => {
      for (const store of opened) store.close();
      await deleteDB(name);
    },
  };
});

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
    const newer = await openDB(name, 2);
    newer.close();
    expect(await openIdbStore({ name })).toEqual(err('newer-version'));
    await deleteDB(name);
  });
});
