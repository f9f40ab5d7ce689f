import {
  openDB,
  unwrap,
  type DBSchema,
  type IDBPDatabase,
  type IDBPObjectStore,
  type IDBPTransaction,
  type StoreNames,
} from 'idb';
import type { Commit, Store, StoredEvent, StoredPayload, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { assertKeyIsFree, epochKey, nextEpoch, oneEventAPlace } from './store-format.ts';

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
  const lose = (): void => {
    if (isClosed) return;
    isClosed = true;
    onLost();
  };
  try {
    const db = await openDB<Layout>(name, 1, {
      upgrade: createLayout,
      blocking: (_current, _blocked, event) => {
        (event.target as IDBDatabase).close();
        lose();
      },
      terminated: lose,
    });
    const epoch = await claimEpoch(db);
    return ok({
      epoch,
      events: () => readFrom(db, 'events', (events) => events.getAll()),
      payloads: () => readFrom(db, 'payloads', (payloads) => payloads.getAll()),
      commit: async (batch, durability) => (isClosed ? err('closed') : commitTo(db, epoch, batch, durability)),
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

interface Layout extends DBSchema {
  events: { key: [string, number, number]; value: StoredEvent };
  payloads: { key: string; value: StoredPayload };
  kv: { key: string; value: unknown };
}
const storeNames = ['events', 'payloads', 'kv'] as const;
type WriteTransaction = IDBPTransaction<Layout, typeof storeNames, 'readwrite'>;

const createLayout = (db: IDBPDatabase<Layout>): void => {
  db.createObjectStore('events', { keyPath: ['author', 'lane', 'seq'] });
  db.createObjectStore('payloads', { keyPath: 'id' });
  db.createObjectStore('kv');
};

const openRefusals: Readonly<Record<string, OpenRefusal>> = {
  VersionError: 'newer-version',
  QuotaExceededError: 'quota-full',
  InvalidStateError: 'no-storage',
  UnknownError: 'no-storage',
  SecurityError: 'no-storage',
  AbortError: 'no-storage',
};

/** AbortError: the browser ended the transaction, not we (those return before); it does so when it closes the database. */
const commitRefusals: Readonly<Record<string, StoreRefusal>> = {
  QuotaExceededError: 'quota-full',
  InvalidStateError: 'closed',
  AbortError: 'closed',
};

const errorName = (error: unknown): string =>
  error instanceof Error || error instanceof DOMException ? error.name : '';

const raise = (error: unknown): never => {
  throw error;
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

/** One transaction: look, then write all of it, or abort and leave nothing. */
const commitTo = async (
  db: IDBPDatabase<Layout>,
  epoch: number,
  batch: Commit,
  durability: 'strict' | 'relaxed',
): Promise<Result<void, StoreRefusal>> => {
  let end: { abort(): void; ended: Promise<unknown> } | null = null;
  try {
    const transaction = db.transaction(storeNames, 'readwrite', { durability });
    // Watched from the start, so that an abort never becomes an unhandled rejection.
    const ended = transaction.done.then(
      () => null,
      (error: unknown) => error ?? new Error('transaction failed'),
    );
    end = { abort: () => transaction.abort(), ended };
    const looked = await look(transaction, epoch, batch.events ?? []);
    if (looked.ok) write(transaction, looked.value, batch);
    else transaction.abort();
    const failed = await ended;
    if (!looked.ok) return looked;
    return failed === null ? ok(undefined) : err(commitRefusals[errorName(failed)] ?? raise(failed));
  } catch (error) {
    if (end) await abandon(end);
    return err(commitRefusals[errorName(error)] ?? raise(error));
  }
};

/** Ends the transaction and waits until it has; one that has already ended by itself is fine. */
const abandon = async ({ abort, ended }: { abort(): void; ended: Promise<unknown> }): Promise<void> => {
  try {
    abort();
  } catch (error) {
    if (errorName(error) !== 'InvalidStateError') throw error;
  }
  await ended;
};

/** The events that are not there yet, or why this commit may not be. */
const look = async (
  transaction: WriteTransaction,
  epoch: number,
  events: readonly StoredEvent[],
): Promise<Result<StoredEvent[], StoreRefusal>> => {
  const wanted = oneEventAPlace(events);
  const lanes = wanted ? byLane(wanted.values()) : [];
  const [storedEpoch, ...standing] = await Promise.all([
    transaction.objectStore('kv').get(epochKey),
    ...lanes.map((lane) => readStanding(transaction, lane)),
  ]);
  if (storedEpoch !== epoch) return err('fenced');
  if (!wanted) return err('conflict');
  const fresh: StoredEvent[] = [];
  for (const [at, lane] of lanes.entries()) {
    const idsBySeq = standing[at] ?? new Map<number, string>();
    for (const event of lane) {
      const id = idsBySeq.get(event.seq);
      if (id === undefined) fresh.push(event);
      else if (id !== event.id) return err('conflict');
    }
  }
  return ok(fresh);
};

/** Events of one author and lane together, each group by seq. */
const byLane = (events: Iterable<StoredEvent>): StoredEvent[][] => {
  const lanes = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const key = `${event.author} ${event.lane}`;
    const lane = lanes.get(key);
    if (lane) lane.push(event);
    else lanes.set(key, [event]);
  }
  return [...lanes.values()].map((lane) => lane.sort((a, b) => a.seq - b.seq));
};

/** Seq -> id of what stands at the places this lane's events want. Usually nothing does, and one count shows it. */
const readStanding = async (
  transaction: WriteTransaction,
  lane: readonly StoredEvent[],
): Promise<Map<number, string>> => {
  const idsBySeq = new Map<number, string>();
  const first = lane[0];
  const last = lane.at(-1);
  if (!first || !last) return idsBySeq;
  const store = transaction.objectStore('events');
  const range = IDBKeyRange.bound([first.author, first.lane, first.seq], [last.author, last.lane, last.seq]);
  if ((await store.count(range)) === 0) return idsBySeq;
  const standing = await Promise.all(lane.map(({ author, lane: number, seq }) => store.get([author, number, seq])));
  for (const event of standing) if (event) idsBySeq.set(event.seq, event.id);
  return idsBySeq;
};

/** Plain requests without a promise each: a request that fails aborts the transaction, and its end tells why. */
const write = (transaction: WriteTransaction, events: readonly StoredEvent[], batch: Commit): void => {
  const eventStore = unwrap(transaction.objectStore('events'));
  const payloadStore = unwrap(transaction.objectStore('payloads'));
  const kv = unwrap(transaction.objectStore('kv'));
  for (const event of events) eventStore.put({ ...event, envelope: compact(event.envelope) });
  for (const { id, payload } of batch.payloads ?? []) payloadStore.put({ id, payload: compact(payload) });
  for (const { key, value } of batch.kv ?? []) {
    if (value === null || value === undefined) kv.delete(assertKeyIsFree(key));
    else kv.put(value, assertKeyIsFree(key));
  }
};

/** A view into a larger buffer (a received frame) would be stored with the whole buffer behind it. */
const compact = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();

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
