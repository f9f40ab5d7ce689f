import { unwrap, type IDBPDatabase } from 'idb';
import { limits } from '../kernel/limits.ts';
import { eventsOfSegment, idsOfSegment, isSegmentSound, makeSegments, payloadsOfSegment } from '../kernel/segment.ts';
import type { Commit, StoredEvent, StoredPayload, StoredSegment, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { storeNames, type Layout, type WriteTransaction } from './idb-layout.ts';
import {
  assertKeyIsFree,
  byLane,
  epochKey,
  isWorthJoining,
  oneEventAPlace,
  payloadsById,
  stretchesOf,
} from './store-format.ts';

type Key = [author: string, lane: number, to: number];

/** What a transaction will do once everything has been looked at. */
type Plan = {
  readonly put: StoredSegment[];
  readonly remove: Key[];
  readonly payloads: StoredPayload[];
  readonly removePayloads: string[];
};

const emptyPlan = (): Plan => ({ put: [], remove: [], payloads: [], removePayloads: [] });

/** One transaction: look, then write all of it, or abort and leave nothing. */
export const commitTo = (
  db: IDBPDatabase<Layout>,
  epoch: number,
  batch: Commit,
  durability: 'strict' | 'relaxed',
): Promise<Result<void, StoreRefusal>> =>
  inTransaction(db, durability, async (transaction) => {
    const wanted = oneEventAPlace(batch.events ?? []);
    const [storedEpoch, planned] = await Promise.all([
      transaction.objectStore('kv').get(epochKey),
      wanted ? planCommit(transaction, wanted, batch.payloads ?? []) : null,
    ]);
    if (storedEpoch !== epoch) return err('fenced');
    if (!planned?.ok) return err('conflict');
    write(transaction, planned.value);
    const kv = unwrap(transaction.objectStore('kv'));
    for (const { key, value } of batch.kv ?? []) {
      if (value === null || value === undefined) kv.delete(assertKeyIsFree(key));
      else kv.put(value, assertKeyIsFree(key));
    }
    return ok(undefined);
  });

/** Joins one stretch of a lane's records that lie after `packedTo`; where that then is, and whether there may be more to do. */
export const packLane = (
  db: IDBPDatabase<Layout>,
  epoch: number,
  place: { readonly author: string; readonly lane: number; readonly packedTo: number },
): Promise<Result<{ packedTo: number; isMore: boolean }, StoreRefusal>> =>
  inTransaction(db, 'relaxed', async (transaction) => {
    const { author, lane } = place;
    const segments = transaction.objectStore('segments');
    const [storedEpoch, keys] = await Promise.all([
      transaction.objectStore('kv').get(epochKey),
      segments.getAllKeys(IDBKeyRange.bound([author, lane, place.packedTo], [author, lane, Infinity], true)),
    ]);
    if (storedEpoch !== epoch) return err('fenced');
    const lastSeqs = keys.map(([, , to]) => to);
    const stretches = stretchesOf(lastSeqs, place.packedTo);
    const at = stretches.findIndex(isWorthJoining);
    const stretch = stretches[at];
    const firstOpen = stretches.findIndex(({ isClosed }) => !isClosed);
    const packedBefore = lastSeqs[(stretches[at === -1 ? firstOpen : at]?.first ?? 0) - 1] ?? place.packedTo;
    if (!stretch) return ok({ packedTo: packedBefore, isMore: false });
    const end = lastSeqs[stretch.last] ?? packedBefore;
    const records = await segments.getAll(
      IDBKeyRange.bound([author, lane, lastSeqs[stretch.first] ?? 0], [author, lane, end]),
    );
    const plan = emptyPlan();
    if (records.every(isSegmentSound)) await planJoin(transaction, records, plan);
    write(transaction, plan);
    return ok({ packedTo: stretch.isClosed ? end : packedBefore, isMore: stretch.isClosed });
  });

/** The records of a stretch as fewer ones, with the payloads that came later; nothing when that would not be fewer. */
const planJoin = async (
  transaction: WriteTransaction,
  records: readonly StoredSegment[],
  plan: Plan,
): Promise<void> => {
  const bare = records.flatMap((record) =>
    idsOfSegment(record).filter((_, at) => record.bare.includes(record.from + at)),
  );
  const late = (await Promise.all(bare.map((id) => transaction.objectStore('payloads').get(id)))).flatMap(
    (payload) => payload ?? [],
  );
  const joined = rewritten(records, late);
  if (joined.length >= records.length) return;
  replace(plan, records, joined);
  plan.removePayloads.push(...late.map(({ id }) => id));
};

const rewritten = (records: readonly StoredSegment[], late: readonly StoredPayload[]): StoredSegment[] => {
  const found = payloadsById([...records.flatMap(payloadsOfSegment), ...late]);
  return makeSegments(records.flatMap(eventsOfSegment), (id) => found.get(id));
};

const replace = (plan: Plan, old: readonly StoredSegment[], fresh: readonly StoredSegment[]): void => {
  plan.remove.push(...old.filter(({ to }) => !fresh.some((each) => each.to === to)).map(keyOf));
  plan.put.push(...fresh);
};

const keyOf = ({ author, lane, to }: StoredSegment): Key => [author, lane, to];

const planCommit = async (
  transaction: WriteTransaction,
  wanted: ReadonlyMap<string, StoredEvent>,
  payloads: readonly StoredPayload[],
): Promise<Result<Plan, 'conflict'>> => {
  const plan = emptyPlan();
  const found = payloadsById(payloads);
  const placed = new Set<string>();
  const lanes = byLane(wanted.values());
  const standing = await Promise.all(lanes.map((lane) => readStanding(transaction, lane)));
  for (const [at, lane] of lanes.entries()) {
    const fresh = freshEvents(lane, standing[at] ?? [], plan);
    if (!fresh) return err('conflict');
    for (const { id } of fresh) placed.add(id);
    plan.put.push(...makeSegments(fresh, (id) => found.get(id)));
  }
  const late = payloads.filter(({ id }) => !placed.has(id));
  for (const id of await planLatePayloads(transaction, late, plan)) placed.add(id);
  plan.payloads.push(...late.filter(({ id }) => !placed.has(id)));
  return ok(plan);
};

/** The records that reach over a place these events want. Usually none does, and one count shows it. */
const readStanding = async (transaction: WriteTransaction, lane: readonly StoredEvent[]): Promise<StoredSegment[]> => {
  const first = lane[0];
  const last = lane.at(-1);
  if (!first || !last) return [];
  const store = transaction.objectStore('segments');
  const fromFirst = IDBKeyRange.bound([first.author, first.lane, first.seq], [first.author, first.lane, Infinity]);
  if ((await store.count(fromFirst)) === 0) return [];
  const reach = IDBKeyRange.bound(
    [first.author, first.lane, first.seq],
    [first.author, first.lane, last.seq + limits.segmentEventsMax],
  );
  return (await store.getAll(reach)).filter(({ from }) => from <= last.seq);
};

/** The events that are not there yet, or null when another one is. A damaged record holds nothing, and goes when its last place is written. */
const freshEvents = (
  lane: readonly StoredEvent[],
  standing: readonly StoredSegment[],
  plan: Plan,
): StoredEvent[] | null => {
  const idsBySeq = new Map<number, string>();
  for (const record of standing) {
    if (isSegmentSound(record))
      for (const [at, id] of idsOfSegment(record).entries()) idsBySeq.set(record.from + at, id);
    else if (lane.some(({ seq }) => seq === record.to)) plan.remove.push(keyOf(record));
  }
  const fresh: StoredEvent[] = [];
  for (const event of lane) {
    const id = idsBySeq.get(event.seq);
    if (id === undefined) fresh.push(event);
    else if (id !== event.id) return null;
  }
  return fresh;
};

/** Many payloads of one segment at once join it; the ids of those that did. */
const planLatePayloads = async (
  transaction: WriteTransaction,
  late: readonly StoredPayload[],
  plan: Plan,
): Promise<string[]> => {
  const lanes = byLane(late.flatMap(({ id, at, payload }) => (at ? [{ ...at, id, envelope: payload }] : []))).filter(
    (lane) => lane.length >= limits.segmentPayloadsMin,
  );
  const joined: string[] = [];
  for (const lane of lanes) {
    for (const record of (await readStanding(transaction, lane)).filter(isSegmentSound)) {
      const own = idsOfSegment(record);
      const payloads = lane
        .filter(({ seq, id }) => own[seq - record.from] === id && record.bare.includes(seq))
        .map(({ id, envelope }) => ({ id, payload: envelope }));
      if (payloads.length < limits.segmentPayloadsMin) continue;
      replace(plan, [record], rewritten([record], payloads));
      joined.push(...payloads.map(({ id }) => id));
    }
  }
  return joined;
};

/** Plain requests without a promise each: a request that fails aborts the transaction, and its end tells why. */
const write = (transaction: WriteTransaction, { put, remove, payloads, removePayloads }: Plan): void => {
  const segmentStore = unwrap(transaction.objectStore('segments'));
  const payloadStore = unwrap(transaction.objectStore('payloads'));
  for (const key of remove) segmentStore.delete(key);
  for (const segment of put) segmentStore.put(segment);
  for (const { id, payload } of payloads) payloadStore.put({ id, payload: compact(payload) });
  for (const id of removePayloads) payloadStore.delete(id);
};

/** A view into a larger buffer (a received frame) would be stored with the whole buffer behind it. */
const compact = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();

const inTransaction = async <T>(
  db: IDBPDatabase<Layout>,
  durability: 'strict' | 'relaxed',
  work: (transaction: WriteTransaction) => Promise<Result<T, StoreRefusal>>,
): Promise<Result<T, StoreRefusal>> => {
  let end: { abort(): void; ended: Promise<unknown> } | null = null;
  try {
    const transaction = db.transaction(storeNames, 'readwrite', { durability });
    // Watched from the start, so that an abort never becomes an unhandled rejection.
    const ended = transaction.done.then(
      () => null,
      (error: unknown) => error ?? new Error('transaction failed'),
    );
    end = { abort: () => transaction.abort(), ended };
    const worked = await work(transaction);
    if (!worked.ok) transaction.abort();
    const failed = await ended;
    if (!worked.ok || failed === null) return worked;
    return err(commitRefusals[errorName(failed)] ?? raise(failed));
  } catch (error) {
    if (end) await abandon(end);
    return err(commitRefusals[errorName(error)] ?? raise(error));
  }
};

/** AbortError: the browser ended the transaction, not we (those return before); it does so when it closes the database. */
const commitRefusals: Readonly<Record<string, StoreRefusal>> = {
  QuotaExceededError: 'quota-full',
  InvalidStateError: 'closed',
  AbortError: 'closed',
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

export const errorName = (error: unknown): string =>
  error instanceof Error || error instanceof DOMException ? error.name : '';

export const raise = (error: unknown): never => {
  throw error;
};
