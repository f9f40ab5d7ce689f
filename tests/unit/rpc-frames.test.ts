import { describe, expect, it } from 'vitest';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { failure } from '../../src/lib/kernel/errors.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { callIdOf, encodeRpc, parseRpc, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { callFrame, doneFrame, itemFrame, upFrame } from './rpc-fixture.ts';

const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length);
const wireCall = {
  t: 'call',
  id: 1,
  cap: 'a.b@1.0',
  input: bytes(1),
  params: {},
  deadlineMs: 0,
  trace: 't',
  clientId: 'c',
};
const long = 'x'.repeat(81);

describe('rpc frames', () => {
  const large = { cid: 'A'.repeat(43), key: bytes(32).fill(7), size: 300_000 };
  const frames: readonly RpcFrame[] = [
    callFrame(1, { params: { corpus: 'street-notes' } }),
    callFrame(1, { tokens: [Uint8Array.of(1), Uint8Array.of(2)], session: 'talk', deadlineMs: 900, streams: true }),
    { ...callFrame(7), input: large },
    itemFrame(2, [1, null]),
    upFrame(2, { n: 5 }),
    { t: 'end', id: 2 },
    doneFrame(0, { text: 'x' }),
    { t: 'error', id: 3, failure: failure('rate_limited', 'calls', 1000) },
    { t: 'error', id: 3, failure: failure('forbidden', 'no') },
    { t: 'cancel', id: 4 },
    { t: 'credit', id: 5, n: 16 },
    { t: 'credit', id: 5, n: 16, up: true },
    { t: 'presence', presence: Uint8Array.of(1) },
  ];

  it('are read back as they were written, and refused when cut anywhere', () => {
    for (const frame of frames) {
      const written = encodeRpc(frame);
      expect(parseRpc(written)).toEqual({ ok: true, value: frame });
      for (let length = 0; length < written.length; length++)
        expect(parseRpc(written.subarray(0, length)).ok).toBe(false);
    }
  });

  it('carry an input that nobody has decoded: what is in it is not even looked at', () => {
    const input = Uint8Array.of(0xff, 0xff);
    expect(unwrap(parseRpc(encodeRpc({ ...callFrame(1), input })))).toMatchObject({ t: 'call', input });
  });

  it('of the wrong shape are refused', () => {
    const calls: { readonly [key: string]: Cbor }[] = [
      { id: -1 },
      { cap: 5 },
      { input: { text: 'open' } },
      { input: bytes(limits.inlineInputBytesMax + 1) },
      { inputCid: bytes(32), inputKey: bytes(32), inputSize: 1 },
      { params: [] },
      { params: { a: 5 } },
      { params: { a: long } },
      { params: { [long]: 'a' } },
      { params: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, 'v'])) },
      { deadlineMs: -1 },
      { deadlineMs: limits.callDeadlineMsMax + 1 },
      { deadlineMs: 'soon' },
      { trace: '' },
      { trace: long },
      { clientId: 5 },
      { session: '' },
      { session: long },
      { streams: false },
      ...[[], 'x', ['x'], [1], Array.from({ length: 5 }, () => bytes(1)), [bytes(2_401)]].map((tokens) => ({ tokens })),
    ];
    for (const over of calls) expect([over, parseRpc(encodeCbor({ ...wireCall, ...over })).ok]).toEqual([over, false]);
    expect(parseRpc(encodeCbor(wireCall)).ok).toBe(true);
    for (const missing of ['cap', 'input', 'params', 'deadlineMs', 'trace', 'clientId']) {
      const { [missing]: _, ...rest } = wireCall as { readonly [key: string]: Cbor };
      expect([missing, parseRpc(encodeCbor(rest)).ok]).toEqual([missing, false]);
    }
    const odd: [Cbor, string][] = [
      [[], 'rpc-malformed'],
      [{ t: 'call' }, 'rpc-malformed'],
      [{ t: 'item', id: 1, value: { text: 'open' } }, 'rpc-malformed'],
      [{ t: 'item', id: 1, value: bytes(limits.streamItemBytesMax + 1) }, 'rpc-malformed'],
      [{ t: 'item', id: 1, value: bytes(1), up: false }, 'rpc-malformed'],
      [{ t: 'done', id: 1 }, 'rpc-malformed'],
      [{ t: 'credit', id: 1, n: limits.streamQueueItemsMax + 1 }, 'rpc-malformed'],
      [{ t: 'credit', id: 1, n: 0 }, 'rpc-malformed'],
      [{ t: 'credit', id: 1 }, 'rpc-malformed'],
      [{ t: 'error', id: 1, code: 'made_up', reason: 'x' }, 'rpc-malformed'],
      [{ t: 'error', id: 1, code: 'constructor', reason: 'x' }, 'rpc-malformed'],
      [{ t: 'error', id: 1, code: 'internal', reason: 'x'.repeat(121) }, 'rpc-malformed'],
      [{ t: 'presence', presence: 'text' }, 'rpc-malformed'],
      [{ t: 'other', id: 1 }, 'rpc-type'],
      [{ id: 1 }, 'rpc-type'],
    ];
    for (const [body, reason] of odd)
      expect([body, parseRpc(encodeCbor(body))]).toEqual([body, { ok: false, error: reason }]);
  });

  it('name a large input whole or not at all', () => {
    const { input: _, ...rest } = wireCall;
    const named = { inputCid: bytes(32), inputKey: bytes(32), inputSize: 5 };
    expect(parseRpc(encodeCbor({ ...rest, ...named })).ok).toBe(true);
    for (const over of [{ inputCid: bytes(31) }, { inputKey: bytes(16) }, { inputSize: -1 }, { inputSize: 'big' }])
      expect([over, parseRpc(encodeCbor({ ...rest, ...named, ...over })).ok]).toEqual([over, false]);
  });

  it('tell the id of a call that cannot be read further, and of nothing else', () => {
    expect(callIdOf(encodeCbor({ t: 'call', id: 5 }))).toBe(5);
    for (const body of [{ t: 'call', id: 'x' }, { t: 'done', id: 5 }, [], 'call'])
      expect([body, callIdOf(encodeCbor(body))]).toEqual([body, null]);
    expect(callIdOf(Uint8Array.of(0xff))).toBeNull();
  });

  it('do not let a neighbour make us wait for more than an hour', () => {
    expect(
      parseRpc(
        encodeCbor({ t: 'error', id: 1, code: 'rate_limited', reason: 'x', retryAfterMs: Number.MAX_SAFE_INTEGER }),
      ),
    ).toMatchObject({ value: { failure: { retryAfterMs: 3_600_000 } } });
  });

  it('shorten a reason that would not be taken, and round a pause to what can travel', () => {
    const written = encodeRpc({ t: 'error', id: 1, failure: failure('internal', 'x'.repeat(500), -0.5) });
    expect(unwrap(parseRpc(written))).toEqual({
      t: 'error',
      id: 1,
      failure: { code: 'internal', reason: 'x'.repeat(120), retryAfterMs: 0 },
    });
  });
});
