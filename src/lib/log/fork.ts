import { decodeCbor, encodeCbor, isCborBytes, isCborList } from '../kernel/codec.ts';
import { areBytesEqual } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { communityOf, isGenesisHeader, parseEvent, verifyEvent, type Event, type EventRefusal } from './event.ts';

/**
 * A device has signed two different events for one place (protocol 3). `standsUpTo` is the count of the longest prefix that
 * other people's authority events name (the lane ends there); null: none does, and the lane ends before `seq`.
 */
export type Fork = {
  readonly device: string;
  readonly lane: number;
  readonly seq: number;
  readonly first: Event;
  readonly second: Event;
  readonly standsUpTo: number | null;
};

/** What proves a fork to anybody: CBOR [envelope, envelope], the smaller id first. */
export type Proof = Omit<Fork, 'standsUpTo'> & { readonly bytes: Bytes };

export type ProofRefusal = EventRefusal | 'proof-malformed' | 'proof-place' | 'proof-order';

const isSamePlace = (a: Event, b: Event): boolean =>
  a.author === b.author && a.header.lane === b.header.lane && a.header.seq === b.header.seq;

/** Of two verified events at one place with different ids. */
export const makeProof = (a: Event, b: Event): Proof => {
  const [first, second] = a.id < b.id ? [a, b] : [b, a];
  const { lane, seq } = first.header;
  return { device: first.author, lane, seq, first, second, bytes: encodeCbor([first.envelope, second.envelope]) };
};

/** Judges a proof from outside as strictly as the events it is made of would be judged. */
export const verifyProof = async (
  crypto: CryptoPort,
  community: Bytes,
  bytes: Uint8Array,
): Promise<Result<Proof, ProofRefusal>> => {
  if (bytes.length > limits.proofBytesMax) return err('proof-malformed');
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborList(decoded.value) || decoded.value.length !== 2) return err('proof-malformed');
  const [a, b] = decoded.value;
  if (!isCborBytes(a) || !isCborBytes(b)) return err('proof-malformed');
  const first = await verifyEnvelope(crypto, community, a);
  if (!first.ok) return first;
  const second = await verifyEnvelope(crypto, community, b);
  if (!second.ok) return second;
  if (!isSamePlace(first.value, second.value)) return err('proof-place');
  // Twins have different ids; one event with two signatures proves nothing.
  if (first.value.id >= second.value.id) return err('proof-order');
  return ok(makeProof(first.value, second.value));
};

const verifyEnvelope = async (
  crypto: CryptoPort,
  community: Bytes,
  envelope: Bytes,
): Promise<Result<Event, EventRefusal>> => {
  const parsed = await parseEvent(crypto, envelope);
  if (!parsed.ok) return parsed;
  const { header } = parsed.value;
  const named = isGenesisHeader(header) ? await communityOf(crypto, parsed.value) : header.community;
  return areBytesEqual(named, community) ? verifyEvent(crypto, parsed.value) : err('event-community');
};

/**
 * Which proof of a lane is kept: that of the smallest forked seq; there the two earliest twins by (hlc, id). A total order, so
 * that all who have seen the same events keep the same proof and freeze the device from the same moment.
 */
export const compareProofs = (a: Proof, b: Proof): number => {
  const [aEarly, aLate] = byTime(a);
  const [bEarly, bLate] = byTime(b);
  return a.seq - b.seq || compareTwins(aEarly, bEarly) || compareTwins(aLate, bLate);
};

/** The hlc of the earlier twin: from here on what the device wrote counts only below a pin. */
export const frozenFrom = (proof: Proof): number => byTime(proof)[0].header.hlc;

const byTime = ({ first, second }: Proof): [Event, Event] =>
  compareTwins(first, second) < 0 ? [first, second] : [second, first];

const compareTwins = (a: Event, b: Event): number =>
  a.header.hlc - b.header.hlc || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
