import { describe, expect, it } from 'vitest';
import {
  areBytesEqual,
  bytesToHex,
  bytesToText,
  compareBytes,
  concatBytes,
  textToBytes,
  utf8,
  utf8ToText,
} from '../../src/lib/kernel/ids.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { seededRandom } from '../support/test-neighbours.ts';

describe('bytes as text', () => {
  it('are base64url without padding, as Node writes it, for every length', () => {
    const random = seededRandom('ids');
    for (let length = 0; length < 200; length++) {
      const bytes = random.bytes(length);
      expect(bytesToText(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
      expect(textToBytes(bytesToText(bytes))).toEqual(bytes);
      expect(bytesToHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
    }
  });

  it('have one spelling: padding, other alphabets, blanks, spare bits and impossible lengths are refused', () => {
    for (const text of [
      'AA==',
      'AA=',
      'A',
      'AAAAA',
      'A+AA',
      'A/AA',
      'AA A',
      'AAA\n',
      'AB',
      'AAB',
      '\u00e9AAA',
      'AA\u{1f600}',
    ])
      expect([text, textToBytes(text)]).toEqual([text, null]);
    expect(textToBytes('')).toEqual(new Uint8Array(0));
    expect(textToBytes('__-_')).toEqual(Uint8Array.of(255, 255, 191));
  });

  it('accepts no random text that it would not write itself', () => {
    const random = seededRandom('texts');
    for (let at = 0; at < 5_000; at++) {
      const text = Buffer.from(random.bytes(randomInt(random, 12))).toString(at % 2 === 0 ? 'latin1' : 'base64url');
      const bytes = textToBytes(text);
      if (bytes !== null) expect(bytesToText(bytes)).toBe(text);
    }
  });
});

describe('bytes', () => {
  it('are equal only when every one is, whatever buffer they are a view of', () => {
    const whole = Uint8Array.of(9, 1, 2, 3);
    expect(areBytesEqual(whole.subarray(1), Uint8Array.of(1, 2, 3))).toBe(true);
    expect(areBytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
    expect(areBytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  });

  it('are ordered as unsigned numbers, a prefix before what it begins', () => {
    const sorted = [
      Uint8Array.of(),
      Uint8Array.of(0),
      Uint8Array.of(0, 255),
      Uint8Array.of(1),
      Uint8Array.of(128),
      Uint8Array.of(255),
    ];
    expect(sorted.toReversed().toSorted(compareBytes)).toEqual(sorted);
    expect(concatBytes(...sorted)).toEqual(Uint8Array.of(0, 0, 255, 1, 128, 255));
  });

  it('become text only when they are valid UTF-8, and a byte-order mark is a character like any other', () => {
    expect(utf8ToText(utf8('Grüße 🏡'))).toBe('Grüße 🏡');
    expect(utf8ToText(Uint8Array.of(0xff))).toBeNull();
    expect(utf8ToText(utf8('\ufeffx'))).toBe('\ufeffx');
  });
});
