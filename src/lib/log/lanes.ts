import type { Bytes } from '../kernel/ports/crypto.ts';
import type { StoredSegment } from '../kernel/ports/store.ts';
import type { Random } from '../kernel/ports/random.ts';
import { countOf } from '../kernel/segment.ts';
import { limits } from '../kernel/limits.ts';
import { createIdIndex } from './id-index.ts';
import {
  cutLane,
  digestAt,
  digestNow,
  emptyDigest,
  entryAt,
  idAt,
  idsFrom,
  inTail,
  makeLane,
  packTail,
  stripPayload,
  type Entry,
  type Lane,
} from './lane.ts';
import { readStoredHlc } from './stored-header.ts';

export { nextDigest, type Entry } from './lane.ts';

/** What a holder of a gapless prefix can say of it: how many events, and D(n) = SHA-256(D(n-1) || id(n)). */
export type Head = { readonly author: string; readonly lane: number; readonly next: number; readonly digest: Bytes };

/** Places of the index of ids that one lane has: as many as there are seqs. Two million lanes fit below 2^53. */
const placesPerLane = 2 ** 32;

/**
 * All lanes of all authors in memory, by (author, lane), gapless from seq 0. Knows no rules: who may come in is decided before.
 * An entry of a segment is made anew each time it is asked for, and reads its header and its id when somebody looks at them.
 */
