import { decodeCbor, encodeCbor, isCborList, isCborMap, type Cbor } from '../../src/lib/kernel/codec.ts';
import { areBytesEqual, bytesToHex } from '../../src/lib/kernel/ids.ts';
import { canonicalJson } from './schema-files.ts';

/*
 * Vectors are JSON, which knows no bytes: `{"$hex": "00ff"}` stands for a byte string, `{"$cbor": value}` for one that holds the
 * CBOR of the value. In an expectation `{"$any": true}` fits everything, `{"$from": 1, "$to": 9}` every number between them, and a
 * map is fitted by one that has more members.
 */

export const toNotation = (value: Cbor): unknown => {
  if (value instanceof Uint8Array) return { $hex: bytesToHex(value) };
  if (isCborList(value)) return value.map(toNotation);
  if (!isCborMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toNotation(each)]));
};

/** The JSON of a value as `decode` of type `cbor` tells it: RFC 8785, with `$hex` for bytes. */
export const notationText = (value: Cbor): string => canonicalJson(toNotation(value));

/** Throws on what no CBOR of the protocol can hold (a fraction, say): that is a mistake in a vector. */
export const fromNotation = (value: unknown): Cbor => {
  if (Array.isArray(value)) return value.map(fromNotation);
  if (typeof value !== 'object' || value === null) {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (Number.isSafeInteger(value)) return value as number;
    throw new TypeError(`${String(value)} is nothing that travels`);
  }
  const { $hex, $cbor } = value as { $hex?: unknown; $cbor?: unknown };
  if (typeof $hex === 'string') return hexBytes($hex);
  if ($cbor !== undefined) return encodeCbor(fromNotation($cbor));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fromNotation(each)]));
};

export const hexBytes = (hex: string): Uint8Array<ArrayBuffer> => {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw new TypeError(`${hex} is not hex`);
  return new Uint8Array(Buffer.from(hex, 'hex'));
};

/** null when the answer fits; else where it does not, and how. */
export const mismatch = (expected: unknown, got: Cbor | undefined, at = ''): string | null => {
  const differs = (): string => `${at || 'the answer'} is ${tell(got)}, expected ${JSON.stringify(expected)}`;
  if (Array.isArray(expected)) {
    if (!isCborList(got) || got.length !== expected.length) return differs();
    return firstOf(expected.map((each, index) => mismatch(each, got[index], `${at}[${index}]`)));
  }
  if (typeof expected !== 'object' || expected === null) return expected === got ? null : differs();
  if ('$any' in expected) return got === undefined ? differs() : null;
  if ('$from' in expected && '$to' in expected) {
    const isWithin = typeof got === 'number' && got >= Number(expected.$from) && got <= Number(expected.$to);
    return isWithin ? null : differs();
  }
  if ('$hex' in expected)
    return got instanceof Uint8Array && areBytesEqual(got, hexBytes(String(expected.$hex))) ? null : differs();
  if ('$cbor' in expected) {
    const inner = got instanceof Uint8Array ? decodeCbor(got) : null;
    return inner?.ok ? mismatch(expected.$cbor, inner.value, `${at} as CBOR`) : differs();
  }
  if (!isCborMap(got)) return differs();
  return firstOf(
    Object.entries(expected).map(([name, each]) =>
      mismatch(each, Object.hasOwn(got, name) ? got[name] : undefined, at ? `${at}.${name}` : name),
    ),
  );
};

const firstOf = (found: readonly (string | null)[]): string | null => found.find((each) => each !== null) ?? null;

const tell = (value: Cbor | undefined): string => (value === undefined ? 'absent' : notationText(value).slice(0, 300));
