import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { sha256Now } from '../../src/lib/crypto/sha256.ts';
import { bytesToText, concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { encodeRpc, type CallFrame, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { signManifest } from '../../src/lib/services/presence-manifest.ts';
import type { Vector, VectorGroup } from '../conformance/golden-files.ts';
import { bora, cbor, filled, hex, mallory, noonMs, question } from './bus-street.ts';

/** Ids of capabilities, frames of `rpc` and `bulk`, presence and the card: what is read, what is written, what is refused. */
export const frameGroups = async (): Promise<VectorGroup[]> => [
  { group: 'capability ids', vectors: idVectors() },
  { group: 'rpc frames', vectors: [...frameVectors(), ...refusedFrames()] },
  { group: 'presence', vectors: await presenceVectors() },
  { group: 'blobs', vectors: blobVectors() },
  { group: 'recovery card', vectors: cardVectors() },
];

const idVectors = (): Vector[] => [
  {
    name: 'an id is read',
    request: { op: 'decode', type: 'capability', text: 'library.search@1.0' },
    expect: { ok: { name: 'library.search', major: 1, minor: 0 } },
  },
  {
    name: 'an id is written',
    request: { op: 'encode', type: 'capability', name: 'auth.token.issue', major: 2, minor: 13 },
    expect: { ok: { text: 'auth.token.issue@2.13' } },
  },
  ...['', 'library', 'library.search', 'Library.search@1.0', 'library.search@1', 'library.search@1.0 ', '.search@1.0', 'a.b@12345.0', `a.${'b'.repeat(80)}@1.0`].map(
    (text): Vector => ({
      name: `"${text.slice(0, 30)}" is no id`,
      request: { op: 'decode', type: 'capability', text },
      expect: { error: { kind: 'refused', code: 'not_found' } },
    }),
  ),
];

const call: CallFrame = {
  t: 'call',
  id: 1,
  cap: 'library.search@1.0',
  input: encodeCbor(question),
  params: { corpus: 'recipes' },
  deadlineMs: 5_000,
  trace: 'trace-1',
  clientId: 'call-1',
};

const frameVectors = (): Vector[] => {
  const large = { cid: bytesToText(filled(32, 0x77)), key: filled(32, 0x78), size: 300_000 };
  const frames: readonly (readonly [string, RpcFrame, object])[] = [
    ['a call', call, { t: 'call', id: 1, cap: call.cap, params: call.params, deadlineMs: 5_000, trace: 'trace-1', clientId: 'call-1', input: { $cbor: question } }],
    ['a call with tokens and a session', { ...call, tokens: [filled(3, 1)], session: 'evening' }, { tokens: [hex(filled(3, 1))], session: 'evening' }],
    ['a call whose caller streams', { ...call, streams: true }, { streams: true }],
    ['a call with a large input', { ...call, input: large }, { input: { cid: hex(filled(32, 0x77)), key: hex(large.key), size: 300_000 } }],
    ['an item', { t: 'item', id: 2, value: encodeCbor('one') }, { t: 'item', id: 2, value: { $cbor: 'one' } }],
    ['an item of the caller', { t: 'item', id: 2, value: encodeCbor(1), up: true }, { t: 'item', id: 2, up: true }],
    ['the end of the caller’s stream', { t: 'end', id: 2 }, { t: 'end', id: 2 }],
    ['a result', { t: 'done', id: 3, value: encodeCbor({ nonce: 7 }) }, { t: 'done', id: 3, value: { $cbor: { nonce: 7 } } }],
    ['a failure', { t: 'error', id: 4, failure: { code: 'forbidden', reason: 'role-too-low' } }, { t: 'error', id: 4, failure: { code: 'forbidden', reason: 'role-too-low' } }],
    ['a failure with a pause', { t: 'error', id: 4, failure: { code: 'capacity_exceeded', reason: 'busy', retryAfterMs: 750 } }, { failure: { code: 'capacity_exceeded', retryAfterMs: 750 } }],
    ['a cancel', { t: 'cancel', id: 5 }, { t: 'cancel', id: 5 }],
    ['credit', { t: 'credit', id: 6, n: 16 }, { t: 'credit', id: 6, n: 16 }],
    ['credit for the caller', { t: 'credit', id: 6, n: 16, up: true }, { t: 'credit', n: 16, up: true }],
    ['presence', { t: 'presence', presence: filled(4, 9) }, { t: 'presence', presence: hex(filled(4, 9)) }],
  ];
  return frames.flatMap(([name, frame, told]): Vector[] => {
    const bytes = hex(encodeRpc(frame));
    return [
      { name: `${name} is read`, request: { op: 'decode', type: 'rpc', bytes }, expect: { ok: told } },
      { name: `${name} is written`, request: { op: 'encode', type: 'rpc', frame: tellFrame(frame) }, expect: { ok: { bytes } } },
    ];
  });
};

/** A frame in the notation, as `decode` tells it. */
const tellFrame = (frame: RpcFrame): unknown => {
  const tell = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return hex(value);
    if (Array.isArray(value)) return value.map(tell);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name === 'cid' ? hex(filled(32, 0x77)) : tell(each)]));
  };
  return tell(frame);
};

