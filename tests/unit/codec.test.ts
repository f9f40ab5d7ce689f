import { isDeepStrictEqual } from 'node:util';
import { decode as decodeByOther, dcborDecodeOptions, dcborEncodeOptions, encode as encodeByOther } from 'cbor2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCbor,
  encodeCbor,
  isCborCount,
  isCborMap,
  type Cbor,
  type CodecRefusal,
} from '../../src/lib/kernel/codec.ts';
import { areBytesEqual, bytesToHex, concatBytes } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.normalize('NFC'));
const key = text.filter((name) => !['__proto__', 'constructor', 'prototype'].includes(name));
const integer = fc.oneof(
  fc.integer({ min: -30, max: 300 }),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.maxSafeInteger(),
  fc.constantFrom(
    0,
    23,
    24,
    255,
    256,
    65535,
    65536,
    2 ** 32 - 1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ),
);
const bytes = fc.uint8Array({ maxLength: 70 }).map((value) => new Uint8Array(value));
const { value: anyValue } = fc.letrec<{ value: Cbor; leaf: Cbor }>((tie) => ({
  leaf: fc.oneof(integer, text, bytes, fc.boolean(), fc.constant(null)) as fc.Arbitrary<Cbor>,
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ) as fc.Arbitrary<Cbor>,
}));
const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const refusalOf = (hex: string): CodecRefusal | 'taken' => {
  const decoded = decodeCbor(fromHex(hex));
  return decoded.ok ? 'taken' : decoded.error;
};

describe('deterministic CBOR beside cbor2', () => {
  it('writes and reads 2,000 generated values exactly as cbor2 in its dCBOR mode does', () => {
    let different = 0;
    for (const value of fc.sample(anyValue, { numRuns: 2_000, seed: 20_260_615 })) {
      const ours = encodeCbor(value);
      const isSame =
        areBytesEqual(ours, encodeByOther(value, dcborEncodeOptions)) &&
        isDeepStrictEqual(decodeByOther(ours, dcborDecodeOptions), value) &&
        isDeepStrictEqual(unwrap(decodeCbor(ours)), value);
      if (!isSame) different += 1;
    }
    expect(different).toBe(0);
  });

  it('reads back every value it writes, whatever order its keys were put in', () => {
    const shuffled = { bb: 1, a: 2, c: 3, aa: 4, b: 5 };
    expect(bytesToHex(encodeCbor(shuffled))).toBe(bytesToHex(encodeCbor({ a: 2, aa: 4, b: 5, bb: 1, c: 3 })));
    // RFC 8949 4.2.1: bytewise order of the encoded keys, so shorter texts come first.
    expect(Object.keys(unwrap(decodeCbor(encodeCbor(shuffled))) ?? {})).toEqual(['a', 'b', 'c', 'aa', 'bb']);
  });

  it('leaves an undefined member out, as an optional field is', () => {
    expect(encodeCbor({ a: 1, b: undefined } as unknown as Cbor)).toEqual(encodeCbor({ a: 1 }));
  });
});

