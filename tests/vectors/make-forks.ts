import { bytesToHex, textToBytes } from '../../src/lib/kernel/ids.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { monthLane, signEvent, type Event } from '../../src/lib/log/event.ts';
import { compareProofs, frozenFrom, makeProof } from '../../src/lib/log/fork.ts';
import { nextDigest } from '../../src/lib/log/lanes.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { createNodeCrypto, signingFromSeed } from '../support/node-crypto.ts';

const hex = bytesToHex;
const filled = (length: number, byte: number): Bytes => new Uint8Array(length).fill(byte);

/** Two twins of one device, their proof and its frame, and the digests a pin of either branch would name. */
export const makeForks = async (): Promise<object> => {
  const crypto = createNodeCrypto({ bytes: (length) => filled(length, 0) });
  const seed = filled(32, 0x21);
  const signing = signingFromSeed(seed);
  const community = filled(16, 0xc0);
  const lane = monthLane(5);
  const make = (seq: number, step: number): Promise<Event> =>
    signEvent(crypto, signing, {
      community,
      author: signing.publicKey,
      lane,
      seq,
      hlc: hlcFromMs(Date.UTC(2026, 5, 15, 12), step),
      kind: 32,
      expires: 0,
      payloadHash: filled(32, step),
      payloadSize: 40,
    });
  const [first, one, other, third] = [await make(0, 1), await make(1, 2), await make(1, 3), await make(1, 4)];
  const proof = makeProof(one, other);
  const digestOf = (...events: readonly Event[]): string =>
    hex(events.reduce<Bytes>((digest, { id }) => nextDigest(digest, id), filled(32, 0)));
  const describe = ({ id, envelope, header }: Event) => ({
    id: hex(textToBytes(id) ?? new Uint8Array(0)),
    hlc: header.hlc,
    envelope: hex(envelope),
  });
  return {
    about: 'A fork of one lane at seq 1 (docs/PROTOCOL.md, 3 Forks): one event below it, three twins, the proof that is kept.',
    deviceSeed: hex(seed),
    community: hex(community),
    lane,
    client: clientOf(proof.device, lane),
    below: describe(first),
    twins: [one, other, third].map(describe),
    proof: hex(proof.bytes),
    frame: hex(encodeFrame({ type: 'proof', proof: proof.bytes })),
    frozenFrom: frozenFrom(proof),
    isKeptBefore: [compareProofs(proof, makeProof(one, third)) < 0, compareProofs(proof, makeProof(other, third)) < 0],
    pins: { one: digestOf(first, one), other: digestOf(first, other) },
  };
};
