import { deleteDB } from 'idb';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import type { StorePlace } from './store-place.ts';

export const freshName = (): string => `store-${crypto.randomUUID()}`;

/** A database of its own in whatever IndexedDB there is. It breaks where a request to write is made, in the middle of its transaction. */
export const makeIdbPlace = async (): Promise<StorePlace> => {
  const name = freshName();
  const opened: { close(): void }[] = [];
  let mend = (): void => {};
  return {
    open: async (faults) => {
      mend();
      const store = unwrap(await openIdbStore({ name }));
      opened.push(store);
      if (faults) mend = breakWrites(faults.breaksAt);
      return store;
    },
    dispose: async () => {
      mend();
      for (const store of opened) store.close();
      await deleteDB(name);
    },
  };
};

const breakWrites = (breaksAt: number): (() => void) => {
  const { put, delete: remove } = IDBObjectStore.prototype;
  let count = 0;
  const broken = <A extends unknown[], R>(write: (this: IDBObjectStore, ...args: A) => R) =>
    function (this: IDBObjectStore, ...args: A): R {
      count += 1;
      if (count >= breaksAt) throw new Error('the device stopped here, as the test wished');
      return write.apply(this, args);
    };
  IDBObjectStore.prototype.put = broken(put);
  IDBObjectStore.prototype.delete = broken(remove);
  return () => Object.assign(IDBObjectStore.prototype, { put, delete: remove });
};
