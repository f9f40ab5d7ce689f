import type { IDBPDatabase } from 'idb';
import { idsOfSegment, isSegmentSound } from '../kernel/segment.ts';
import type { StoredSegment, StoreRefusal } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Layout, WriteTransaction } from './idb-layout.ts';
import { emptyPlan, replaceRecords, rewritten, writePlan, type Plan } from './idb-plan.ts';
import { inTransaction } from './idb-transaction.ts';
import { epochKey, isWorthJoining, stretchesOf } from './store-format.ts';

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
    writePlan(transaction, plan);
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
  replaceRecords(plan, records, joined);
  plan.removePayloads.push(...late.map(({ id }) => id));
};
