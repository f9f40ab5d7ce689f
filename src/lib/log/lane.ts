import { sha256Now } from '../crypto/sha256.ts';
import { concatBytes, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { StoredSegment } from '../kernel/ports/store.ts';
import { cutSegment, envelopeIn, idsOfSegment, makeSegment, payloadIn, stripSegment } from '../kernel/segment.ts';
import { authorityLane, type Event, type Header } from './event.ts';
import { readStoredHeader } from './stored-header.ts';

/** One stored event with its payload, or without it while it is still on its way (or was deleted). */
export type Entry = { readonly event: Event; payload: Bytes | null };

/**
 * A lane in memory: its older events in segments, as they are stored, and the newest as entries. `late` are payloads (by seq)
 * that came after the event's segment was made. The digest is continued when somebody asks for it; of the authority lane every
 * prefix digest is kept, as authority events name them.
 */
export type Lane = {
  readonly author: string;
  readonly lane: number;
  readonly segments: Packed[];
  readonly tail: Entry[];
  readonly late: Map<number, Bytes>;
  readonly prefixes: Bytes[];
  next: number;
  digest: Bytes;
  digested: number;
};
export type Packed = { readonly segment: StoredSegment; ids: readonly string[] | null };

export const makeLane = (author: string, lane: number): Lane => ({
  author,
  lane,
  segments: [],
  tail: [],
  late: new Map(),
  prefixes: [],
  next: 0,
  digest: emptyDigest,
  digested: 0,
});

/** D(0): of no event. */
export const emptyDigest: Bytes = new Uint8Array(32);

/** D(n) from D(n-1) and the id of the event. */
export const nextDigest = (before: Bytes, id: string): Bytes =>
  sha256Now(concatBytes(before, textToBytes(id) ?? new Uint8Array(0)));

/** D(next). */
export const digestNow = (lane: Lane): Bytes => {
  for (; lane.digested < lane.next; lane.digested++) lane.digest = nextDigest(lane.digest, idAt(lane, lane.digested));
  return lane.digest;
};

/** D(count), or null when the lane has fewer events. */
export const digestAt = (lane: Lane, count: number): Bytes | null => {
  if (count > lane.next) return null;
  if (count === 0) return emptyDigest;
  if (count === lane.next) return digestNow(lane);
  if (lane.lane === authorityLane) {
    const { prefixes } = lane;
    while (prefixes.length < count)
      prefixes.push(nextDigest(prefixes.at(-1) ?? emptyDigest, idAt(lane, prefixes.length)));
    return prefixes[count - 1] ?? null;
  }
  let [digest, at] = [emptyDigest, 0];
  for (const { segment } of lane.segments)
    if (segment.digest && segment.to < count) [digest, at] = [segment.digest, segment.to + 1];
  for (; at < count; at++) digest = nextDigest(digest, idAt(lane, at));
  return digest;
};

export const tailStart = (lane: Lane): number => lane.next - lane.tail.length;

export const inTail = (lane: Lane, seq: number): Entry | undefined =>
  seq >= tailStart(lane) ? lane.tail[seq - tailStart(lane)] : undefined;

export const idsOf = (packed: Packed): readonly string[] => (packed.ids ??= idsOfSegment(packed.segment));

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

export const entryAt = (lane: Lane, seq: number): Entry | undefined => {
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
export const packTail = (lane: Lane): Packed => {
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

/** Everything from one seq on goes. The segment that reached over the cut, as it now is: who points to it has to be told. */
export const cutLane = (lane: Lane, from: number): Packed | null => {
  const start = tailStart(lane);
  lane.tail.splice(Math.max(0, from - start));
  let shortened: Packed | null = null;
  for (let last = lane.segments.at(-1); last && last.segment.to >= from; last = lane.segments.at(-1)) {
    lane.segments.pop();
    const rest = cutSegment(last.segment, from);
    if (!rest) continue;
    shortened = { segment: rest, ids: null };
    lane.segments.push(shortened);
  }
  for (const seq of lane.late.keys()) if (seq >= from) lane.late.delete(seq);
  lane.prefixes.splice(from);
  lane.next = from;
  if (lane.digested > from) [lane.digest, lane.digested] = [emptyDigest, 0];
  return shortened;
};

/** The payload at a place goes. The segment it was in, as it now is; null when it was in none. */
export const stripPayload = (lane: Lane, seq: number): Packed | null => {
  lane.late.delete(seq);
  const entry = inTail(lane, seq);
  if (entry) {
    entry.payload = null;
    return null;
  }
  const packed = segmentAt(lane, seq);
  if (!packed) return null;
  const id = idAt(lane, seq);
  const stripped: Packed = { segment: stripSegment(packed.segment, (each) => each === id), ids: packed.ids };
  lane.segments.splice(lane.segments.indexOf(packed), 1, stripped);
  return stripped;
};
