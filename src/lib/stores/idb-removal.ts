import { cutSegment, emptySegment, idsOfSegment, isSegmentSound, stripSegment } from '../kernel/segment.ts';
import type { Dropped, StoredSegment, Truncation } from '../kernel/ports/store.ts';
import type { WriteTransaction } from './idb-layout.ts';
import { emptyPlan, keyOf, readStanding, stretchOf, writePlan } from './idb-plan.ts';
import { byLane } from './store-format.ts';

/** Everything of a lane from `from` on goes: records beyond the cut, the end of the one it goes through, payloads beside them. */
export const truncateLane = async (
  transaction: WriteTransaction,
  { author, lane, from }: Truncation,
): Promise<void> => {
  const reach = IDBKeyRange.bound([author, lane, from - 1], [author, lane, Infinity]);
  const records = await transaction.objectStore('segments').getAll(reach);
  const plan = emptyPlan();
  const sound = records.filter(isSegmentSound);
  const isLastPlaceKept = sound.some((record) => record.from < from);
  for (const record of records) {
    if (record.to < from) continue;
    plan.remove.push(keyOf(record));
    if (sound.includes(record)) {
      plan.removePayloads.push(...idsOfSegment(record).slice(Math.max(0, from - record.from)));
      const kept = cutSegment(record, from);
      if (kept) plan.put.push(kept);
    } else if (!(record.from >= from) && !isLastPlaceKept)
      plan.put.push(emptySegment({ author, lane, from: from - 1, to: from - 1 }));
  }
  // A damaged record no longer says which payloads beside it are its own; they know their places themselves.
  if (sound.length < records.length)
    plan.removePayloads.push(...(await strayPayloads(transaction, author, lane, from)));
  writePlan(transaction, plan);
};

const strayPayloads = async (
  transaction: WriteTransaction,
  author: string,
  lane: number,
  from: number,
): Promise<string[]> =>
  (await transaction.objectStore('payloads').getAll())
    .filter(({ at }) => at && at.author === author && at.lane === lane && at.seq >= from)
    .map(({ id }) => id);

/** Payloads go while their events stay, wherever they lie: beside a segment, in it, or in what is left of a damaged one. */
export const dropPayloads = async (transaction: WriteTransaction, dropped: readonly Dropped[]): Promise<void> => {
  const plan = emptyPlan();
  plan.removePayloads.push(...dropped.map(({ id }) => id));
  const lanes = byLane(dropped.map(({ id, at }) => ({ ...at, id, envelope: nothing })));
  for (const lane of lanes) {
    const stretch = stretchOf(lane);
    for (const record of stretch ? await readStanding(transaction, stretch) : []) {
      const ids = idsAt(record, lane);
      if (ids.size === 0) continue;
      plan.put.push(isSegmentSound(record) ? stripSegment(record, (id) => ids.has(id)) : emptySegment(record));
    }
  }
  writePlan(transaction, plan);
};

const nothing = new Uint8Array(0);

/** Which of the dropped events have a payload in this record; of a damaged one nobody can tell, so all within its reach. */
const idsAt = (
  record: StoredSegment,
  lane: readonly { readonly seq: number; readonly id: string }[],
): ReadonlySet<string> => {
  const within = lane.filter(({ seq }) => seq >= record.from && seq <= record.to);
  if (!isSegmentSound(record)) return new Set(within.map(({ id }) => id));
  const own = idsOfSegment(record);
  return new Set(
    within.filter(({ seq, id }) => own[seq - record.from] === id && !record.bare.includes(seq)).map(({ id }) => id),
  );
};
