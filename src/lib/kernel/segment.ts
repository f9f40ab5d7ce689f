import { concatBytes, utf8 } from './ids.ts';
import { limits } from './limits.ts';
import type { StoredEvent, StoredPayload, StoredSegment } from './ports/store.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Successive events of one lane as one record; `payloadOf` knows the payloads that are here. Throws when they are not successive. */
export const makeSegment = (
  events: readonly StoredEvent[],
  payloadOf: (id: string) => Bytes | undefined,
): StoredSegment => {
  const first = events[0];
  const last = events.at(-1);
  if (!first || !last) throw new Error('segment: of no event');
  const parts: Bytes[] = [utf8(events.map(({ id }) => id).join(' '))];
  const ends = new Uint32Array(1 + 2 * events.length);
  const bare: number[] = [];
  let end = (ends[0] = parts[0]?.length ?? 0);
  for (const [at, { author, lane, seq, id, envelope }] of events.entries()) {
    if (author !== first.author || lane !== first.lane || seq !== first.seq + at)
      throw new Error('segment: events of one lane in sequence make one');
    const payload = payloadOf(id);
    if (!payload) bare.push(seq);
    ends[1 + 2 * at] = end += envelope.length;
    ends[2 + 2 * at] = end += payload?.length ?? 0;
    parts.push(envelope);
    if (payload) parts.push(payload);
  }
  const segment = {
    author: first.author,
    lane: first.lane,
    from: first.seq,
    to: last.seq,
    bytes: concatBytes(...parts),
    ends,
    bare,
    digest: last.digest ?? null,
  };
  return { ...segment, check: checkOf(segment) };
};

/** Cuts the events of one lane, sorted by seq, into segments: at every gap, and where one would grow too large. */
export const makeSegments = (
  events: readonly StoredEvent[],
  payloadOf: (id: string) => Bytes | undefined,
): StoredSegment[] => {
  const segments: StoredSegment[] = [];
  let part: StoredEvent[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (part.length > 0) segments.push(makeSegment(part, payloadOf));
    part = [];
    bytes = 0;
  };
  for (const event of events) {
    const size = event.envelope.length + (payloadOf(event.id)?.length ?? 0);
    const follows = part.length > 0 && part.at(-1)?.seq === event.seq - 1;
    if (!follows || part.length >= limits.segmentEventsMax || bytes + size > limits.segmentBytesMax) flush();
    part.push(event);
    bytes += size;
  }
  flush();
  return segments;
};

export const countOf = ({ from, to }: StoredSegment): number => to - from + 1;

export const idsOfSegment = ({ bytes, ends }: StoredSegment): string[] =>
  decoder.decode(bytes.subarray(0, ends[0])).split(' ');

/** A view into the segment, not a copy. `at` counts from the segment's first event. */
export const envelopeIn = ({ bytes, ends }: StoredSegment, at: number): Bytes =>
  bytes.subarray(ends[2 * at], ends[2 * at + 1]);

/** A view into the segment, or null when it does not have this payload. */
export const payloadIn = ({ bytes, ends, bare, from }: StoredSegment, at: number): Bytes | null =>
  bare.includes(from + at) ? null : bytes.subarray(ends[2 * at + 1], ends[2 * at + 2]);

/** The events as they were committed; only the last one knows its digest. Views, not copies. */
export const eventsOfSegment = (segment: StoredSegment): StoredEvent[] => {
  const { author, lane, from, to, digest } = segment;
  return idsOfSegment(segment).map((id, at) => {
    const event = { author, lane, seq: from + at, id, envelope: envelopeIn(segment, at) };
    return from + at === to && digest ? { ...event, digest } : event;
  });
};

export const payloadsOfSegment = (segment: StoredSegment): StoredPayload[] =>
  idsOfSegment(segment).flatMap((id, at) => {
    const payload = payloadIn(segment, at);
    return payload ? [{ id, payload }] : [];
  });

/** The events below `from` as a segment of their own, or null when there are none. The digest at the cut is not known any more. */
export const cutSegment = (segment: StoredSegment, from: number): StoredSegment | null => {
  const kept = eventsOfSegment(segment).filter(({ seq }) => seq < from);
  const payloads = new Map(payloadsOfSegment(segment).map(({ id, payload }) => [id, payload]));
  return kept.length > 0 ? makeSegment(kept, (id) => payloads.get(id)) : null;
};

/** The same events without some of their payloads. */
export const stripSegment = (segment: StoredSegment, isDropped: (id: string) => boolean): StoredSegment => {
  const payloads = new Map(payloadsOfSegment(segment).map(({ id, payload }) => [id, payload]));
  return makeSegment(eventsOfSegment(segment), (id) => (isDropped(id) ? undefined : payloads.get(id)));
};

/** What is left of a damaged segment when its bytes must go: never sound, so that its places stay known as lost. */
export const emptySegment = (place: Pick<StoredSegment, 'author' | 'lane' | 'from' | 'to'>): StoredSegment => ({
  author: place.author,
  lane: place.lane,
  from: place.from,
  to: place.to,
  bytes: new Uint8Array(0),
  ends: new Uint32Array(0),
  bare: [],
  digest: null,
  check: 0,
});

/** False when a byte of it has changed since it was made. Total: it takes whatever a disk gives back. */
export const isSegmentSound = (segment: StoredSegment): boolean => {
  const { bytes, ends, bare, from, to, digest } = segment;
  const hasShape =
    bytes instanceof Uint8Array &&
    ends instanceof Uint32Array &&
    Array.isArray(bare) &&
    (digest === null || digest instanceof Uint8Array) &&
    ends.length === 1 + 2 * (to - from + 1);
  return hasShape && checkOf(segment) === segment.check;
};

const decoder = new TextDecoder();

const checkOf = ({ author, lane, from, to, bytes, ends, bare, digest }: Omit<StoredSegment, 'check'>): number => {
  const place = utf8(`${author} ${lane} ${from} ${to} ${bare.join()}`);
  const endBytes = new Uint8Array(ends.buffer, ends.byteOffset, ends.byteLength);
  return [place, endBytes, digest ?? place, bytes].reduce((seed, part) => murmur3(part, seed), 0);
};

/** MurmurHash3 x86 32 (Appleby 2011, public domain): a changed word always changes it, at memory speed. */
const murmur3 = (bytes: Uint8Array, seed: number): number => {
  const mix = (word: number): number => {
    const product = Math.imul(word, 0xcc9e2d51);
    return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
  };
  const wordCount = bytes.length >>> 2;
  const words =
    bytes.byteOffset % 4 === 0
      ? new Int32Array(bytes.buffer, bytes.byteOffset, wordCount)
      : new Int32Array(bytes.slice(0, wordCount * 4).buffer);
  let hash = seed;
  for (let at = 0; at < wordCount; at++) {
    hash ^= mix(words[at] ?? 0);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= wordCount * 4; at--) tail = (tail << 8) | (bytes[at] ?? 0);
  hash ^= mix(tail) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};