describe('deterministic CBOR refuses', () => {
  it('what is cut short, at every byte of every generated value', () => {
    let taken = 0;
    for (const value of fc.sample(anyValue, { numRuns: 200, seed: 7 })) {
      const whole = encodeCbor(value);
      if (whole.length > 300) continue;
      for (let length = 0; length < whole.length; length++) if (decodeCbor(whole.subarray(0, length)).ok) taken += 1;
    }
    expect(taken).toBe(0);
    expect(refusalOf('')).toBe('truncated');
    expect(refusalOf('44 0102')).toBe('truncated');
  });

  it('anything after the value', () => {
    expect(refusalOf('00 00')).toBe('trailing-bytes');
    expect(refusalOf('80 f6')).toBe('trailing-bytes');
  });

  it('every longer spelling of a number, a length or a count', () => {
    for (const hex of [
      '18 17',
      '19 00ff',
      '1a 0000ffff',
      '1b 00000000ffffffff',
      '38 17',
      '58 01 00',
      '78 01 61',
      '98 01 00',
    ])
      expect([hex, refusalOf(hex)]).toEqual([hex, 'not-shortest']);
    expect(refusalOf('b8 01 61 61 00')).toBe('not-shortest');
  });

  it('numbers outside of 2^53, on both sides', () => {
    expect(refusalOf('1b 001fffffffffffff')).toBe('taken');
    expect(refusalOf('1b 0020000000000000')).toBe('integer-range');
    expect(refusalOf('1b ffffffffffffffff')).toBe('integer-range');
    expect(refusalOf('3b 001ffffffffffffe')).toBe('taken');
    expect(refusalOf('3b 001fffffffffffff')).toBe('integer-range');
  });

  it('unsorted and repeated keys, keys that are no text, and keys that reach a prototype', () => {
    expect(refusalOf('a2 61 62 00 61 61 00')).toBe('unsorted-keys');
    expect(refusalOf('a2 61 61 00 61 61 01')).toBe('unsorted-keys');
    expect(refusalOf('a2 62 6161 00 61 62 00')).toBe('unsorted-keys');
    expect(refusalOf('a1 01 00')).toBe('key-not-text');
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const raw = concatBytes(Uint8Array.of(0xa1), encodeCbor(name), Uint8Array.of(0xa0));
      expect(decodeCbor(raw)).toEqual({ ok: false, error: 'forbidden-key' });
      expect(() => encodeCbor(Object.fromEntries([[name, 1]]))).toThrow(TypeError);
    }
  });

  it('text that is not UTF-8: stray, overlong, surrogate and cut', () => {
    for (const hex of ['61 ff', '62 c0af', '63 eda080', '61 c3', '64 f4908080'])
      expect([hex, refusalOf(hex)]).toEqual([hex, 'invalid-utf8']);
  });

  it('floats, tags, undefined, other simple values and indefinite lengths', () => {
    for (const hex of [
      'f9 3c00',
      'fa 3f800000',
      'fb 3ff0000000000000',
      'f9 7e00',
      'c0 00',
      'd8 20 00',
      'f7',
      'e0',
      'f8 20',
      '9f ff',
      'bf ff',
      '5f ff',
      '7f ff',
      '1c',
      'ff',
    ])
      expect([hex, refusalOf(hex)]).toEqual([hex, 'forbidden-type']);
  });

  it('more than sixteen levels, when reading and when writing', () => {
    const nested = (depth: number): Cbor => (depth === 0 ? 0 : [nested(depth - 1)]);
    expect(decodeCbor(encodeCbor(nested(16))).ok).toBe(true);
    expect(() => encodeCbor(nested(17))).toThrow(RangeError);
    expect(decodeCbor(Uint8Array.of(...Array.from({ length: 17 }, () => 0x81), 0))).toEqual({
      ok: false,
      error: 'too-deep',
    });
    expect(decodeCbor(new Uint8Array(100_000).fill(0x81))).toEqual({ ok: false, error: 'too-deep' });
  });

  it('counts that promise more than the bytes hold, without making room for them', () => {
    for (const hex of ['9a ffffffff', 'ba 7fffffff', '5b 001fffffffffffff', '7b 001fffffffffffff'])
      expect(refusalOf(hex)).toBe('truncated');
  });

  it('to write what is no value of the subset', () => {
    for (const value of [1.5, Number.NaN, Infinity, 2 ** 53, undefined, 1n, () => 1])
      expect(() => encodeCbor(value as unknown as Cbor)).toThrow();
  });
});

describe('the shape tests of decoded values', () => {
  it('tell maps from lists and bytes, and counts from negative numbers', () => {
    expect([{}, [], null, new Uint8Array(1), undefined].map((value) => isCborMap(value as Cbor | undefined))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect([0, 5, -1, 'x', null].map((value) => isCborCount(value))).toEqual([true, true, false, false, false]);
  });
});
