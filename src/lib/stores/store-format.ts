import type { StoredEvent } from '../kernel/ports/store.ts';

/** Where both stores keep the epoch of the node that may write: a number that only grows, claimed at every opening. */
export const epochKey = 'leader-epoch';

/** Claiming is reading, adding one and writing in one step. Anything that is not a whole number counts as "never claimed". */
export const nextEpoch = (stored: unknown): number =>
  (typeof stored === 'number' && Number.isSafeInteger(stored) ? stored : 0) + 1;

/** A key must not be written by a service when the store itself lives by it. */
export const assertKeyIsFree = (key: string): string => {
  if (key === epochKey) throw new Error(`${epochKey} belongs to the store itself`);
  return key;
};

type Place = Pick<StoredEvent, 'author' | 'lane' | 'seq'>;

/** Author ids are base64url, so the blanks keep the three parts apart. */
export const eventPlace = ({ author, lane, seq }: Place): string => `${author} ${lane} ${seq}`;

/** (author, lane, seq), authors by code unit: the order in which IndexedDB keeps its keys. */
export const compareEventPlaces = (a: Place, b: Place): number => {
  if (a.author !== b.author) return a.author < b.author ? -1 : 1;
  return a.lane - b.lane || a.seq - b.seq;
};

/**
 * The events to write, one a place; null when two of them want the same place.
 * The same event twice is one event.
 */
export const oneEventAPlace = (events: readonly StoredEvent[]): Map<string, StoredEvent> | null => {
  const byPlace = new Map<string, StoredEvent>();
  for (const event of events) {
    const place = eventPlace(event);
    const other = byPlace.get(place);
    if (other && other.id !== event.id) return null;
    byPlace.set(place, event);
  }
  return byPlace;
};
