import { openDB, unwrap, type IDBPDatabase, type IDBPObjectStore, type StoreNames } from 'idb';
import type { Commit, Store } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { commitTo } from './idb-commit.ts';
import { layoutVersion, upgradeLayout, type Layout } from './idb-layout.ts';
import { packLane } from './idb-pack.ts';
import { errorName, raise } from './idb-transaction.ts';
import { epochKey, nextEpoch } from './store-format.ts';

/** A store on the browser's disk; `epoch` is the number this opening claimed (it grows with every opening). */
export type IdbStore = Store & { readonly epoch: number };

/** newer-version: a later build of this app has already changed the database; no-storage: the browser keeps nothing here. */
export type OpenRefusal = 'newer-version' | 'no-storage' | 'quota-full';

export type IdbStoreOptions = {
  readonly name: string;
  /** The browser took the database away (storage cleared, a newer build upgrades it). Called at most once. */
  readonly onLost?: () => void;
};

/**
 * Opens the database and claims it: from now on every commit of an earlier opening is refused as `fenced`, in this tab or
 * any other, because each transaction compares the stored epoch with its own before it writes.
 */
export const openIdbStore = async ({
  name,
  onLost = () => {},
}: IdbStoreOptions): Promise<Result<IdbStore, OpenRefusal>> => {
  let isClosed = false;
  const packedToByLane = new Map<string, number>();
  const lose = (): void => {
    if (isClosed) return;
    isClosed = true;
    onLost();
  };
  /** What was packed up to a place that is gone must be looked at anew. */
  const forgetPacked = ({ truncate = [] }: Commit): void => {
    for (const { author, lane } of truncate) packedToByLane.delete(`${author} ${lane}`);
  };
  try {
    const db = await openDB<Layout>(name, layoutVersion, {
      upgrade: (fresh, oldVersion, _newVersion, transaction) => {
        // Opening itself is refused when this transaction fails; its own promises have nothing to add.
        transaction.done.catch(() => undefined);
        upgradeLayout(fresh, oldVersion, transaction).catch(() => transaction.abort());
      },
      blocking: (_current, _blocked, event) => {
        (event.target as IDBDatabase).close();
        lose();
      },
      terminated: lose,
    });
    const epoch = await claimEpoch(db);
    return ok({
      epoch,
      segments: () => readFrom(db, 'segments', (segments) => segments.getAll()),
      payloads: () => readFrom(db, 'payloads', (payloads) => payloads.getAll()),
      commit: async (batch, durability) => {
        if (isClosed) return err('closed');
        forgetPacked(batch);
        const committed = await commitTo(db, epoch, batch, durability);
        forgetPacked(batch); // a packing asked for before this commit has ended in between
        return committed;
      },
      pack: async (author, lane) => {
        if (isClosed) return err('closed');
        const key = `${author} ${lane}`;
        const packed = await packLane(db, epoch, { author, lane, packedTo: packedToByLane.get(key) ?? -1 });
        if (!packed.ok) return packed;
        packedToByLane.set(key, packed.value.packedTo);
        return ok(packed.value.isMore);
      },
      get: (key) => readFrom(db, 'kv', (kv) => kv.get(key)),
      list: (prefix) => listFrom(db, prefix),
      close: () => {
        isClosed = true;
        db.close();
      },
    });
  } catch (error) {
    return err(openRefusals[errorName(error)] ?? raise(error));
  }
};

const openRefusals: Readonly<Record<string, OpenRefusal>> = {
  VersionError: 'newer-version',
  QuotaExceededError: 'quota-full',
  InvalidStateError: 'no-storage',
  UnknownError: 'no-storage',
  SecurityError: 'no-storage',
  AbortError: 'no-storage',
};

const claimEpoch = async (db: IDBPDatabase<Layout>): Promise<number> => {
  const { store, done } = db.transaction('kv', 'readwrite', { durability: 'strict' });
  const claim = async (): Promise<number> => {
    const epoch = nextEpoch(await store.get(epochKey));
    unwrap(store).put(epoch, epochKey);
    return epoch;
  };
  const [epoch] = await Promise.all([claim(), done]);
  return epoch;
};

type Reading<Name extends StoreNames<Layout>> = IDBPObjectStore<Layout, [Name], Name, 'readonly'>;

/** The transaction's end is waited for as well: it may fail after its reads, and nobody else would hear of it. */
const readFrom = async <Name extends StoreNames<Layout>, T>(
  db: IDBPDatabase<Layout>,
  name: Name,
  read: (store: Reading<Name>) => Promise<T>,
): Promise<T> => {
  const { store, done } = db.transaction(name);
  const [found] = await Promise.all([read(store), done]);
  return found;
};

const listFrom = (db: IDBPDatabase<Layout>, prefix: string): Promise<{ key: string; value: unknown }[]> =>
  readFrom(db, 'kv', async (kv) => {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const [keys, values] = await Promise.all([kv.getAllKeys(range), kv.getAll(range)]);
    return keys.map((key, at) => ({ key, value: values[at] }));
  });
