import { limits } from './limits.ts';
import { compareBytes, concatBytes, utf8, utf8ToText } from './ids.ts';
import { err, ok, type Result } from './result.ts';

/**
 * Deterministic CBOR (RFC 8949 4.2.1), the subset that leaves a tab: integers within +-2^53, byte and text
 * strings, arrays, maps with text keys, true, false, null. No floats, tags or indefinite lengths.
 * One value has one encoding, and the decoder refuses every other spelling, so that a signature over bytes is a
 * signature over the value. Total: it returns a value or a reason and never throws on bytes from outside.
 */
export type Cbor =
  number | string | boolean | null | Uint8Array<ArrayBuffer> | readonly Cbor[] | { readonly [key: string]: Cbor };

export type CodecRefusal =
  | 'truncated'
  | 'trailing-bytes'
  | 'too-deep'
  | 'not-shortest'
  | 'integer-range'
  | 'unsorted-keys'
  | 'key-not-text'
  | 'forbidden-key'
  | 'invalid-utf8'
  | 'forbidden-type';

/** Keys that would reach an object's prototype; refused in both directions. */
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

export const encodeCbor = (value: Cbor): Uint8Array<ArrayBuffer> => {
  const sink = createSink();
  write(sink, value, 0);
  return sink.take();
};

export const decodeCbor = (bytes: Uint8Array): Result<Cbor, CodecRefusal> => {
  const cursor: Cursor = { bytes, at: 0, refusal: null };
  const value = read(cursor, 0);
  if (cursor.refusal !== null) return err(cursor.refusal);
  if (cursor.at !== bytes.length) return err('trailing-bytes');
  return ok(value);
};

export const isCborMap = (value: Cbor | undefined): value is { readonly [key: string]: Cbor } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

export const isCborList = (value: Cbor | undefined): value is readonly Cbor[] => Array.isArray(value);

/** Byte string, of exactly `length` bytes when that is given. */
export const isCborBytes = (value: Cbor | undefined, length?: number): value is Uint8Array<ArrayBuffer> =>
  value instanceof Uint8Array && (length === undefined || value.length === length);

export const isCborCount = (value: Cbor | undefined): value is number => typeof value === 'number' && value >= 0;

type Sink = { byte(value: number): void; bytes(value: Uint8Array): void; take(): Uint8Array<ArrayBuffer> };

const createSink = (): Sink => {
  let buffer = new Uint8Array(256);
  let length = 0;
  const reserve = (more: number) => {
    if (length + more <= buffer.length) return;
    const grown = new Uint8Array(Math.max(buffer.length * 2, length + more));
    grown.set(buffer);
    buffer = grown;
  };
  return {
    byte: (value) => {
      reserve(1);
      buffer[length++] = value;
    },
    bytes: (value) => {
      reserve(value.length);
      buffer.set(value, length);
      length += value.length;
    },
    take: () => buffer.slice(0, length),
  };
};

const writeHead = (sink: Sink, major: number, count: number): void => {
  const type = major << 5;
  if (count < 24) return sink.byte(type | count);
  if (count < 0x100) return sink.bytes(Uint8Array.of(type | 24, count));
  if (count < 0x10000) return sink.bytes(Uint8Array.of(type | 25, count >> 8, count & 255));
  const view = new DataView(new ArrayBuffer(count < 0x100000000 ? 5 : 9));
  if (count < 0x100000000) {
    view.setUint8(0, type | 26);
    view.setUint32(1, count);
  } else {
    view.setUint8(0, type | 27);
    view.setUint32(1, Math.floor(count / 0x100000000));
    view.setUint32(5, count % 0x100000000);
  }
  sink.bytes(new Uint8Array(view.buffer));
};

/** Throws on a value outside the subset: that is a bug of the caller, not input from outside. */
const write = (sink: Sink, value: Cbor, depth: number): void => {
  if (depth > limits.cborDepthMax) throw new RangeError('cbor: value too deep to encode');
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`cbor: ${value} is not a safe integer`);
    return value >= 0 ? writeHead(sink, 0, value) : writeHead(sink, 1, -1 - value);
  }
  if (typeof value === 'string') {
    const text = utf8(value);
    writeHead(sink, 3, text.length);
    return sink.bytes(text);
  }
  if (value === true || value === false) return sink.byte(value ? 0xf5 : 0xf4);
  if (value === null) return sink.byte(0xf6);
  if (value instanceof Uint8Array) {
    writeHead(sink, 2, value.length);
    return sink.bytes(value);
  }
  if (isCborList(value)) {
    writeHead(sink, 4, value.length);
    for (const item of value) write(sink, item, depth + 1);
    return;
  }
  if (typeof value !== 'object') throw new TypeError(`cbor: cannot encode a ${typeof value}`);
  writeMap(sink, value, depth);
};

