import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { encodeRpc, type CallFrame, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import type { Vector, VectorGroup } from '../conformance/golden-files.ts';
import { bora, cbor, dilek, filled, hex, nothingFound, question, street } from './bus-street.ts';

/** Calls as one neighbour sends them and hears their answers: what comes back, when, and how often a handler ran. */
export const callGroups = (): VectorGroup[] => [{ group: 'calls', vectors: [...answered(), ...streamed(), ...stopped(), ...outOfOrder()] }];

type Sent = readonly [at: number, frame: RpcFrame | Uint8Array<ArrayBuffer>];
const frames = (...sent: readonly Sent[]) =>
  sent.map(([at, frame]) => ({ at, bytes: hex(frame instanceof Uint8Array ? frame : encodeRpc(frame)) }));
const answer = (sent: readonly Sent[], more: object = {}): Vector['request'] => ({
  op: 'answer',
  world: street(),
  device: hex(bora.publicKey),
  frames: frames(...sent),
  ...more,
});

const callOf = (id: number, cap: string, input: Cbor, over: Partial<CallFrame> = {}): CallFrame => ({
  t: 'call',
  id,
  cap,
  input: encodeCbor(input),
  params: {},
  deadlineMs: 0,
  trace: `trace-${id}`,
  clientId: `call-${id}`,
  ...over,
});
const ping = (id: number, over: Partial<CallFrame> = {}): CallFrame => callOf(id, 'mesh.ping@1.0', { nonce: 7 }, over);
const search = (id: number, over: Partial<CallFrame> = {}): CallFrame => callOf(id, 'library.search@1.0', question, over);

const done = (id: number, value: Cbor, at = 0) => ({ at, bytes: { $cbor: { t: 'done', id, value: { $cbor: value } } } });
const failed = (id: number, code: string, reason: string, at = 0) => ({ at, bytes: { $cbor: { t: 'error', id, code, reason } } });
const pong = (id: number, at = 0) => done(id, { nonce: 7 }, at);

const answered = (): Vector[] => [
  { name: 'a call is answered once', request: answer([[0, ping(1)]]), expect: { ok: { frames: [pong(1)], refusals: [], handled: [{ capability: 'mesh.ping', input: { $cbor: { nonce: 7 } } }], inFlight: 0 } } },
  { name: 'an input is given to the handler as its schema makes it', request: answer([[0, callOf(1, 'library.search@1.0', { query: 'pump', colour: 'red' })]]), expect: { ok: { frames: [done(1, nothingFound)], handled: [{ input: { $cbor: { query: 'pump', k: 8 } } }] } } },
  { name: 'a member’s question is answered, a stranger’s is not', request: { ...answer([[0, search(1)]]), device: hex(dilek.publicKey) }, expect: { ok: { frames: [failed(1, 'unauthorized', 'not-a-member')], handled: [] } } },
  { name: 'what is for own screens', request: answer([[0, callOf(1, 'node.selfTest@1.0', {})]]), expect: { ok: { frames: [failed(1, 'forbidden', 'self-only')], handled: [] } } },
  { name: 'an input that no schema takes', request: answer([[0, callOf(1, 'mesh.ping@1.0', { nonce: 'seven' })]]), expect: { ok: { frames: [{ bytes: { $cbor: { t: 'error', id: 1, code: 'schema_mismatch' } } }], handled: [] } } },
  { name: 'an input that is no CBOR', request: answer([[0, ping(1, { input: filled(1, 0xa1) })]]), expect: { ok: { frames: [failed(1, 'bad_request', 'input-truncated')], handled: [] } } },
  { name: 'a capability nobody knows', request: answer([[0, callOf(1, 'library.sing@1.0', {})]]), expect: { ok: { frames: [failed(1, 'not_found', 'capability-unknown')] } } },
  { name: 'a later minor version', request: answer([[0, callOf(1, 'mesh.ping@1.1', { nonce: 7 })]]), expect: { ok: { frames: [failed(1, 'not_found', 'version')], handled: [] } } },
  { name: 'another major version', request: answer([[0, callOf(1, 'mesh.ping@2.0', { nonce: 7 })]]), expect: { ok: { frames: [failed(1, 'not_found', 'version')], handled: [] } } },
  { name: 'what is known and served by nobody here', request: answer([[0, callOf(1, 'library.read@1.0', { cid: 'A'.repeat(43) })]]), expect: { ok: { frames: [{ bytes: { $cbor: { t: 'error', id: 1, code: 'not_found' } } }], handled: [] } } },
  { name: 'a param that is not known', request: answer([[0, ping(1, { params: { corpus: 'recipes' } })]]), expect: { ok: { frames: [failed(1, 'bad_request', 'param-unknown')], handled: [] } } },
  { name: 'a stream where none is taken', request: answer([[0, ping(1, { streams: true })]]), expect: { ok: { frames: [failed(1, 'bad_request', 'no-input-stream')], handled: [] } } },
  {
    name: 'a failure of the handler travels as it is',
    request: answer([[0, search(1)]], { world: street({ serves: [{ capability: 'library.search', script: { failure: { code: 'unavailable', reason: 'index', retryAfterMs: 300 } } }] }) }),
    expect: { ok: { frames: [{ at: 0, bytes: { $cbor: { t: 'error', id: 1, code: 'unavailable', reason: 'index', retryAfterMs: 300 } } }] } },
  },
  {
    name: 'a slow call blocks nothing',
    request: answer([[0, search(1)], [10, ping(2)]], { untilMs: 1_000, world: slow(500) }),
    expect: { ok: { frames: [pong(2, 10), done(1, nothingFound, 500)], inFlight: 0 } },
  },
];

/** library.search takes so long; mesh.ping is at once. */
const slow = (afterMs: number): object =>
  street({
    serves: [
      { capability: 'mesh.ping', script: { output: cbor({ nonce: 7 }) } },
      { capability: 'library.search', script: { afterMs, output: cbor(nothingFound) } },
    ],
  });

const asked: Cbor = { messages: [{ role: 'person', text: 'water' }] };
const step = (): Cbor => ({ step: 'searching-here', device: 'A'.repeat(43) });
const silentAnswer = { capability: 'ask.answer', script: { items: Array.from({ length: 40 }, () => ({ value: cbor(step()) })), failure: { code: 'unavailable', reason: 'at-last' } } };
const item = (at: number) => ({ at, bytes: { $cbor: { t: 'item', id: 1, value: { $cbor: step() } } } });

const streamed = (): Vector[] => {
  const world = street({ serves: [silentAnswer] });
  const call = callOf(1, 'ask.answer@1.0', asked);
  return [
    { name: 'a stream stops after 32 items without credit', request: answer([[0, call]], { world, untilMs: 1_000 }), expect: { ok: { frames: Array.from({ length: 32 }, () => item(0)), inFlight: 1 } } },
    {
      name: 'a stream goes on by its credit, and ends once',
      request: answer([[0, call], [100, { t: 'credit', id: 1, n: 5 }], [200, { t: 'credit', id: 1, n: 5 }]], { world, untilMs: 1_000 }),
      expect: { ok: { frames: [...Array.from({ length: 32 }, () => item(0)), ...Array.from({ length: 5 }, () => item(100)), ...Array.from({ length: 3 }, () => item(200)), failed(1, 'unavailable', 'at-last', 200)], inFlight: 0 } },
    },
  ];
};

const stopped = (): Vector[] => {
  const world = slow(60_000);
  return [
    { name: 'a cancel stops the handler at once', request: answer([[0, search(1)], [100, { t: 'cancel', id: 1 }]], { world, untilMs: 1_000 }), expect: { ok: { frames: [failed(1, 'cancelled', 'by-caller', 100)], handled: [{ stopped: 'cancelled by-caller' }], inFlight: 0 } } },
    { name: 'a deadline of the caller ends the call', request: answer([[0, search(1, { deadlineMs: 300 })]], { world, untilMs: 1_000 }), expect: { ok: { frames: [failed(1, 'timeout', 'deadline', 300)], handled: [{ stopped: 'timeout deadline' }] } } },
    { name: 'the capability’s own time limit holds without one', request: answer([[0, search(1)]], { world, untilMs: 20_000 }), expect: { ok: { frames: [failed(1, 'timeout', 'deadline', 15_000)] } } },
    { name: 'a link that is lost stops its calls, and nobody is answered', request: answer([[0, search(1)]], { world, lostAt: 50, untilMs: 1_000 }), expect: { ok: { frames: [], handled: [{ stopped: 'cancelled link-lost' }], inFlight: 0 } } },
    { name: 'seventeen calls at once', request: answer(Array.from({ length: 17 }, (_, at): Sent => [0, callOf(at + 1, 'ask.answer@1.0', asked)]), { world: street({ serves: [{ capability: 'ask.answer', script: {} }] }) }), expect: { ok: { frames: [{ bytes: { $cbor: { t: 'error', id: 17, code: 'rate_limited', reason: 'calls-in-flight', retryAfterMs: { $from: 1, $to: 60_000 } } } }], inFlight: 16 } } },
  ];
};

const outOfOrder = (): Vector[] => {
  const counted = (name: string, frame: RpcFrame | Uint8Array<ArrayBuffer>, reason: string): Vector => ({
    name,
    request: answer([[0, frame], [1, ping(9)]]),
    expect: { ok: { frames: [pong(9, 1)], refusals: [reason] } },
  });
  return [
    { name: 'an id that was used gets no second answer', request: answer([[0, ping(1)], [1, ping(1)], [2, ping(2)]]), expect: { ok: { frames: [pong(1), pong(2, 2)], refusals: ['rpc-duplicate-id'], handled: [{}, {}] } } },
    { name: 'a call that cannot be read hears so', request: answer([[0, encodeCbor({ t: 'call', id: 3, cap: 'mesh.ping@1.0' })]]), expect: { ok: { frames: [failed(3, 'bad_request', 'call-malformed')], refusals: ['rpc-malformed'], handled: [] } } },
    counted('a cancel of a call nobody made', { t: 'cancel', id: 4 }, 'rpc-unknown-id'),
    counted('credit for a call nobody made', { t: 'credit', id: 4, n: 1 }, 'rpc-unknown-id'),
    counted('an item for a call nobody made', { t: 'item', id: 4, value: encodeCbor(1) }, 'rpc-unknown-id'),
    counted('a result nobody waits for', { t: 'done', id: 4, value: encodeCbor(1) }, 'rpc-unknown-id'),
    counted('bytes that are no frame', filled(5, 0xff), 'rpc-malformed'),
    counted('a frame of a type nobody knows', encodeCbor({ t: 'sing', id: 1 }), 'rpc-type'),
    {
      name: 'more credit than a stream may have',
      request: answer([[0, callOf(1, 'ask.answer@1.0', asked)], [1, { t: 'credit', id: 1, n: 256 }]], { world: street({ serves: [{ capability: 'ask.answer', script: {} }] }) }),
      expect: { ok: { frames: [], refusals: ['rpc-credit-overrun'], inFlight: 1 } },
    },
    {
      name: 'an item of the caller where it streams nothing',
      request: answer([[0, search(1)], [1, { t: 'item', id: 1, value: encodeCbor(1), up: true }]], { world: slow(5_000), untilMs: 100 }),
      expect: { ok: { frames: [failed(1, 'bad_request', 'no-stream', 1)], refusals: ['rpc-no-stream'], inFlight: 0 } },
    },
  ];
};
