import type { Store, StoredEvent, StoredPayload } from '../../src/lib/kernel/ports/store.ts';
import { eventsOfSegment, payloadsOfSegment } from '../../src/lib/kernel/segment.ts';

/**
 * A disk that keeps what was committed: every `open` is one more node process on the same disk. `breaksAt`: the process ends
 * in the middle of its k-th operation on the disk, k counted from 1, and whoever waits for it is thrown out.
 */
export type StorePlace = {
  open(faults?: { readonly breaksAt: number }): Promise<Store & { readonly epoch: number }>;
  dispose(): Promise<void>;
};

export const eventAt = (author: string, lane: number, seq: number, id = `${author}-${lane}-${seq}`): StoredEvent => ({
  author,
  lane,
  seq,
  id,
  envelope: new TextEncoder().encode(`envelope of ${id}`),
});

/** What a store holds, by author, lane and seq; the digests of its segments are left out. */
export const eventsIn = async (store: Store): Promise<StoredEvent[]> =>
  (await store.segments())
    .flatMap(eventsOfSegment)
    .map(({ author, lane, seq, id, envelope }) => ({ author, lane, seq, id, envelope: envelope.slice() }));

/** Every payload, in a segment or beside it, by id. */
export const payloadsIn = async (store: Store): Promise<StoredPayload[]> =>
  [...(await store.segments()).flatMap(payloadsOfSegment), ...(await store.payloads())]
    .map(({ id, payload }) => ({ id, payload: payload.slice() }))
    .toSorted(byId);

export const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
