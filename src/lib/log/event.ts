import { sha256Now } from '../crypto/sha256.ts';
import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList } from '../kernel/codec.ts';
import type { Hlc } from '../kernel/hlc.ts';
import { bytesToText, concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/**
 * The signed header of an event (protocol 3), a CBOR array in this order. Envelope = CBOR [header bytes, signature64];
 * the signature covers "HN-EV1" || header bytes as received; id = SHA-256("HN-EV1-ID" || header bytes).
 */
export type Header = {
  /** First 16 bytes of SHA-256(genesis header); zeros in the genesis itself. */
  readonly community: Bytes;
  readonly author: Bytes;
  readonly lane: number;
  readonly seq: number;
  readonly hlc: Hlc;
  readonly kind: number;
  /** Seconds since 2026-01-01, 0 = by policy. */
  readonly expires: number;
  readonly payloadHash: Bytes;
  readonly payloadSize: number;
};

export type Event = {
  readonly header: Header;
  /** base64url of the 32-byte id. */
  readonly id: string;
  /** base64url of the author's device key. */
  readonly author: string;
  readonly envelope: Bytes;
};

export type EventRefusal =
  | 'event-too-large'
  | 'event-malformed'
  | 'event-version'
  | 'event-community'
  | 'event-lane'
  | 'event-key-unsound'
  | 'event-signature';

export const authorityLane = 0;
export const radioLane = 1;
export const monthLane = (month: number): number => 16 + month;
const lanesMax = 16 + 12 * 200;

/** Lanes that exist: authority, radio, and the months of two hundred years. */
export const isLane = (lane: number): boolean => lane <= radioLane || (lane >= 16 && lane <= lanesMax);

const headerBytes = (header: Header): Bytes =>
  encodeCbor([
    1,
    header.community,
    header.author,
    [header.lane, header.seq],
    header.hlc,
    header.kind,
    header.expires,
    header.payloadHash,
    header.payloadSize,
  ]);

export const signEvent = async (crypto: CryptoPort, key: SigningKey, header: Header): Promise<Event> => {
  const bytes = headerBytes(header);
  const signature = await key.sign(concatBytes(signLabel, bytes));
  return {
    header,
    id: await eventId(crypto, bytes),
    author: bytesToText(header.author),
    envelope: encodeCbor([bytes, signature]),
  };
};

/** An event as it came, with what its signature covers. */
export type ParsedEvent = Event & { readonly signature: Bytes; readonly signed: Bytes };

/** Everything about an event that can be checked without the log: sizes, canonical form, ranges. No key is touched. */
export const parseEvent = async (
  crypto: CryptoPort,
  envelope: Uint8Array,
): Promise<Result<ParsedEvent, EventRefusal>> => {
  const read = readEnvelope(envelope);
  return read.ok ? ok(parsedOf(read.value, await crypto.sha256(concatBytes(idLabel, read.value.bytes)))) : read;
};

/** The same at once, so that of many envelopes the first is being verified while the next is parsed. */
export const parseEventNow = (envelope: Uint8Array): Result<ParsedEvent, EventRefusal> => {
  const read = readEnvelope(envelope);
  return read.ok ? ok(parsedOf(read.value, sha256Now(concatBytes(idLabel, read.value.bytes)))) : read;
};

type ReadEnvelope = {
  readonly header: Header;
  readonly bytes: Bytes;
  readonly signature: Bytes;
  readonly envelope: Uint8Array;
};

const readEnvelope = (envelope: Uint8Array): Result<ReadEnvelope, EventRefusal> => {
  if (envelope.length > limits.envelopeBytesMax) return err('event-too-large');
  const outer = decodeCbor(envelope);
  if (!outer.ok || !isCborList(outer.value) || outer.value.length !== 2) return err('event-malformed');
  const [bytes, signature] = outer.value;
  if (!isCborBytes(bytes) || !isCborBytes(signature, 64)) return err('event-malformed');
  const header = parseHeader(bytes);
  return header.ok ? ok({ header: header.value, bytes, signature, envelope }) : header;
};

const parsedOf = ({ header, bytes, signature, envelope }: ReadEnvelope, id: Bytes): ParsedEvent => ({
  header,
  id: bytesToText(id),
  author: bytesToText(header.author),
  envelope: envelope.slice() as Bytes,
  signature,
  signed: concatBytes(signLabel, bytes),
});

/** Key rule ED1 first, then the signature over the bytes as they came. */
export const verifyEvent = async (crypto: CryptoPort, event: ParsedEvent): Promise<Result<Event, EventRefusal>> => {
  if (!crypto.isSigningKeySound(event.header.author)) return err('event-key-unsound');
  if (!(await crypto.verify(event.header.author, event.signed, event.signature))) return err('event-signature');
  return ok({ header: event.header, id: event.id, author: event.author, envelope: event.envelope });
};

/** A community is named by its genesis. */
export const communityOf = async (crypto: CryptoPort, genesis: Event): Promise<Bytes> =>
  (await crypto.sha256(headerBytes(genesis.header))).slice(0, 16);

export const isGenesisHeader = (header: Header): boolean =>
  header.lane === authorityLane && header.seq === 0 && header.community.every((byte) => byte === 0);

const signLabel = utf8('HN-EV1');
const idLabel = utf8('HN-EV1-ID');

const eventId = async (crypto: CryptoPort, bytes: Bytes): Promise<string> =>
  bytesToText(await crypto.sha256(concatBytes(idLabel, bytes)));

const parseHeader = (bytes: Bytes): Result<Header, EventRefusal> => {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborList(decoded.value)) return err('event-malformed');
  if (decoded.value[0] !== 1) return err('event-version');
  if (decoded.value.length !== 9) return err('event-malformed');
  const [, community, author, place, hlc, kind, expires, payloadHash, payloadSize] = decoded.value;
  if (!isCborBytes(community, 16) || !isCborBytes(author, 32) || !isCborBytes(payloadHash, 32))
    return err('event-malformed');
  if (!isCborList(place) || place.length !== 2) return err('event-malformed');
  const [lane, seq] = place;
  if (
    !isCborCount(lane) ||
    !isCborCount(seq) ||
    !isCborCount(hlc) ||
    !isCborCount(kind) ||
    !isCborCount(expires) ||
    !isCborCount(payloadSize)
  )
    return err('event-malformed');
  if (payloadSize > limits.payloadBytesMax || seq > 0xffffffff || kind > 0xffff) return err('event-malformed');
  if (!isLane(lane)) return err('event-lane');
  return ok({ community, author, lane, seq, hlc, kind, expires, payloadHash, payloadSize });
};
