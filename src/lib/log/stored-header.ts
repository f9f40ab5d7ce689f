import type { Bytes } from '../kernel/ports/crypto.ts';
import type { StoredSegment } from '../kernel/ports/store.ts';
import { countOf } from '../kernel/segment.ts';
import type { Header } from './event.ts';

/**
 * Reads the header of an envelope that `parseEvent` took once, before it was stored: no check, no copy, a fraction of the
 * time. Never for bytes from outside. Throws when the bytes are no envelope at all, which the segment's checksum rules out.
 */
export const readStoredHeader = (envelope: Bytes): Header => {
  const cursor = openHeader(envelope, 0);
  const community = readBytes(cursor);
  const author = readBytes(cursor);
  expect(cursor, 0x82);
  const lane = readCount(cursor);
  const seq = readCount(cursor);
  const hlc = readCount(cursor);
  const kind = readCount(cursor);
  const expires = readCount(cursor);
  const payloadHash = readBytes(cursor);
  return { community, author, lane, seq, hlc, kind, expires, payloadHash, payloadSize: readCount(cursor) };
};

/** Only the hlc, of the envelope that starts at `at`. */
export const readStoredHlc = (bytes: Bytes, at: number): number => {
  const cursor = openHeader(bytes, at);
  skipBytes(cursor); // community
  skipBytes(cursor); // author
  expect(cursor, 0x82);
  readCount(cursor);
  readCount(cursor);
  return readCount(cursor);
};

/** Of every event's id: 32 bytes as base64url. */
export const idTextChars = 43;

/** Whether a segment's ids have the length of event ids, so that each is found without reading those before it. */
export const hasEventIds = (segment: StoredSegment): boolean =>
  segment.ends[0] === countOf(segment) * (idTextChars + 1) - 1;

/** The id of one event of a segment that has event ids; `at` counts from the segment's first. */
export const readStoredId = ({ bytes }: StoredSegment, at: number): string => {
  const start = at * (idTextChars + 1);
  return String.fromCharCode.apply(null, bytes.subarray(start, start + idTextChars) as Iterable<number> as number[]);
};

const openHeader = (bytes: Bytes, at: number): Cursor => {
  const cursor = { bytes, at };
  expect(cursor, 0x82); // [header bytes, signature]
  readCount(cursor); // the length of the header bytes
  expect(cursor, 0x89);
  readCount(cursor); // version
  return cursor;
};

type Cursor = { readonly bytes: Bytes; at: number };

const expect = (cursor: Cursor, head: number): void => {
  if (cursor.bytes[cursor.at] !== head) throw new Error('stored header: not an envelope');
  cursor.at += 1;
};

/** The count of any CBOR head, whatever its type. */
const readCount = (cursor: Cursor): number => {
  const info = (cursor.bytes[cursor.at] ?? 0) & 31;
  cursor.at += 1;
  if (info < 24) return info;
  let count = 0;
  for (let width = 1 << (info - 24); width > 0; width--) count = count * 256 + (cursor.bytes[cursor.at++] ?? 0);
  return count;
};

const readBytes = (cursor: Cursor): Bytes => {
  const length = readCount(cursor);
  const start = cursor.at;
  cursor.at += length;
  return cursor.bytes.subarray(start, cursor.at);
};

const skipBytes = (cursor: Cursor): void => {
  const length = readCount(cursor);
  cursor.at += length;
};
