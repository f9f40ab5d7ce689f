import { limits } from '../kernel/limits.ts';
import type { StoredEvent, StoredPayload } from '../kernel/ports/store.ts';

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

/** Events of one author and lane together, each group by seq. */
export const byLane = (events: Iterable<StoredEvent>): StoredEvent[][] => {
  const lanes = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const key = `${event.author} ${event.lane}`;
    const lane = lanes.get(key);
    if (lane) lane.push(event);
    else lanes.set(key, [event]);
  }
  return [...lanes.values()].map((lane) => lane.sort((a, b) => a.seq - b.seq));
};

export const payloadsById = (payloads: Iterable<StoredPayload>): Map<string, Uint8Array<ArrayBuffer>> => {
  const byId = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { id, payload } of payloads) byId.set(id, payload);
  return byId;
};

/** Records `first` to `last` (indexes) of a lane; closed when the record after them would not fit in any more. */
export type Stretch = { readonly first: number; readonly last: number; readonly isClosed: boolean };

/**
 * Which neighbouring records of a lane would make one segment, by the last seqs of its records and the seq before the
 * first of them. A gap only makes a stretch look longer than it is.
 */
export const stretchesOf = (lastSeqs: readonly number[], before: number): Stretch[] => {
  const stretches: Stretch[] = [];
  let first = 0;
  let start = before;
  for (const [at, to] of lastSeqs.entries()) {
    if (at > first && to - start > limits.segmentEventsMax) {
      stretches.push({ first, last: at - 1, isClosed: true });
      first = at;
      start = lastSeqs[at - 1] ?? start;
    }
  }
  if (lastSeqs.length > 0) stretches.push({ first, last: lastSeqs.length - 1, isClosed: false });
  return stretches;
};

/** A closed stretch is joined whatever it saves; the open one at the end of a lane only when it has become many records. */
export const isWorthJoining = ({ first, last, isClosed }: Stretch): boolean =>
  last - first + 1 >= (isClosed ? 2 : limits.segmentsJoinedMin);
