import { parseEventNow } from '../../src/lib/log/event.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import {
  $hex,
  elsewhere,
  flipped,
  readVectors,
  refusal,
  type EventFile,
  type TokenFile,
  type Vector,
} from './golden-files.ts';
import { hexBytes, toNotation } from './notation.ts';
import { signingFromSeed } from '../support/node-crypto.ts';
import { bytesToHex as hex } from '../../src/lib/kernel/ids.ts';

/** Events and their payloads, forks, and the log as it travels. */
export const eventVectors = (): Vector[] => {
  const { events, community, seeds } = readVectors<EventFile>('events.json');
  const [genesis] = events;
  return [
    {
      name: 'the name of a community',
      request: { op: 'derive', type: 'community', genesis: $hex(genesis?.envelope ?? '') },
      expect: { ok: { community: $hex(community) } },
    },
    ...events.flatMap(({ kind, lane, seq, hlc, id, envelope, payload }, at): Vector[] => {
      const name = `event ${at + 1} (${kind})`;
      const { author, ...header } = unwrap(parseEventNow(hexBytes(envelope))).header;
      const seed = Object.values(seeds).find(
        ({ device }) => hex(signingFromSeed(hexBytes(device)).publicKey) === hex(author),
      );
      const verify = { op: 'verify', type: 'event', bytes: $hex(envelope), payload: $hex(payload) };
      return [
        {
          name: `${name} is read`,
          request: { op: 'decode', type: 'event', bytes: $hex(envelope) },
          expect: { ok: { id: $hex(id), lane, seq, hlc } },
        },
        {
          name: `${name} is written`,
          request: { op: 'encode', type: 'event', seed: $hex(seed?.device ?? ''), header: toNotation(header) },
          expect: { ok: { bytes: $hex(envelope) } },
        },
        { name: `${name} holds`, request: { ...verify, community: $hex(community) }, expect: { ok: { id: $hex(id) } } },
        { name: `${name} elsewhere`, request: { ...verify, community: elsewhere }, expect: refusal('event-community') },
        {
          name: `${name} with a signature of another`,
          request: { ...verify, bytes: $hex(flipped(envelope)) },
          expect: refusal('event-signature'),
        },
        {
          name: `${name} with another payload`,
          request: { ...verify, payload: $hex(`${payload}00`) },
          expect: refusal('payload-hash'),
        },
        {
          name: `${name}: its payload`,
          request: { op: 'decode', type: 'payload', kind, bytes: $hex(payload) },
          expect: { ok: { body: { $any: true } } },
        },
      ];
    }),
  ];
};

export const forkVectors = (): Vector[] => {
  const { community, lane, client, below, twins, proof, frozenFrom, pins, deviceSeed } = readVectors<{
    community: string;
    deviceSeed: string;
    lane: number;
    client: number;
    below: { id: string };
    twins: { id: string; envelope: string }[];
    proof: string;
    frozenFrom: number;
    pins: Record<'one' | 'other', string>;
  }>('forks.json');
  const { keys } = readVectors<TokenFile>('tokens.json');
  const [one, other] = twins;
  const branch = (id = '') => [$hex(below.id), $hex(id)];
  const withCommunity = { community: $hex(community) };
  if (deviceSeed !== '21'.repeat(32)) throw new Error('the device of forks.json is no longer that of tokens.json');
  return [
    {
      name: 'a proof holds',
      request: { op: 'verify', type: 'proof', bytes: $hex(proof), ...withCommunity },
      expect: { ok: { lane, seq: 1, frozenFrom } },
    },
    {
      name: 'a proof of another community',
      request: { op: 'verify', type: 'proof', bytes: $hex(proof), community: elsewhere },
      expect: refusal('event-community'),
    },
    {
      name: 'a proof with its twins in the wrong order',
      request: {
        op: 'verify',
        type: 'proof',
        bytes: { $cbor: [...sortedTwins(proof)].reverse().map($hex) },
        ...withCommunity,
      },
      expect: refusal('proof-order'),
    },
    {
      name: 'the digest of the first branch',
      request: { op: 'derive', type: 'digest', ids: branch(one?.id) },
      expect: { ok: { digest: $hex(pins.one) } },
    },
    {
      name: 'the digest of the other branch',
      request: { op: 'derive', type: 'digest', ids: branch(other?.id) },
      expect: { ok: { digest: $hex(pins.other) } },
    },
    {
      name: 'the Yjs client of a lane',
      request: { op: 'derive', type: 'client', author: $hex(keys.bora), lane },
      expect: { ok: { client } },
    },
  ];
};

/** A proof is the list [envelope, envelope], each below 256 bytes: 82, then twice 58 and the length. */
const sortedTwins = (proof: string): string[] => {
  const bytes = Buffer.from(proof, 'hex');
  const length = bytes[2] ?? 0;
  const second = 3 + length;
  return [bytes.subarray(3, second), bytes.subarray(second + 2)].map((each) => each.toString('hex'));
};

export const replicaVectors = (): Vector[] => {
  const file = readVectors<{ lane: number; update: string; frames: Record<string, string>; receipt: string }>(
    'replica.json',
  );
  const { community, events } = readVectors<EventFile>('events.json');
  const said = events.filter(({ kind }) => kind === 'chat.message').map(({ envelope }) => envelope);
  const { keys } = readVectors<TokenFile>('tokens.json');
  const [first = '', second = '', third = ''] = said;
  const runs = [
    { author: $hex(keys.anna), lane: file.lane, start: 0, envelopes: [$hex(first), $hex(third)] },
    { author: $hex(keys.bora), lane: file.lane, start: 0, envelopes: [$hex(second)] },
  ];
  const receiptHlc = 4_096 * (Date.UTC(2026, 5, 15, 12) - Date.UTC(2026, 0, 1)) + 9;
  const places = [
    [$hex(keys.anna), file.lane, 2],
    [$hex(keys.bora), file.lane, 1],
  ];
  return [
    {
      name: 'an update is read',
      request: { op: 'decode', type: 'update', bytes: $hex(file.update) },
      expect: { ok: { structs: said.map(() => ({ envelope: { $any: true } })) } },
    },
    {
      name: 'an update is written',
      request: { op: 'encode', type: 'update', runs },
      expect: { ok: { bytes: $hex(file.update) } },
    },
    {
      name: 'an update with a delete set',
      request: { op: 'decode', type: 'update', bytes: $hex(`${file.update.slice(0, -2)}01`) },
      expect: refusal('update-delete-set'),
    },
    ...Object.entries(file.frames).map(([type, frame]): Vector => ({
      name: `a frame ${type}`,
      request: { op: 'decode', type: 'sync', bytes: $hex(frame) },
      expect: { ok: { type } },
    })),
    {
      name: 'a receipt is written',
      request: {
        op: 'encode',
        type: 'receipt',
        seed: $hex('21'.repeat(32)),
        community: $hex(community),
        hlc: receiptHlc,
        places,
      },
      expect: { ok: { bytes: $hex(file.receipt) } },
    },
    {
      name: 'a receipt holds',
      request: { op: 'verify', type: 'receipt', bytes: $hex(file.receipt), community: $hex(community) },
      expect: { ok: { device: $hex(keys.bora) } },
    },
    {
      name: 'a receipt of another community',
      request: { op: 'verify', type: 'receipt', bytes: $hex(file.receipt), community: elsewhere },
      expect: refusal('receipt-community'),
    },
  ];
};
