import { sha256Now } from '../crypto/sha256.ts';
import { concatBytes, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { StoredSegment } from '../kernel/ports/store.ts';
import { cutSegment, envelopeIn, idsOfSegment, makeSegment, payloadIn, stripSegment } from '../kernel/segment.ts';
import { authorityLane, type Event, type Header } from './event.ts';
import { readStoredHeader, readStoredId } from './stored-header.ts';

/** One stored event with its payload, or without it while it is still on its way (or was deleted). */
export type Entry = { readonly event: Event; payload: Bytes | null };

/**
 * A lane in memory: its older events in segments, as they are stored, and the newest as entries. `late` are payloads (by seq)
 * that came after the event's segment was made. The digest is continued when somebody asks for it; of the authority lane every
 * prefix digest is kept, as authority events name them. Ids below `indexed` are in the index of ids, which knows the lane by
 * its `firstPlace`.
 */
export type Lane = {
  readonly author: string;
  readonly lane: number;
  readonly firstPlace: number;
  readonly segments: StoredSegment[];
  readonly tail: Entry[];
  readonly late: Map<number, Bytes>;
  readonly prefixes: Bytes[];
  next: number;
  digest: Bytes;
  digested: number;
  indexed: number;
};

export const makeLane = (author: string, lane: number, firstPlace: number): Lane => ({
  author,
  lane,
  firstPlace,
  segments: [],
  tail: [],
  late: new Map(),
  prefixes: [],
  next: 0,
  digest: emptyDigest,
  digested: 0,
  indexed: 0,
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
  for (const segment of lane.segments)
    if (segment.digest && segment.to < count) [digest, at] = [segment.digest, segment.to + 1];
  for (; at < count; at++) digest = nextDigest(digest, idAt(lane, at));
  return digest;
};

export const tailStart = (lane: Lane): number => lane.next - lane.tail.length;

export const inTail = (lane: Lane, seq: number): Entry | undefined =>
  seq >= tailStart(lane) ? lane.tail[seq - tailStart(lane)] : undefined;

/** The segment that holds a seq below the tail's start, by halving. */
const segmentAt = (lane: Lane, seq: number): StoredSegment | undefined => {
  let low = 0;
  let high = lane.segments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane.segments[middle]?.to ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return lane.segments[low];
};

/** The id of the event at a seq below `next`. */
export const idAt = (lane: Lane, seq: number): string => {
  const entry = inTail(lane, seq);
  if (entry) return entry.event.id;
  const segment = segmentAt(lane, seq);
  return segment ? readStoredId(segment, seq - segment.from) : '';
};

/** The ids of all events from a seq on: of each segment at once, which is quicker than one by one. */
export const idsFrom = function* (lane: Lane, from: number): Generator<string> {
  for (const segment of lane.segments)
    if (segment.to >= from) yield* idsOfSegment(segment).slice(Math.max(0, from - segment.from));
  for (let seq = Math.max(from, tailStart(lane)); seq < lane.next; seq++) yield idAt(lane, seq);
};

export const entryAt = (lane: Lane, seq: number): Entry | undefined => {
  if (seq < 0 || seq >= lane.next) return undefined;
  const entry = inTail(lane, seq);
  if (entry) return entry;
  const segment = segmentAt(lane, seq);
  if (!segment) return undefined;
  const at = seq - segment.from;
  const envelope = envelopeIn(segment, at);
  let header: Header | null = null;
  let id: string | null = null;
  const event: Event = {
    get header() {
      return (header ??= readStoredHeader(envelope));
    },
    get id() {
      return (id ??= readStoredId(segment, at));
    },
    author: lane.author,
    envelope,
  };
  return { event, payload: payloadIn(segment, at) ?? lane.late.get(seq) ?? null };
};

/** The older half of a long tail becomes a segment, so that what came in this session costs no more than what was loaded. */
export const packTail = (lane: Lane): void => {
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
  lane.segments.push(makeSegment(events, (id) => payloads.get(id)));
};

/** Everything from one seq on goes. */
export const cutLane = (lane: Lane, from: number): void => {
  const start = tailStart(lane);
  lane.tail.splice(Math.max(0, from - start));
  for (let last = lane.segments.at(-1); last && last.to >= from; last = lane.segments.at(-1)) {
    lane.segments.pop();
    const rest = cutSegment(last, from);
    if (rest) lane.segments.push(rest);
  }
  for (const seq of lane.late.keys()) if (seq >= from) lane.late.delete(seq);
  lane.prefixes.splice(from);
  lane.next = from;
  lane.indexed = Math.min(lane.indexed, from);
  if (lane.digested > from) [lane.digest, lane.digested] = [emptyDigest, 0];
};

/** The payload at a place goes. */
export const stripPayload = (lane: Lane, seq: number): void => {
  lane.late.delete(seq);
  const entry = inTail(lane, seq);
  if (entry) {
    entry.payload = null;
    return;
  }
  const segment = segmentAt(lane, seq);
  if (!segment) return;
  const id = idAt(lane, seq);
  lane.segments.splice(
    lane.segments.indexOf(segment),
    1,
    stripSegment(segment, (each) => each === id),
  );
};
