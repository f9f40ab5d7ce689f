import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { describe, expect, it } from 'vitest';
import * as sync from 'y-protocols/sync';
import * as Y from 'yjs';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { encodeFrame, parseFrame, type SyncFrame } from '../../src/lib/replica/frames.ts';
import { hashOf } from './street-fixture.ts';

const frames: readonly SyncFrame[] = [
  { type: 'ask', lane: 0, clocks: new Map() },
  {
    type: 'ask',
    lane: 21,
    clocks: new Map([
      [Number.MAX_SAFE_INTEGER, 5],
      [7, 0],
    ]),
  },
  { type: 'update', lane: 21, update: Uint8Array.of(0, 0), isLast: true },
  { type: 'update', lane: 0, update: new Uint8Array(0), isLast: false },
  { type: 'payload', payloads: [{ id: hashOf('a'), payload: new Uint8Array(limits.payloadBytesMax) }] },
  {
    type: 'push',
    events: [
      { envelope: Uint8Array.of(1, 2), payload: Uint8Array.of(3) },
      { envelope: Uint8Array.of(4), payload: null },
    ],
  },
  { type: 'want', ids: [hashOf('a'), hashOf('b')] },
  { type: 'heads', heads: [{ author: hashOf('anna'), lane: 21, next: 9, digest: hashOf('d') }] },
  { type: 'proof', proof: encodeCbor([Uint8Array.of(1), Uint8Array.of(2)]) },
  { type: 'certify', body: Uint8Array.of(1), signature: new Uint8Array(64), sealedRoot: null },
  { type: 'receipt', receipt: Uint8Array.of(1, 2, 3) },
  { type: 'bye', reason: 'invite-used' },
];
const raw = (type: number, body: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(type), body);
const refusalOf = (bytes: Uint8Array): string => {
  const parsed = parseFrame(bytes);
  return parsed.ok ? 'taken' : parsed.error;
};

describe('sync frames', () => {
  it('are read back as they were written', () => {
    for (const frame of frames) expect(parseFrame(encodeFrame(frame))).toEqual({ ok: true, value: frame });
  });

  it('are refused when cut at any byte, but for a receipt and a goodbye, which may end anywhere', () => {
    for (const frame of frames.filter(({ type }) => type !== 'receipt' && type !== 'bye')) {
      const whole = encodeFrame(frame);
      const taken: number[] = [];
      for (let length = 0; length < whole.length; length += length < 200 ? 1 : 997)
        if (parseFrame(whole.subarray(0, length)).ok) taken.push(length);
      expect([frame.type, taken]).toEqual([frame.type, []]);
    }
  });

  it('carry the steps of y-protocols with their lane in front', () => {
    const doc = new Y.Doc();
    doc.getArray('l/x').push([Uint8Array.of(1)]);
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint(encoder, 21);
    sync.writeSyncStep1(encoder, doc);
    expect(parseFrame(encoding.toUint8Array(encoder))).toEqual({
      ok: true,
      value: { type: 'ask', lane: 21, clocks: Y.decodeStateVector(Y.encodeStateVector(doc)) },
    });
    const update = encodeFrame({
      type: 'update',
      lane: 21,
      update: Y.encodeStateAsUpdate(doc) as Uint8Array<ArrayBuffer>,
      isLast: true,
    });
    const decoder = decoding.createDecoder(update);
    expect([decoding.readVarUint(decoder), decoding.readVarUint(decoder)]).toEqual([0, 21]);
    const reader = new Y.Doc();
    sync.readSyncMessage(decoder, encoding.createEncoder(), reader, null);
    expect(reader.getArray('l/x').toArray()).toEqual([Uint8Array.of(1)]);
  });

  it('of no known type, of unknown steps and with bytes left over are refused', () => {
    for (const type of [1, 2, 3, 4, 99, 108, 127]) expect(refusalOf(raw(type, encodeCbor([])))).toBe('frame-type');
    expect(refusalOf(Uint8Array.of(0, 21, 3, 0))).toBe('frame-type');
    expect(refusalOf(concatBytes(encodeFrame({ type: 'ask', lane: 0, clocks: new Map() }), Uint8Array.of(0)))).toBe(
      'frame-malformed',
    );
    expect(refusalOf(new Uint8Array(0))).toBe('frame-malformed');
    expect(refusalOf(new Uint8Array(20).fill(255))).toBe('frame-malformed');
  });

  it('are refused when a list in them is too long or an item has the wrong shape', () => {
    const many = (count: number, item: Cbor): Uint8Array => encodeCbor(Array.from({ length: count }, () => item));
    expect(refusalOf(raw(101, many(limits.wantIdsMax, hashOf('a'))))).toBe('taken');
    expect(refusalOf(raw(101, many(limits.wantIdsMax + 1, hashOf('a'))))).toBe('frame-too-many');
    expect(refusalOf(raw(102, many(limits.stateVectorEntriesMax + 1, 0)))).toBe('frame-too-many');
    expect(refusalOf(raw(103, encodeCbor([new Uint8Array(limits.proofBytesMax), new Uint8Array(1)])))).toBe(
      'frame-too-many',
    );
    const odd: [number, Cbor][] = [
      [100, [[hashOf('a')]]],
      [100, [[hashOf('a'), new Uint8Array(limits.payloadBytesMax + 1)]]],
      [100, [[new Uint8Array(31), new Uint8Array(0)]]],
      [100, { a: 1 }],
      [101, [new Uint8Array(31)]],
      [101, ['id']],
      [103, []],
      [103, [Uint8Array.of(1)]],
      [103, [Uint8Array.of(1), 'b']],
      [103, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]],
      [101, 5],
      [102, [[hashOf('a'), 0, 1]]],
      [102, [[hashOf('a'), -1, 1, hashOf('d')]]],
      [102, [[hashOf('a'), 0, 'x', hashOf('d')]]],
    ];
    for (const [type, body] of odd)
      expect([type, refusalOf(raw(type, encodeCbor(body)))]).toEqual([type, 'frame-malformed']);
    const vector = encoding.createEncoder();
    for (const value of [0, 0, 0]) encoding.writeVarUint(vector, value);
    const inner = encoding.createEncoder();
    encoding.writeVarUint(inner, limits.stateVectorEntriesMax + 1);
    encoding.writeVarUint8Array(vector, encoding.toUint8Array(inner));
    expect(refusalOf(encoding.toUint8Array(vector))).toBe('frame-too-many');
  });

  it('say goodbye in plain small words only', () => {
    for (const reason of ['<b>', 'A', 'x'.repeat(61), 'zwei worte'])
      expect(refusalOf(raw(105, new TextEncoder().encode(reason)))).toBe('frame-malformed');
    expect(refusalOf(raw(105, Uint8Array.of(0xff)))).toBe('frame-malformed');
  });
});
