import { unwrap, type IDBPDatabase } from 'idb';
import { limits } from '../kernel/limits.ts';
import { idsOfSegment, isSegmentSound, makeSegments } from '../kernel/segment.ts';
import type { Commit, StoredEvent, StoredPayload, StoredSegment, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Layout, WriteTransaction } from './idb-layout.ts';
import {
  emptyPlan,
  keyOf,
  readStanding,
  replaceRecords,
  rewritten,
  stretchOf,
  writePlan,
  type Plan,
} from './idb-plan.ts';
import { dropPayloads, truncateLane } from './idb-removal.ts';
import { inTransaction } from './idb-transaction.ts';
import { assertKeyIsFree, byLane, epochKey, oneEventAPlace, payloadsById } from './store-format.ts';

/**
 * One transaction: look, then write all of it, or abort and leave nothing. Each step sees what the one before it has written,
 * so that an event may take a place that this same commit frees.
 */
export const commitTo = (
  db: IDBPDatabase<Layout>,
  epoch: number,
  batch: Commit,
  durability: 'strict' | 'relaxed',
): Promise<Result<void, StoreRefusal>> =>
  inTransaction(db, durability, async (transaction) => {
    const wanted = oneEventAPlace(batch.events ?? []);
    const cutAndPlan = async (): Promise<Result<Plan, 'conflict'> | null> => {
      for (const truncation of batch.truncate ?? []) await truncateLane(transaction, truncation);
      return wanted && planCommit(transaction, wanted, batch.payloads ?? []);
    };
    const [storedEpoch, planned] = await Promise.all([transaction.objectStore('kv').get(epochKey), cutAndPlan()]);
    if (storedEpoch !== epoch) return err('fenced');
    if (!planned?.ok) return err('conflict');
    writePlan(transaction, planned.value);
    if (batch.drop && batch.drop.length > 0) await dropPayloads(transaction, batch.drop);
    const kv = unwrap(transaction.objectStore('kv'));
    for (const { key, value } of batch.kv ?? []) {
      if (value === null || value === undefined) kv.delete(assertKeyIsFree(key));
      else kv.put(value, assertKeyIsFree(key));
    }
    return ok(undefined);
  });

const planCommit = async (
  transaction: WriteTransaction,
  wanted: ReadonlyMap<string, StoredEvent>,
  payloads: readonly StoredPayload[],
): Promise<Result<Plan, 'conflict'>> => {
  const plan = emptyPlan();
  const found = payloadsById(payloads);
  const placed = new Set<string>();
  const lanes = byLane(wanted.values());
  const standing = await Promise.all(lanes.map((lane) => standingOver(transaction, lane)));
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

const standingOver = async (transaction: WriteTransaction, lane: readonly StoredEvent[]): Promise<StoredSegment[]> => {
  const stretch = stretchOf(lane);
  return stretch ? readStanding(transaction, stretch) : [];
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
    for (const record of (await standingOver(transaction, lane)).filter(isSegmentSound)) {
      const own = idsOfSegment(record);
      const payloads = lane
        .filter(({ seq, id }) => own[seq - record.from] === id && record.bare.includes(seq))
        .map(({ id, envelope }) => ({ id, payload: envelope }));
      if (payloads.length < limits.segmentPayloadsMin) continue;
      replaceRecords(plan, [record], rewritten([record], payloads));
      joined.push(...payloads.map(({ id }) => id));
    }
  }
  return joined;
};