const refusedFrames = (): Vector[] => {
  const { input, ...rest } = call;
  const fields = { ...rest, input } as unknown as { readonly [name: string]: Cbor };
  const without = (name: string): Cbor => Object.fromEntries(Object.entries(fields).filter(([each]) => each !== name));
  const frames: readonly (readonly [string, Cbor, 'rpc-malformed' | 'rpc-type'])[] = [
    ['a list', [1], 'rpc-malformed'],
    ['no type', { id: 1 }, 'rpc-type'],
    ['a type nobody knows', { t: 'sing', id: 1 }, 'rpc-type'],
    ['no id', { t: 'cancel' }, 'rpc-malformed'],
    ['an id below zero', { t: 'cancel', id: -1 }, 'rpc-malformed'],
    ...['cap', 'input', 'params', 'deadlineMs', 'trace', 'clientId'].map((name) => [`a call without ${name}`, without(name), 'rpc-malformed'] as const),
    ['an input that is not in a byte string', { ...fields, input: question }, 'rpc-malformed'],
    ['an input that is there and elsewhere', { ...fields, inputCid: filled(32, 1), inputKey: filled(32, 2), inputSize: 9 }, 'rpc-malformed'],
    ['nine params', { ...fields, params: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`p${at}`, 'x'])) }, 'rpc-malformed'],
    ['a long param', { ...fields, params: { corpus: 'x'.repeat(81) } }, 'rpc-malformed'],
    ['no tokens in a list of them', { ...fields, tokens: [] }, 'rpc-malformed'],
    ['five tokens', { ...fields, tokens: Array.from({ length: 5 }, () => filled(1, 1)) }, 'rpc-malformed'],
    ['a token of 2,401 bytes', { ...fields, tokens: [filled(2_401, 1)] }, 'rpc-malformed'],
    ['an empty trace', { ...fields, trace: '' }, 'rpc-malformed'],
    ['a client id of 81 characters', { ...fields, clientId: 'x'.repeat(81) }, 'rpc-malformed'],
    ['a deadline of more than a day', { ...fields, deadlineMs: 24 * 3_600_000 + 1 }, 'rpc-malformed'],
    ['streams that say no', { ...fields, streams: false }, 'rpc-malformed'],
    ['an item that is not in a byte string', { t: 'item', id: 1, value: 'one' }, 'rpc-malformed'],
    ['no credit', { t: 'credit', id: 1, n: 0 }, 'rpc-malformed'],
    ['more credit than a stream may have', { t: 'credit', id: 1, n: 257 }, 'rpc-malformed'],
    ['a failure outside of the closed list', { t: 'error', id: 1, code: 'too_bad', reason: 'x' }, 'rpc-malformed'],
    ['a reason of 121 characters', { t: 'error', id: 1, code: 'internal', reason: 'x'.repeat(121) }, 'rpc-malformed'],
    ['presence that is no bytes', { t: 'presence', presence: 'x' }, 'rpc-malformed'],
  ];
  return frames.map(([name, frame, reason]): Vector => ({
    name: `refused: ${name}`,
    request: { op: 'decode', type: 'rpc', bytes: cbor(frame) },
    expect: { error: { kind: 'refused', reason } },
  }));
};

const offers: readonly Cbor[] = [
  ['library.search@1.0', { corpus: ['starter', 'street-notes'] }, 25, false, filled(8, 0x33)],
  ['mesh.ping@1.0', {}, 0, false, filled(0, 0)],
];
const body = (over: { readonly [at: number]: Cbor } = {}): Cbor[] =>
  [2, bora.publicKey, noonMs, 'Bora', 'hearth', 'good', 25, offers].map((field, at) => over[at] ?? field) as Cbor[];
const sign = async (fields: Cbor, by = bora): Promise<Bytes> => {
  const bytes = encodeCbor(fields);
  return encodeCbor([bytes, await by.sign(concatBytes(utf8('HN-PRESENCE1'), bytes))]);
};

