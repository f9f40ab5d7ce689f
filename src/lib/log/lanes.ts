import { sha256Now } from '../crypto/sha256.ts';
import { concatBytes, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { StoredSegment } from '../kernel/ports/store.ts';
import { countOf, envelopeIn, idsOfSegment, makeSegment, payloadIn } from '../kernel/segment.ts';
import type { Event, Header } from './event.ts';
import { readStoredHeader, readStoredHlc } from './stored-header.ts';

/** One stored event with its payload, or without it while it is still on its way (or was deleted). */
export type Entry = { readonly event: Event; payload: Bytes | null };

/** What a holder of a gapless prefix can say of it: how many events, and D(n) = SHA-256(D(n-1) || id(n)). */
export type Head = { readonly author: string; readonly lane: number; readonly next: number; readonly digest: Bytes };

/**
 * A lane in memory: its older events in segments, as they are stored, and the newest as entries. `late` are payloads (by seq)
 * that came after the event's segment was made. The digest is continued when somebody asks for it.
 */
type Lane = {
  readonly author: string;
  readonly lane: number;
  readonly segments: Packed[];
  readonly tail: Entry[];
  readonly late: Map<number, Bytes>;
  next: number;
  digest: Bytes;
  digested: number;
};
type Packed = { readonly segment: StoredSegment; ids: readonly string[] | null };
/** A segment and its lane: where many ids point to, so that an id costs no object of its own. */
type Indexed = { readonly lane: Lane; readonly packed: Packed };

/**
 * All lanes of all authors in memory, by (author, lane), gapless from seq 0. Knows no rules: who may come in is decided before.
 * An entry of a segment is made anew each time it is asked for, and reads its header when somebody looks at it.
 */
export const createLanes = () => {
  const lanesByKey = new Map<string, Lane>();
  const holdersById = new Map<string, Entry | Indexed>();
  const bareIds = new Set<string>();
  /** Segments whose ids nobody has asked for yet. */
  let unindexed: Indexed[] = [];
  let size = 0;

  const laneOf = (author: string, number: number): Lane => {
    const key = `${author} ${number}`;
    const known = lanesByKey.get(key);
    if (known) return known;
    const lane: Lane = {
      author,
      lane: number,
      segments: [],
      tail: [],
      late: new Map(),
      next: 0,
      digest: new Uint8Array(32),
      digested: 0,
    };
    lanesByKey.set(key, lane);
    return lane;
  };
  const find = (author: string, lane: number): Lane | undefined => lanesByKey.get(`${author} ${lane}`);

  const index = (indexed: Indexed): void => {
    for (const id of idsOf(indexed.packed)) holdersById.set(id, indexed);
  };
  const placeOf = (id: string): { readonly lane: Lane; readonly seq: number } | undefined => {
    for (const indexed of unindexed) index(indexed);
    unindexed = [];
    const holder = holdersById.get(id);
    if (!holder) return undefined;
    if ('packed' in holder)
      return { lane: holder.lane, seq: holder.packed.segment.from + idsOf(holder.packed).indexOf(id) };
    const { author, header } = holder.event;
    return { lane: laneOf(author, header.lane), seq: header.seq };
  };

  const push = (entry: Entry): void => {
    const { author, header, id } = entry.event;
    const lane = laneOf(author, header.lane);
    if (header.seq !== lane.next) throw new Error('lanes: an event out of sequence reached the log');
    lane.tail.push(entry);
    lane.next += 1;
    size += 1;
    holdersById.set(id, entry);
    if (!entry.payload) bareIds.add(id);
    if (lane.tail.length >= 2 * limits.segmentEventsMax) index({ lane, packed: packTail(lane) });
  };

  /** Takes a sound segment as it was stored. It must be the next of its lane. `latePayload` knows payloads stored beside the segments. */
  const adopt = (segment: StoredSegment, latePayload: (id: string) => Bytes | undefined): void => {
    const lane = laneOf(segment.author, segment.lane);
    if (segment.from !== lane.next || lane.tail.length > 0)
      throw new Error('lanes: a segment out of sequence reached the log');
    const packed: Packed = { segment, ids: null };
    lane.segments.push(packed);
    lane.next = segment.to + 1;
    size += countOf(segment);
    unindexed.push({ lane, packed });
    if (segment.digest) [lane.digest, lane.digested] = [segment.digest, lane.next];
    for (const seq of segment.bare) {
      const id = idsOf(packed)[seq - segment.from] ?? '';
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

  return {
    push,
    adopt,
    fill,
    slice,
    next: (author: string, lane: number): number => find(author, lane)?.next ?? 0,
    at: (author: string, number: number, seq: number): Entry | undefined => {
      const lane = find(author, number);
      return lane && entryAt(lane, seq);
    },
    digest: (author: string, number: number): Bytes => {
      const lane = find(author, number);
      return lane ? digestNow(lane) : new Uint8Array(32);
    },
    byId: (id: string): Entry | undefined => {
      const place = placeOf(id);
      return place && entryAt(place.lane, place.seq);
    },
    heads: (): Head[] =>
      [...lanesByKey.values()].map((lane) => ({
        author: lane.author,
        lane: lane.lane,
        next: lane.next,
        digest: digestNow(lane),
      })),
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
      for (const { segment } of lane?.segments ?? [])
        for (let at = 0; at < countOf(segment); at++)
          hlcs[segment.from + at] = readStoredHlc(segment.bytes, segment.ends[2 * at] ?? 0);
      for (const { event } of lane?.tail ?? []) hlcs[event.header.seq] = event.header.hlc;
      return hlcs;
    },
    /** Entries of a lane that may hold what `holds` looks for: of a segment with it all, as it is searched as a whole. */
    search: function* (author: string, number: number, holds: (bytes: Uint8Array) => boolean): Generator<Entry> {
      const lane = find(author, number);
      for (const { segment } of lane?.segments ?? []) {
        const late = segment.bare.some((seq) => holds(lane?.late.get(seq) ?? none));
        if (late || holds(segment.bytes)) yield* slice(author, number, segment.from, countOf(segment));
      }
      for (const entry of lane?.tail ?? []) if (entry.payload && holds(entry.payload)) yield entry;
    },
    /** Ids of events without payload, in the order in which they came. */
    bareIds: (): Iterable<string> => bareIds,
    get size() {
      return size;
    },
  };
};
export type Lanes = ReturnType<typeof createLanes>;

const none = new Uint8Array(0);

/** D(n) from D(n-1) and the id of the event. */
export const nextDigest = (before: Bytes, id: string): Bytes =>
  sha256Now(concatBytes(before, textToBytes(id) ?? new Uint8Array(0)));

const digestNow = (lane: Lane): Bytes => {
  for (; lane.digested < lane.next; lane.digested++) lane.digest = nextDigest(lane.digest, idAt(lane, lane.digested));
  return lane.digest;
};

const tailStart = (lane: Lane): number => lane.next - lane.tail.length;

const inTail = (lane: Lane, seq: number): Entry | undefined =>
  seq >= tailStart(lane) ? lane.tail[seq - tailStart(lane)] : undefined;

const idsOf = (packed: Packed): readonly string[] => (packed.ids ??= idsOfSegment(packed.segment));

/** The segment that holds a seq below the tail's start, by halving. */
const segmentAt = (lane: Lane, seq: number): Packed | undefined => {
  let low = 0;
  let high = lane.segments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane.segments[middle]?.segment.to ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return lane.segments[low];
};

const idAt = (lane: Lane, seq: number): string => {
  const entry = inTail(lane, seq);
  if (entry) return entry.event.id;
  const packed = segmentAt(lane, seq);
  return packed ? (idsOf(packed)[seq - packed.segment.from] ?? '') : '';
};

const entryAt = (lane: Lane, seq: number): Entry | undefined => {
  if (seq < 0 || seq >= lane.next) return undefined;
  const entry = inTail(lane, seq);
  if (entry) return entry;
  const packed = segmentAt(lane, seq);
  if (!packed) return undefined;
  const at = seq - packed.segment.from;
  const envelope = envelopeIn(packed.segment, at);
  let header: Header | null = null;
  const event: Event = {
    get header() {
      return (header ??= readStoredHeader(envelope));
    },
    id: idsOf(packed)[at] ?? '',
    author: lane.author,
    envelope,
  };
  return { event, payload: payloadIn(packed.segment, at) ?? lane.late.get(seq) ?? null };
};

/** The older half of a long tail becomes a segment, so that what came in this session costs no more than what was loaded. */
const packTail = (lane: Lane): Packed => {
  const start = tailStart(lane);
  const old = lane.tail.splice(0, limits.segmentEventsMax);
  const payloads = new Map(old.map(({ event, payload }) => [event.id, payload ?? undefined]));
  const events = old.map(({ event }, at) => ({
    author: lane.author,
    lane: lane.lane,
    seq: start + at,
    id: event.id,
    envelope: event.envelope,
  }));
  const packed: Packed = { segment: makeSegment(events, (id) => payloads.get(id)), ids: events.map(({ id }) => id) };
  lane.segments.push(packed);
  return packed;
};
