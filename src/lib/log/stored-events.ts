import type { Commit, StoredEvent } from '../kernel/ports/store.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { nextDigest, type Entry, type Lanes } from './lanes.ts';

/** Entries as a commit takes them, each with its lane's prefix digest up to and with it. A lane's entries come in order. */
export const placeEvents = (
  lanes: Lanes,
  entries: readonly Entry[],
): Required<Pick<Commit, 'payloads'>> & { readonly events: readonly StoredEvent[] } => {
  const digestByPlace = new Map<string, Bytes>();
  const events = entries.map(({ event: { author, header, id, envelope } }): StoredEvent => {
    const { lane, seq } = header;
    const place = `${author} ${lane}`;
    const before = digestByPlace.get(place) ?? lanes.digestAt(author, lane, seq);
    if (!before) throw new Error('log: an event is to be stored whose lane has a gap before it');
    const digest = nextDigest(before, id);
    digestByPlace.set(place, digest);
    return { author, lane, seq, id, envelope, digest };
  });
  const payloads = entries.flatMap(({ event, payload }) => (payload ? [{ id: event.id, payload }] : []));
  return { events, payloads };
};