const presenceVectors = async (): Promise<Vector[]> => {
  const told = {
    device: hex(bora.publicKey),
    ...{ sentAt: noonMs, name: 'Bora', profile: 'hearth', battery: 'good', loadPercent: 25 },
    offers: [
      { capability: 'library.search@1.0', params: { corpus: ['starter', 'street-notes'] }, loadPercent: 25, isFull: false, schema: hex(filled(8, 0x33)) },
      { capability: 'mesh.ping@1.0', params: {}, loadPercent: 0, isFull: false, schema: hex(filled(0, 0)) },
    ],
  };
  const { device: _device, ...fields } = told;
  const honest = await sign(body());
  const made = await signManifest(bora, {
    sentAt: noonMs,
    about: { name: 'Bora', profile: 'hearth', battery: 'good', loadPercent: 25 },
    offers: [
      { name: 'library.search', version: { major: 1, minor: 0 }, params: { corpus: ['starter', 'street-notes'] }, loadPercent: 25, isFull: false, schema: bytesToText(filled(8, 0x33)) },
      { name: 'mesh.ping', version: { major: 1, minor: 0 }, params: {}, loadPercent: 0, isFull: false, schema: '' },
    ],
  });
  if (hex(made).$hex !== hex(honest).$hex) throw new Error('presence is no longer what these vectors say of it');
  const malformed: readonly (readonly [string, Cbor])[] = [
    ['version 1', [1, bora.publicKey, noonMs, offers.map((offer) => (offer as Cbor[]).slice(0, 4))]],
    ['a profile nobody knows', body({ 4: 'palace' })],
    ['a battery nobody knows', body({ 5: 'nuclear' })],
    ['a name of 41 characters', body({ 3: 'x'.repeat(41) })],
    ['65 offers', body({ 7: Array.from({ length: 65 }, (_, at) => [`mesh.ping@1.${at}`, {}, 0, false, filled(0, 0)]) })],
    ['one offer twice', body({ 7: [offers[1] ?? null, offers[1] ?? null] })],
    ['a schema of seven bytes', body({ 7: [['mesh.ping@1.0', {}, 0, false, filled(7, 1)]] })],
    ['a field too many', [...body(), 0]],
  ];
  const verify = (bytes: Uint8Array, device = bora.publicKey) => ({ op: 'verify', type: 'presence', bytes: hex(bytes), device: hex(device) });
  const vectors: Vector[] = [
    { name: 'presence is read', request: { op: 'decode', type: 'presence', bytes: hex(honest) }, expect: { ok: told } },
    { name: 'presence is written', request: { op: 'encode', type: 'presence', seed: hex(filled(32, 0x21)), ...fields }, expect: { ok: { bytes: hex(honest) } } },
    { name: 'presence holds', request: verify(honest), expect: { ok: told } },
    { name: 'presence over the link of another', request: verify(honest, mallory.publicKey), expect: { error: { kind: 'refused', reason: 'presence-foreign' } } },
    { name: 'presence signed by another', request: verify(await sign(body(), mallory)), expect: { error: { kind: 'refused', reason: 'presence-signature' } } },
    { name: 'a load above all is a full load', request: verify(await sign(body({ 6: 5_000 }))), expect: { ok: { loadPercent: 100 } } },
  ];
  for (const [name, fieldsOf] of malformed)
    vectors.push({ name: `refused: ${name}`, request: verify(await sign(fieldsOf)), expect: { error: { kind: 'refused', reason: 'presence-malformed' } } });
  return vectors;
};

