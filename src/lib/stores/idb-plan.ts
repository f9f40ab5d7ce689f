import { unwrap } from 'idb';
import { limits } from '../kernel/limits.ts';
import { eventsOfSegment, makeSegments, payloadsOfSegment } from '../kernel/segment.ts';
import type { StoredPayload, StoredSegment } from '../kernel/ports/store.ts';
import type { WriteTransaction } from './idb-layout.ts';
import { payloadsById } from './store-format.ts';

export type SegmentKey = [author: string, lane: number, to: number];

/** What one step of a transaction writes once everything it needs has been looked at. */
export type Plan = {
  readonly put: StoredSegment[];
  readonly remove: SegmentKey[];
  readonly payloads: StoredPayload[];
  readonly removePayloads: string[];
};

export const emptyPlan = (): Plan => ({ put: [], remove: [], payloads: [], removePayloads: [] });

/** Plain requests without a promise each: a request that fails aborts the transaction, and its end tells why. */
export const writePlan = (transaction: WriteTransaction, { put, remove, payloads, removePayloads }: Plan): void => {
  const segmentStore = unwrap(transaction.objectStore('segments'));
  const payloadStore = unwrap(transaction.objectStore('payloads'));
  for (const key of remove) segmentStore.delete(key);
  for (const segment of put) segmentStore.put(segment);
  for (const { id, payload, at } of payloads)
    payloadStore.put({ id, payload: compact(payload), ...(at ? { at: placeOf(at) } : {}) });
  for (const id of removePayloads) payloadStore.delete(id);
};

/** A view into a larger buffer (a received frame) would be stored with the whole buffer behind it. */
const compact = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();

type Place = NonNullable<StoredPayload['at']>;
const placeOf = ({ author, lane, seq }: Place): Place => ({ author, lane, seq });

/** The same events in fewer or other records; the old ones go where no new one takes their key. */
export const replaceRecords = (plan: Plan, old: readonly StoredSegment[], fresh: readonly StoredSegment[]): void => {
  plan.remove.push(...old.filter(({ to }) => !fresh.some((each) => each.to === to)).map(keyOf));
  plan.put.push(...fresh);
};

export const keyOf = ({ author, lane, to }: StoredSegment): SegmentKey => [author, lane, to];

/** The events of some records as one segment (more where that would grow too large), with the payloads that came later. */
export const rewritten = (records: readonly StoredSegment[], late: readonly StoredPayload[]): StoredSegment[] => {
  const found = payloadsById([...records.flatMap(payloadsOfSegment), ...late]);
  return makeSegments(records.flatMap(eventsOfSegment), (id) => found.get(id));
};

/** The records that reach over a place from `first` to `last`. Usually none does, and one count shows it. */
export const readStanding = async (
  transaction: WriteTransaction,
  { author, lane, first, last }: { author: string; lane: number; first: number; last: number },
): Promise<StoredSegment[]> => {
  const store = transaction.objectStore('segments');
  const fromFirst = IDBKeyRange.bound([author, lane, first], [author, lane, Infinity]);
  if ((await store.count(fromFirst)) === 0) return [];
  const reach = IDBKeyRange.bound([author, lane, first], [author, lane, last + limits.segmentEventsMax]);
  return (await store.getAll(reach)).filter(({ from }) => from <= last);
};

/** The stretch that successive or scattered places of one lane, sorted by seq, lie in. */
export const stretchOf = (
  lane: readonly { readonly author: string; readonly lane: number; readonly seq: number }[],
): { author: string; lane: number; first: number; last: number } | null => {
  const first = lane[0];
  const last = lane.at(-1);
  return first && last ? { author: first.author, lane: first.lane, first: first.seq, last: last.seq } : null;
};
