import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, type Cbor } from '../kernel/codec.ts';
import { areBytesEqual, bytesToText, concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { isLane } from './event.ts';

/** How many leading events of one lane still count, and their prefix digest, so that nobody can show another prefix later. */
export type Cut = { readonly device: Bytes; readonly lane: number; readonly count: number; readonly digest: Bytes };

/** A cut as an event's payload carries it: [device, lane, count, digest]. */
export type CutFields = [Bytes, number, number, Bytes];

export type SharedAct = 'demote' | 'remove';

/**
 * What several people agree on: CBOR [1, community16, 'demote' | 'remove', person32, cuts, nonce16]. Each signs
 * "HN-ACT1" || intent with a device key, so that a signature is worth nothing for another act, person or community.
 */
export type Intent = {
  readonly act: SharedAct;
  readonly person: string;
  readonly cuts: readonly Cut[];
  readonly bytes: Bytes;
};

/** A person's word that one of their devices is given up: CBOR [1, community16, device32, cuts], root-signed over "HN-REVOKE1" || it. */
export type Statement = { readonly device: string; readonly cuts: readonly Cut[] };

export const encodeIntent = (fields: {
  community: Bytes;
  act: SharedAct;
  person: Bytes;
  cuts: readonly Cut[];
  nonce: Bytes;
}): Bytes => encodeCbor([1, fields.community, fields.act, fields.person, encodeCuts(fields.cuts), fields.nonce]);

/** null when the bytes are no intent of this community. */
export const parseIntent = (bytes: Uint8Array, community: Uint8Array): Intent | null => {
  const fields = readList(bytes, 6);
  if (!fields) return null;
  const [version, named, act, person, cutFields, nonce] = fields;
  if (version !== 1 || !isCborBytes(named, 16) || !areBytesEqual(named, community)) return null;
  if ((act !== 'demote' && act !== 'remove') || !isCborBytes(person, 32) || !isCborBytes(nonce, 16)) return null;
  const cuts = parseCuts(cutFields);
  return cuts && { act, person: bytesToText(person), cuts, bytes: bytes.slice() as Bytes };
};

export const encodeStatement = (community: Bytes, device: Bytes, cuts: readonly Cut[]): Bytes =>
  encodeCbor([1, community, device, encodeCuts(cuts)]);

/** null when the bytes are no statement of this community. */
export const parseStatement = (bytes: Uint8Array, community: Uint8Array): Statement | null => {
  const fields = readList(bytes, 4);
  if (!fields) return null;
  const [version, named, device, cutFields] = fields;
  if (version !== 1 || !isCborBytes(named, 16) || !areBytesEqual(named, community)) return null;
  const cuts = parseCuts(cutFields);
  return cuts && isCborBytes(device, 32) ? { device: bytesToText(device), cuts } : null;
};

/** The device a statement of any community is about, for who has to find the key it must be signed with; null for none. */
export const decodeStatementDevice = (bytes: Uint8Array): string | null => {
  const device = readList(bytes, 4)?.[2];
  return isCborBytes(device, 32) ? bytesToText(device) : null;
};

/** What a co-signer signs. */
export const intentMessage = (intent: Uint8Array): Bytes => concatBytes(utf8('HN-ACT1'), intent);

/** What a person's root signs to give up a device. */
export const statementMessage = (statement: Uint8Array): Bytes => concatBytes(utf8('HN-REVOKE1'), statement);

export const cutFieldsOf = ({ device, lane, count, digest }: Cut): CutFields => [device, lane, count, digest];

/** null where a lane does not exist, or one is named twice: a second word on the same lane would let readers differ. */
export const parseCuts = (value: Cbor | undefined): Cut[] | null => {
  if (!isCborList(value) || value.length > limits.cutsMax) return null;
  const cuts: Cut[] = [];
  const seen = new Set<string>();
  for (const item of value) {
    if (!isCborList(item) || item.length !== 4) return null;
    const [device, lane, count, digest] = item;
    if (!isCborBytes(device, 32) || !isCborCount(lane) || !isCborCount(count) || !isCborBytes(digest, 32)) return null;
    const place = `${bytesToText(device)} ${lane}`;
    if (!isLane(lane) || seen.has(place)) return null;
    seen.add(place);
    cuts.push({ device, lane, count, digest });
  }
  return cuts;
};

const encodeCuts = (cuts: readonly Cut[]): Cbor => cuts.map(cutFieldsOf);

const readList = (bytes: Uint8Array, length: number): readonly Cbor[] | null => {
  const decoded = bytes.length <= limits.intentBytesMax ? decodeCbor(bytes) : null;
  return decoded?.ok && isCborList(decoded.value) && decoded.value.length === length ? decoded.value : null;
};