const blobVectors = (): Vector[] => {
  const manifest = encodeCbor({ v: 1, size: 300_000, type: 'text/plain', chunks: filled(64, 0x42) });
  const cid = filled(32, 0x41);
  const told = { size: 300_000, mediaType: 'text/plain', hashes: hex(filled(64, 0x42)) };
  const frames: readonly { readonly [name: string]: Cbor }[] = [
    { t: 'ask', cid, at: 0 }, { t: 'ask', cid, at: null }, { t: 'chunk', cid, at: 1, bytes: filled(4, 1) }, { t: 'refuse', cid, at: 1, reason: 'busy' },
    { t: 'have', cid, bitmap: filled(1, 5) }, { t: 'cancel', cid }, { t: 'cancel', cid, at: 3 },
  ];
  const wrong: readonly (readonly [string, Cbor, string])[] = [
    ['an ask with more in it', { t: 'ask', cid, at: 0, more: 1 }, 'bulk-malformed'],
    ['a chunk above the last', { t: 'ask', cid, at: 16_384 }, 'bulk-malformed'],
    ['a cid of 31 bytes', { t: 'ask', cid: filled(31, 1), at: 0 }, 'bulk-malformed'],
    ['a refusal nobody knows', { t: 'refuse', cid, at: 1, reason: 'tired' }, 'bulk-malformed'],
    ['a type nobody knows', { t: 'sing', cid }, 'bulk-type'],
  ];
  const manifests: readonly (readonly [string, Cbor, string])[] = [
    ['of another version', { v: 2, size: 0, type: 'text/plain', chunks: filled(0, 0) }, 'manifest-version'],
    ['with a hash too few', { v: 1, size: 300_000, type: 'text/plain', chunks: filled(32, 1) }, 'manifest-chunks'],
    ['with a type of capitals', { v: 1, size: 1, type: 'Text/Plain', chunks: filled(32, 1) }, 'manifest-type'],
    ['with more in it', { v: 1, size: 1, type: 'text/plain', chunks: filled(32, 1), more: 1 }, 'manifest-malformed'],
  ];
  return [
    ...frames.flatMap((frame): Vector[] => {
      const name = `${String(frame['t'])} ${String(frame['at'] ?? '')}`.trim();
      const frameTold = Object.fromEntries(Object.entries(frame).map(([field, value]) => [field, value instanceof Uint8Array ? hex(value) : value]));
      return [
        { name: `${name} is read`, request: { op: 'decode', type: 'bulk', bytes: cbor(frame) }, expect: { ok: frameTold } },
        { name: `${name} is written`, request: { op: 'encode', type: 'bulk', frame: frameTold }, expect: { ok: { bytes: cbor(frame) } } },
      ];
    }),
    ...wrong.map(([name, frame, reason]): Vector => ({ name: `refused: ${name}`, request: { op: 'decode', type: 'bulk', bytes: cbor(frame) }, expect: { error: { kind: 'refused', reason } } })),
    { name: 'a manifest is read', request: { op: 'decode', type: 'manifest', bytes: hex(manifest) }, expect: { ok: told } },
    { name: 'a manifest is written', request: { op: 'encode', type: 'manifest', ...told }, expect: { ok: { bytes: hex(manifest) } } },
    { name: 'a manifest names its blob', request: { op: 'verify', type: 'manifest', bytes: hex(manifest), cid: hex(sha256Now(manifest)) }, expect: { ok: told } },
    { name: 'a manifest of another blob', request: { op: 'verify', type: 'manifest', bytes: hex(manifest), cid: hex(cid) }, expect: { error: { kind: 'refused', reason: 'manifest-hash' } } },
    ...manifests.map(([name, value, reason]): Vector => ({ name: `refused: a manifest ${name}`, request: { op: 'decode', type: 'manifest', bytes: cbor(value) }, expect: { error: { kind: 'refused', reason } } })),
  ];
};

/** Entropy of zeros, and of 7f: the first two of the vectors that BIP 39 publishes. */
const cardVectors = (): Vector[] => {
  const cards: readonly (readonly [Bytes, string])[] = [
    [filled(16, 0), `${'abandon '.repeat(11)}about`],
    [filled(16, 0x7f), `${'legal winner thank year wave sausage worth useful '}legal winner thank yellow`],
  ];
  const read = (text: string, expect: Vector['expect']): Vector => ({ name: `"${text.slice(0, 8)} ... ${text.slice(-24)}" (${text.length} characters)`, request: { op: 'decode', type: 'card', text }, expect });
  return [
    ...cards.flatMap(([entropy, words], at): Vector[] => [
      { name: `card ${at + 1} is written`, request: { op: 'encode', type: 'card', entropy: hex(entropy) }, expect: { ok: { words } } },
      read(words, { ok: { entropy: hex(entropy) } }),
      read(words.toUpperCase().replaceAll(' ', ', '), { ok: { entropy: hex(entropy) } }),
    ]),
    read(`${'abandon '.repeat(10)}about`, { error: { kind: 'refused', reason: 'card-count' } }),
    read('abandon '.repeat(12).trim(), { error: { kind: 'refused', reason: 'card-checksum' } }),
    read(`abandon hearth ${'abandon '.repeat(9)}about`, { error: { kind: 'refused', reason: 'card-word-2' } }),
    read('hearthnet:card:AAAA', { error: { kind: 'refused', reason: 'card-unreadable' } }),
  ];
};
