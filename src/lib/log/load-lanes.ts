import { areBytesEqual } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Store, StoredSegment } from '../kernel/ports/store.ts';
import { envelopeIn, isSegmentSound } from '../kernel/segment.ts';
import { communityOf, isGenesisHeader, parseEvent } from './event.ts';
import type { Lanes } from './lanes.ts';
import { hasEventIds } from './stored-header.ts';

/** A stretch of a lane the disk has lost, or that nothing sound leads to. Sync brings it back. */
export type Damage = { readonly author: string; readonly lane: number; readonly from: number; readonly to: number };

/**
 * Puts into memory what earlier sessions stored of one community. Everything was verified before it was stored, so all that is
 * checked is that the disk kept it: the checksum of each segment, no gap, and the first event of each lane in full. From the
 * first damage on the rest of that lane is left out, as if it had never come.
 */
export const loadLanes = async (
  { crypto, store, community }: { crypto: CryptoPort; store: Store; community: Bytes },
  lanes: Lanes,
): Promise<Damage[]> => {
  const payloadsById = new Map((await store.payloads()).map(({ id, payload }) => [id, payload]));
  const damages = new Map<string, Damage>();
  const foreign = new Set<string>();
  for (const segment of await store.segments()) {
    const { author, lane, from, to } = segment;
    const place = `${author} ${lane}`;
    if (foreign.has(place)) continue;
    const next = lanes.next(author, lane);
    const isSound = !damages.has(place) && isSegmentSound(segment) && hasEventIds(segment) && from === next;
    const owner = isSound && from === 0 ? await communityOfFirst(crypto, segment) : community;
    if (!isSound || owner === null) damages.set(place, { author, lane, from: next, to });
    else if (areBytesEqual(owner, community)) lanes.adopt(segment, (id) => payloadsById.get(id));
    else foreign.add(place); // of a neighbourhood this device once knocked at
  }
  return [...damages.values()];
};

/** The community of a lane's first event; null when that is no event at all. */
const communityOfFirst = async (crypto: CryptoPort, segment: StoredSegment): Promise<Bytes | null> => {
  const parsed = await parseEvent(crypto, envelopeIn(segment, 0));
  if (!parsed.ok) return null;
  return isGenesisHeader(parsed.value.header) ? communityOf(crypto, parsed.value) : parsed.value.header.community;
};
