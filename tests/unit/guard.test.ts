import * as encoding from 'lib0/encoding';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { limits } from '../../src/lib/kernel/limits.ts';
import { encodeRuns } from '../../src/lib/replica/canonical.ts';
import { guardUpdate } from '../../src/lib/replica/guard.ts';
import { hostileUpdates, updateOf } from './guard-fixture.ts';

const event = Uint8Array.of(9, 9, 9);
const base = encodeRuns([{ author: 'anna', client: 11, start: 0, envelopes: [event, event] }]);
const refusalOf = (update: Uint8Array): string => {
  const guarded = guardUpdate(update);
  return guarded.ok ? 'taken' : guarded.error;
};

describe('the guard', () => {
  it('lets canonical structs through, from zero and from later on', () => {
    expect(refusalOf(base)).toBe('taken');
    expect(refusalOf(updateOf(11, (doc) => doc.getArray('l/anna').push([event]), base))).toBe('taken');
    expect(refusalOf(Uint8Array.of(0, 0))).toBe('taken');
  });

  it('has a reason of its own for each hostile update that Yjs would apply', () => {
    const hostile = hostileUpdates(22, 'l/mallory', 'l/anna', base);
    const outcomes = Object.fromEntries(Object.entries(hostile).map(([name, update]) => [name, refusalOf(update)]));
    expect(outcomes).toEqual({
      deleteSet: 'update-delete-set',
      insertFront: 'struct-right-origin',
      mapKey: 'struct-map-key',
      text: 'struct-content',
      subdocument: 'struct-content',
      nestedType: 'struct-content',
      jsonContent: 'struct-content',
      garbageStructs: 'struct-content',
      skipStructs: 'struct-not-item',
      // Shape alone is right; the log finds that the event is not at its place.
      afterGap: 'taken',
      secondVersion: 'update-not-canonical',
    });
  });

  it('refuses a struct that hangs on another author, on nothing, or not on the one before it', () => {
    const written = (origin: readonly [number, number] | null, client = 22, clock = 1): Uint8Array => {
      const encoder = encoding.createEncoder();
      for (const value of [1, 1, client, clock]) encoding.writeVarUint(encoder, value);
      encoding.writeUint8(encoder, origin ? 0x83 : 3);
      if (origin) for (const value of origin) encoding.writeVarUint(encoder, value);
      else {
        encoding.writeVarUint(encoder, 1);
        encoding.writeVarString(encoder, 'l/mallory');
      }
      encoding.writeVarUint8Array(encoder, event);
      encoding.writeVarUint(encoder, 0);
      return encoding.toUint8Array(encoder);
    };
    expect(refusalOf(written([22, 0]))).toBe('taken');
    expect(refusalOf(written([11, 0]))).toBe('struct-origin');
    expect(refusalOf(written([22, 5]))).toBe('struct-origin');
    expect(refusalOf(written(null))).toBe('struct-origin');
    expect(refusalOf(written([22, 0], 22, 0))).toBe('struct-parent');
    expect(refusalOf(written(null, 0, 0))).toBe('struct-origin');
  });

  it('refuses a second spelling of the same structs: bytes after the end, longer numbers, clients in another order', () => {
    const other = encodeRuns([{ author: 'bora', client: 22, start: 0, envelopes: [event] }]);
    const both = encodeRuns([
      { author: 'anna', client: 11, start: 0, envelopes: [event, event] },
      { author: 'bora', client: 22, start: 0, envelopes: [event] },
    ]);
    const reversed = Uint8Array.from([2, ...base.subarray(1, -1), ...other.subarray(1, -1), 0]);
    expect(refusalOf(both)).toBe('taken');
    expect(reversed).toHaveLength(both.length);
    for (const odd of [
      reversed,
      Uint8Array.from([...base, 0]),
      Uint8Array.from([0x81, 0, ...base.subarray(1)]),
      Uint8Array.from([...base.subarray(0, -1), 0x80, 0]),
      Uint8Array.of(0, 0, 7),
    ])
      expect(refusalOf(odd)).toBe('update-not-canonical');
  });

  it('refuses more structs than an honest frame holds, and more bytes', () => {
    const run = (count: number) =>
      encodeRuns([{ author: 'anna', client: 11, start: 0, envelopes: Array.from({ length: count }, () => event) }]);
    expect(refusalOf(run(limits.syncFrameEventsMax * 8))).toBe('taken');
    expect(refusalOf(run(limits.syncFrameEventsMax * 8 + 1))).toBe('update-too-many');
    expect(refusalOf(new Uint8Array(limits.frameBytesMax + 1))).toBe('update-too-large');
  });

  it('takes few bytes for what they are, however much they promise', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    for (const bytes of [
      huge,
      [1, ...huge],
      [1, ...huge, 5, 0],
      [1, 1, 5, 0, 0, ...huge, 0],
      [1, 1, 5, 0, 10, ...huge, 0],
      [0, ...huge],
      [0, 1, 5, ...huge],
      [1, 1, 5, 0, 3, 1, 1, 65, ...huge],
    ])
      expect(['update-malformed', 'struct-not-item', 'update-delete-set']).toContain(refusalOf(Uint8Array.from(bytes)));
  });

  it('holds nothing of a document in memory: what it refused has changed no other update', () => {
    refusalOf(hostileUpdates(22, 'l/mallory', 'l/anna', base)['deleteSet'] ?? event);
    const reader = new Y.Doc();
    Y.applyUpdate(reader, base);
    expect(reader.getArray('l/anna').length).toBe(2);
  });
});