/** Keys are sorted by their encoded bytes; an undefined member is left out, as optional fields are. */
const writeMap = (sink: Sink, value: { readonly [key: string]: Cbor }, depth: number): void => {
  const entries = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .map((key) => ({ key, bytes: encodeKey(key) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes));
  writeHead(sink, 5, entries.length);
  for (const { key, bytes } of entries) {
    if (forbiddenKeys.has(key)) throw new TypeError(`cbor: key ${key} is forbidden`);
    sink.bytes(bytes);
    write(sink, value[key] as Cbor, depth + 1);
  }
};

const encodeKey = (key: string): Uint8Array => {
  const text = utf8(key);
  const sink = createSink();
  writeHead(sink, 3, text.length);
  return concatBytes(sink.take(), text);
};

type Cursor = { readonly bytes: Uint8Array; at: number; refusal: CodecRefusal | null };

const refuse = (cursor: Cursor, refusal: CodecRefusal): null => {
  cursor.refusal ??= refusal;
  return null;
};

const readCount = (cursor: Cursor, info: number): number => {
  if (info < 24) return info;
  if (info > 27) return refuse(cursor, 'forbidden-type') ?? 0;
  const width = 1 << (info - 24);
  if (cursor.at + width > cursor.bytes.length) return refuse(cursor, 'truncated') ?? 0;
  let count = 0;
  for (let i = 0; i < width; i++) count = count * 256 + (cursor.bytes[cursor.at++] ?? 0);
  if (count > Number.MAX_SAFE_INTEGER) return refuse(cursor, 'integer-range') ?? 0;
  const smallest = [24, 0x100, 0x10000, 0x100000000][info - 24] ?? 0;
  if (count < smallest) return refuse(cursor, 'not-shortest') ?? 0;
  return count;
};

const read = (cursor: Cursor, depth: number): Cbor => {
  if (depth > limits.cborDepthMax) return refuse(cursor, 'too-deep');
  const head = cursor.bytes[cursor.at];
  if (head === undefined) return refuse(cursor, 'truncated');
  cursor.at += 1;
  const major = head >> 5;
  const info = head & 31;
  if (major === 7) return readSimple(cursor, info);
  if (major === 6) return refuse(cursor, 'forbidden-type');
  const count = readCount(cursor, info);
  if (cursor.refusal !== null) return null;
  if (major === 0) return count;
  if (major === 1) return count === Number.MAX_SAFE_INTEGER ? refuse(cursor, 'integer-range') : -1 - count;
  if (major === 2 || major === 3) return readString(cursor, major, count);
  return major === 4 ? readList(cursor, count, depth) : readMap(cursor, count, depth);
};

const readSimple = (cursor: Cursor, info: number): Cbor => {
  if (info === 20) return false;
  if (info === 21) return true;
  if (info === 22) return null;
  return refuse(cursor, 'forbidden-type');
};

const readString = (cursor: Cursor, major: 2 | 3, count: number): Cbor => {
  if (cursor.at + count > cursor.bytes.length) return refuse(cursor, 'truncated');
  const slice = cursor.bytes.slice(cursor.at, cursor.at + count) as Uint8Array<ArrayBuffer>;
  cursor.at += count;
  if (major === 2) return slice;
  return utf8ToText(slice) ?? refuse(cursor, 'invalid-utf8');
};

const readList = (cursor: Cursor, count: number, depth: number): Cbor => {
  if (count > cursor.bytes.length - cursor.at) return refuse(cursor, 'truncated');
  const list: Cbor[] = [];
  for (let i = 0; i < count && cursor.refusal === null; i++) list.push(read(cursor, depth + 1));
  return list;
};

const readMap = (cursor: Cursor, count: number, depth: number): Cbor => {
  if (count * 2 > cursor.bytes.length - cursor.at) return refuse(cursor, 'truncated');
  const map: { [key: string]: Cbor } = {};
  let previous: Uint8Array | null = null;
  for (let i = 0; i < count; i++) {
    const start = cursor.at;
    const key = read(cursor, depth + 1);
    if (cursor.refusal !== null) return null;
    if (typeof key !== 'string') return refuse(cursor, 'key-not-text');
    if (forbiddenKeys.has(key)) return refuse(cursor, 'forbidden-key');
    const keyBytes = cursor.bytes.subarray(start, cursor.at);
    if (previous !== null && compareBytes(previous, keyBytes) >= 0) return refuse(cursor, 'unsorted-keys');
    previous = keyBytes;
    map[key] = read(cursor, depth + 1);
    if (cursor.refusal !== null) return null;
  }
  return map;
};
