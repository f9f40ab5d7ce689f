import { unwrap, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from 'idb';
import { makeSegments } from '../kernel/segment.ts';
import type { StoredEvent, StoredPayload, StoredSegment } from '../kernel/ports/store.ts';
import { byLane, payloadsById } from './store-format.ts';

/** A segment's key ends with its last seq: what overlaps a place is then found from the place on. */
export interface Layout extends DBSchema {
  segments: { key: [string, number, number]; value: StoredSegment };
  /** Payloads that are in no segment yet, by event id. */
  payloads: { key: string; value: StoredPayload };
  kv: { key: string; value: unknown };
}

export const layoutVersion = 2;
export const storeNames = ['segments', 'payloads', 'kv'] as const;
export type WriteTransaction = IDBPTransaction<Layout, typeof storeNames, 'readwrite'>;

/**
 * Brings a database of any earlier version to this one, inside the one transaction that changes versions: it happens whole or
 * not at all. Version 1 kept every event and every payload in a record of its own.
 */
export const upgradeLayout = async (
  db: IDBPDatabase<Layout>,
  oldVersion: number,
  transaction: IDBPTransaction<Layout, StoreNames<Layout>[], 'versionchange'>,
): Promise<void> => {
  const segments = db.createObjectStore('segments', { keyPath: ['author', 'lane', 'to'] });
  if (oldVersion < 1) {
    db.createObjectStore('payloads', { keyPath: 'id' });
    db.createObjectStore('kv');
    return;
  }
  // The raw stores: this version's types do not know those of version 1.
  const old = transaction as unknown as IDBPTransaction<LayoutOne, ('events' | 'payloads')[], 'versionchange'>;
  const [events, payloads] = await Promise.all([
    old.objectStore('events').getAll(),
    old.objectStore('payloads').getAll(),
  ]);
  const found = payloadsById(payloads);
  for (const lane of byLane(events)) {
    for (const segment of makeSegments(lane, (id) => found.get(id))) unwrap(segments).put(segment);
  }
  const payloadStore = unwrap(old.objectStore('payloads'));
  for (const { id } of events) if (found.has(id)) payloadStore.delete(id);
  (db as unknown as IDBPDatabase<LayoutOne>).deleteObjectStore('events');
};

interface LayoutOne extends DBSchema {
  events: { key: [string, number, number]; value: StoredEvent };
  payloads: { key: string; value: StoredPayload };
}
