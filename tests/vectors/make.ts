import { existsSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { certificateLifeSeconds, issueCertificate } from '../../src/lib/crypto/certificate.ts';
import { communityPlace } from '../../src/lib/crypto/community-key.ts';
import { initiateHello, respondHello } from '../../src/lib/crypto/hello.ts';
import { encodeInvite, inviteKeys } from '../../src/lib/crypto/invite.ts';
import { sasEmoji } from '../../src/lib/crypto/sas.ts';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToHex, concatBytes, textToBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { authorityLane, communityOf, monthLane, signEvent, type Event } from '../../src/lib/log/event.ts';
import { encodePayload, kinds, type KindName, type Payload } from '../../src/lib/log/kinds.ts';
import { placeKey, signReceipt } from '../../src/lib/log/receipts.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { encodeRuns } from '../../src/lib/replica/canonical.ts';
import { encodeFrame, encodeStateVector } from '../../src/lib/replica/frames.ts';
import { agreementFromSeed, createNodeCrypto, signingFromSeed } from '../support/node-crypto.ts';
import { makeForks } from './make-forks.ts';
import { makeTokens } from './make-tokens.ts';

/**
 * Golden vectors of docs/PROTOCOL.md, from fixed seeds: `node tests/vectors/make.ts` writes them anew, and a test rebuilds
 * them byte for byte. A change of one of these files is a change of the wire.
 */
export const makeVectors = async (): Promise<Readonly<Record<VectorFile, object>>> => {
  const anna = await makeDevice(0x10);
  const bora = await makeDevice(0x20);
  const events = await makeEvents(anna, bora);
  return {
    'events.json': describeEvents(anna, bora, events),
    'replica.json': await makeReplica(anna, bora, events),
    'crypto.json': await makeCrypto(anna, bora, events.community),
    'codec.json': makeCodec(),
    'tokens.json': await makeTokens(),
    'forks.json': await makeForks(),
  };
};

export type VectorFile = 'events.json' | 'replica.json' | 'crypto.json' | 'codec.json' | 'tokens.json' | 'forks.json';
export const vectorUrl = (file: VectorFile): URL => new URL(file, import.meta.url);

const hex = bytesToHex;
const idHex = (id: string): string => hex(textToBytes(id) ?? new Uint8Array(0));
const filled = (length: number, byte: number): Bytes => new Uint8Array(length).fill(byte);

/** Bytes that all say how many were asked for before them: 00 .. for the first request, 01 .. for the second. */
const countingRandom = (): Random => {
  let asked = 0;
  return { bytes: (length) => filled(length, asked++) };
};
const crypto = createNodeCrypto(countingRandom());
const noonMs = Date.UTC(2026, 5, 15, 12);
const month = monthLane(5);

type Device = Awaited<ReturnType<typeof makeDevice>>;
const makeDevice = async (first: number) => {
  const [root, signing, agreement] = [signingFromSeed(filled(32, first)), signingFromSeed(filled(32, first + 1)), agreementFromSeed(filled(32, first + 2))];
  const fields = { root: root.publicKey, device: signing.publicKey, agreement: agreement.publicKey, created: 1_000, expires: 1_000 + certificateLifeSeconds };
  return { seeds: { root: hex(filled(32, first)), device: hex(filled(32, first + 1)), agreement: hex(filled(32, first + 2)) }, root, signing, agreement, certificate: await issueCertificate(fields, { root: root.sign, device: signing.sign }) };
};

type Made = { readonly kind: KindName; readonly event: Event; readonly payload: Bytes };

const makeEvents = async (anna: Device, bora: Device) => {
  const random = countingRandom();
  const make = async <K extends KindName>(author: Device, kind: K, body: Payload<K>, community: Bytes, seq: number, hlc: number): Promise<Made> => {
    const payload = encodePayload(random, kind, body);
    const lane = kinds[kind].lane === 'authority' ? authorityLane : month;
    const header = { community, author: author.signing.publicKey, lane, seq, hlc, kind: kinds[kind].number, expires: 0, payloadHash: await crypto.sha256(payload), payloadSize: payload.length };
    return { kind, event: await signEvent(crypto, author.signing, header), payload };
  };
  const at = (step: number): number => hlcFromMs(noonMs, step);
  const genesis = await make(anna, 'community.genesis', { name: 'Lindenstrasse', certificate: anna.certificate.bytes, personName: 'Anna' }, filled(16, 0), 0, at(0));
  const community = await communityOf(crypto, genesis.event);
  const auth = [textToBytes(genesis.event.id) ?? filled(32, 0)];
  const admit = await make(
    anna,
    'community.admit',
    { auth, certificate: bora.certificate.bytes, personName: 'Bora', inviteHash: (await inviteKeys(crypto, filled(16, 0x44))).hash, epoch: filled(16, 0x50), sealedKey: filled(80, 0x51) },
    community,
    1,
    at(1),
  );
  const message = (author: Device, text: string, seq: number, step: number) => make(author, 'chat.message', { to: 'everyone', text, clientId: filled(16, step) }, community, seq, at(step));
  const messages = [await message(anna, 'Is the pump open?', 0, 2), await message(bora, 'Ja, Schlüssel beim Bäcker 🥖', 0, 3), await message(anna, 'Thank you!', 1, 4)];
  return { community, authority: [genesis, admit], messages };
};
type Events = Awaited<ReturnType<typeof makeEvents>>;

const describeEvents = (anna: Device, bora: Device, { community, authority, messages }: Events): object => ({
  note: 'Ed25519 and X25519 seeds; envelopes, payloads and ids in hex. Payload salts are 16 bytes of 00, 01, ... in this order.',
  seeds: { anna: anna.seeds, bora: bora.seeds },
  community: hex(community),
  events: [...authority, ...messages].map(({ kind, event, payload }) => ({
    kind,
    author: hex(event.header.author),
    lane: event.header.lane,
    seq: event.header.seq,
    hlc: event.header.hlc,
    id: idHex(event.id),
    envelope: hex(event.envelope),
    payload: hex(payload),
  })),
});

const makeReplica = async (anna: Device, bora: Device, { community, messages }: Events): Promise<object> => {
  const runs = await Promise.all(
    [anna, bora].map(async ({ signing }) => {
      const own = messages.filter(({ event }) => Buffer.from(event.header.author).equals(Buffer.from(signing.publicKey)));
      const author = own[0]?.event.author ?? '';
      return { author, client: clientOf(author, month), start: 0, envelopes: own.map(({ event }) => event.envelope), own };
    }),
  );
  const clocks = new Map(runs.map(({ client, envelopes }) => [client, envelopes.length]));
  const heads = await Promise.all(runs.map(async ({ author, own }) => ({ author: textToBytes(author) ?? filled(32, 0), lane: month, next: own.length, digest: await prefixDigest(own) })));
  const nextByPlace = new Map(runs.map(({ author, own }) => [placeKey(author, month), own.length]));
  const [first] = messages;
  const id = textToBytes(first?.event.id ?? '') ?? filled(32, 0);
  return {
    note: 'The lane of June 2026 with two authors. update is the whole canonical Yjs V1 update, heads carries D(n), receipt is signed by bora.',
    lane: month,
    clients: runs.map(({ client }) => client),
    update: hex(encodeRuns(runs)),
    stateVector: hex(encodeStateVector(clocks)),
    frames: {
      ask: hex(encodeFrame({ type: 'ask', lane: month, clocks })),
      update: hex(encodeFrame({ type: 'update', lane: month, update: encodeRuns(runs), isLast: true })),
      payload: hex(encodeFrame({ type: 'payload', payloads: [{ id, payload: first?.payload ?? filled(0, 0) }] })),
      want: hex(encodeFrame({ type: 'want', ids: [id] })),
      heads: hex(encodeFrame({ type: 'heads', heads })),
      bye: hex(encodeFrame({ type: 'bye', reason: 'invite-used' })),
    },
    receipt: hex((await signReceipt(bora.signing, { community, hlc: hlcFromMs(noonMs, 9), nextByPlace })).bytes),
  };
};

/** D(n) = SHA-256(D(n-1) || id(n)), D(-1) all zero. */
const prefixDigest = async (made: readonly Made[]): Promise<Bytes> => {
  let digest: Bytes = filled(32, 0);
  for (const { event } of made) digest = await crypto.sha256(concatBytes(digest, textToBytes(event.id) ?? filled(0, 0)));
  return digest;
};

const makeCrypto = async (anna: Device, bora: Device, community: Bytes): Promise<object> => {
  const invite = { community, inviter: anna.signing.publicKey, secret: filled(16, 0x44), expires: 20_000_000, hint: 'wss://hearth.example' };
  const keys = await inviteKeys(crypto, invite.secret);
  const place = await communityPlace(crypto, filled(32, 0x60), 23);
  const offers: Cbor = [
    ['library.search@1.0', { corpus: ['starter', 'street-notes'] }, 25, false, filled(8, 0x51)],
    ['mesh.ping@1.0', {}, 0, false, filled(0, 0)],
  ];
  const presence = encodeCbor([2, bora.signing.publicKey, noonMs, 'Bora', 'hearth', 'good', 25, offers]);
  return {
    note: 'Keys of events.json. hello: the ephemeral seeds are 32 bytes of 00 for the offerer and 01 for the answerer.',
    certificates: { anna: hex(anna.certificate.bytes), bora: hex(bora.certificate.bytes) },
    invite: { code: encodeInvite(invite), tag: keys.tag, meetingKey: hex(keys.meetingKey), psk: hex(keys.psk), hash: hex(keys.hash) },
    communityPlace: { epochKey: hex(filled(32, 0x60)), week: 23, tag: place.tag, key: hex(place.key), psk: hex(place.psk) },
    presence: hex(encodeCbor([presence, await bora.signing.sign(concatBytes(utf8('HN-PRESENCE1'), presence))])),
    hello: await makeHello(anna, bora, place.psk),
  };
};

const makeHello = async (anna: Device, bora: Device, psk: Bytes): Promise<object> => {
  const twin = createNodeCrypto(countingRandom());
  const binding = concatBytes(filled(32, 0x70), filled(32, 0x71));
  const depsOf = ({ certificate, signing }: Device, name: string) => ({ crypto: twin, self: { certificate, signing, name, build: 'vector' }, psk, binding, nowMs: () => noonMs });
  const begun = await initiateHello(depsOf(anna, 'Anna'));
  const answered = unwrap(await respondHello(depsOf(bora, 'Bora'), begun.first));
  const { third, done } = unwrap(await begun.finish(answered.second));
  const other = unwrap(await answered.finish(third));
  if (hex(other.transcript) !== hex(done.transcript)) throw new Error('the two sides of the vector disagree');
  return { psk: hex(psk), binding: hex(binding), first: hex(begun.first), second: hex(answered.second), third: hex(third), transcript: hex(done.transcript), emoji: (await sasEmoji(twin, done.transcript)).join(' ') };
};

const makeCodec = (): object => {
  const values: Cbor[] = [0, 23, 24, 255, 256, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -24, -25, Number.MIN_SAFE_INTEGER, '', 'ü', 'Straße 🏡', true, false, null, [], [1, [2, [3]]], {}, { b: 1, a: [], aa: {} }];
  return {
    note: 'Deterministic CBOR of the subset in src/lib/kernel/codec.ts; refused names what a decoder must not take and why.',
    values: values.map((value) => ({ value, hex: hex(encodeCbor(value)) })),
    refused: [
      ['1817', 'not-shortest'], ['1b0020000000000000', 'integer-range'], ['3b001fffffffffffff', 'integer-range'], ['a2616200616100', 'unsorted-keys'], ['a2616100616101', 'unsorted-keys'], ['a10100', 'key-not-text'],
      ['a1695f5f70726f746f5f5fa0', 'forbidden-key'], ['61ff', 'invalid-utf8'], ['f93c00', 'forbidden-type'], ['c000', 'forbidden-type'], ['9fff', 'forbidden-type'], ['f7', 'forbidden-type'], ['0000', 'trailing-bytes'], ['42ff', 'truncated'], [`${'81'.repeat(17)}00`, 'too-deep'],
    ].map(([bytes, reason]) => ({ hex: bytes, reason })),
  };
};

const isRunByHand = process.argv[1] !== undefined && existsSync(process.argv[1]) && import.meta.url === pathToFileURL(process.argv[1]).href;
if (isRunByHand) {
  for (const [file, content] of Object.entries(await makeVectors())) writeFileSync(vectorUrl(file as VectorFile), `${JSON.stringify(content, null, 2)}\n`);
}