export const createLanes = (random: Random) => {
  const lanesByKey = new Map<string, Lane>();
  /** A lane that was cut to nothing stays in both, for its place in the index. */
  const numbered: Lane[] = [];
  const bareIds = new Set<string>();
  /** Lanes with events whose ids nobody has asked for yet. */
  const unindexed = new Set<Lane>();
  let size = 0;

  const laneAt = (place: number): { readonly lane: Lane; readonly seq: number } | undefined => {
    const lane = numbered[Math.floor(place / placesPerLane)];
    return lane && { lane, seq: place - lane.firstPlace };
  };
  const index = createIdIndex({
    random,
    isAt: (place, id) => {
      const at = laneAt(place);
      return at !== undefined && at.seq < at.lane.next && idAt(at.lane, at.seq) === id;
    },
  });

  const laneOf = (author: string, number: number): Lane => {
    const key = `${author} ${number}`;
    const known = lanesByKey.get(key);
    if (known) return known;
    const lane = makeLane(author, number, numbered.length * placesPerLane);
    numbered.push(lane);
    lanesByKey.set(key, lane);
    return lane;
  };
  const find = (author: string, lane: number): Lane | undefined => lanesByKey.get(`${author} ${lane}`);

  const placeOf = (id: string): { readonly lane: Lane; readonly seq: number } | undefined => {
    for (const lane of unindexed)
      for (const id of idsFrom(lane, lane.indexed)) index.add(id, lane.firstPlace + lane.indexed++);
    unindexed.clear();
    const place = index.find(id);
    return place === null ? undefined : laneAt(place);
  };

  const push = (entry: Entry): void => {
    const { author, header, id } = entry.event;
    const lane = laneOf(author, header.lane);
    if (header.seq !== lane.next) throw new Error('lanes: an event out of sequence reached the log');
    lane.tail.push(entry);
    lane.next += 1;
    size += 1;
    unindexed.add(lane);
    if (!entry.payload) bareIds.add(id);
    if (lane.tail.length >= 2 * limits.segmentEventsMax) packTail(lane);
  };

  /** Takes a sound segment as it was stored. It must be the next of its lane. `latePayload` knows payloads stored beside the segments. */
  const adopt = (segment: StoredSegment, latePayload: (id: string) => Bytes | undefined): void => {
    const lane = laneOf(segment.author, segment.lane);
    if (segment.from !== lane.next || lane.tail.length > 0)
      throw new Error('lanes: a segment out of sequence reached the log');
    lane.segments.push(segment);
    lane.next = segment.to + 1;
    size += countOf(segment);
    unindexed.add(lane);
    if (segment.digest) [lane.digest, lane.digested] = [segment.digest, lane.next];
    for (const seq of segment.bare) {
      const id = idAt(lane, seq);
      const payload = latePayload(id);
      if (payload) lane.late.set(seq, payload);
      else bareIds.add(id);
    }
  };

  /** The payload of an event that was here without it; the entry as it now is. */
  const fill = (id: string, payload: Bytes): Entry | undefined => {
    const place = placeOf(id);
    if (!place) return undefined;
    const { lane, seq } = place;
    const entry = inTail(lane, seq);
    if (entry) entry.payload = payload;
    else lane.late.set(seq, payload);
    bareIds.delete(id);
    return entryAt(lane, seq);
  };

  /** The payload of an event goes and is not missed. */
  const strip = (id: string): void => {
    const place = placeOf(id);
    if (!place) return;
    stripPayload(place.lane, place.seq);
    bareIds.delete(id);
  };

  /** Lanes with something in them. */
  const held = (): Lane[] => numbered.filter(({ next }) => next > 0);

  const slice = (author: string, number: number, from: number, most: number): Entry[] => {
    const lane = find(author, number);
    const entries: Entry[] = [];
    if (!lane) return entries;
    for (let seq = from; seq < Math.min(lane.next, from + most); seq++) {
      const entry = entryAt(lane, seq);
      if (entry) entries.push(entry);
    }
    return entries;
  };

  /** Takes everything of a lane from one seq on out of memory and gives it back. */
  const truncate = (author: string, number: number, from: number): Entry[] => {
    const lane = find(author, number);
    if (!lane || from >= lane.next) return [];
    const gone = slice(author, number, from, lane.next - from);
    for (const { event } of gone) bareIds.delete(event.id);
    size -= gone.length;
    cutLane(lane, from);
    return gone;
  };

  return {
    push,
    adopt,
    fill,
    strip,
    slice,
    truncate,
    next: (author: string, lane: number): number => find(author, lane)?.next ?? 0,
    at: (author: string, number: number, seq: number): Entry | undefined => {
      const lane = find(author, number);
      return lane && entryAt(lane, seq);
    },
    digest: (author: string, number: number): Bytes => {
      const lane = find(author, number);
      return lane ? digestNow(lane) : emptyDigest;
    },
    /** D(count) of a lane, or null when fewer of its events are here. */
    digestAt: (author: string, number: number, count: number): Bytes | null => {
      const lane = find(author, number);
      if (lane) return digestAt(lane, count);
      return count === 0 ? emptyDigest : null;
    },
    byId: (id: string): Entry | undefined => {
      const place = placeOf(id);
      return place && entryAt(place.lane, place.seq);
    },
    heads: (): Head[] =>
      held().map((lane) => ({
        author: lane.author,
        lane: lane.lane,
        next: lane.next,
        digest: digestNow(lane),
      })),
    /** Every place with something in it. */
    places: (): { readonly author: string; readonly lane: number }[] =>
      held().map(({ author, lane }) => ({ author, lane })),
    /** Every entry, or those of one lane number; lane by lane, each from seq 0. */
    all: function* (only?: number): Generator<Entry> {
      for (const lane of lanesByKey.values()) {
        if (only !== undefined && lane.lane !== only) continue;
        for (let seq = 0; seq < lane.next; seq++) {
          const entry = entryAt(lane, seq);
          if (entry) yield entry;
        }
      }
    },
    /** The hlc of every event of a lane by seq, without an object for each. */
    hlcs: (author: string, number: number): Float64Array => {
      const lane = find(author, number);
      const hlcs = new Float64Array(lane?.next ?? 0);
      for (const segment of lane?.segments ?? [])
        for (let at = 0; at < countOf(segment); at++)
          hlcs[segment.from + at] = readStoredHlc(segment.bytes, segment.ends[2 * at] ?? 0);
      for (const { event } of lane?.tail ?? []) hlcs[event.header.seq] = event.header.hlc;
      return hlcs;
    },
    /** Entries of a lane that may hold what `holds` looks for: of a segment with it all, as it is searched as a whole. */
    search: function* (author: string, number: number, holds: (bytes: Uint8Array) => boolean): Generator<Entry> {
      const lane = find(author, number);
      for (const segment of lane?.segments ?? []) {
        const late = segment.bare.some((seq) => holds(lane?.late.get(seq) ?? none));
        if (late || holds(segment.bytes)) yield* slice(author, number, segment.from, countOf(segment));
      }
      for (const entry of lane?.tail ?? []) if (entry.payload && holds(entry.payload)) yield entry;
    },
    /** The payload of this event is not missed: it was dropped on purpose. */
    unmiss: (id: string): void => void bareIds.delete(id),
    /** Ids of events without payload, in the order in which they came. */
    bareIds: (): Iterable<string> => bareIds,
    get size() {
      return size;
    },
  };
};
export type Lanes = ReturnType<typeof createLanes>;

const none = new Uint8Array(0);
