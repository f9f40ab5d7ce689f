import { decodeCbor, isCborBytes, isCborList, isCborMap, type Cbor } from '../kernel/codec.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { authorityLane } from './event.ts';
import type { Entry } from './lane.ts';

/**
 * The prefix digests an authority event names, as text: its `auth` heads, the cuts of the removals and revocations it
 * carries, and the places of a checkpoint. A digest covers ids, which cover author, lane and seq, so it says of itself which
 * prefix it pins. Read without a schema, so that a kind this build does not know pins the same for everybody (P3). Total.
 */
export const pinsOf = ({ event, payload }: Entry): string[] => {
  if (event.header.lane !== authorityLane || !payload) return [];
  const decoded = decodeCbor(payload.subarray(limits.payloadSaltBytes));
  if (!decoded.ok || !isCborMap(decoded.value)) return [];
  const { auth, cuts, intent, statement, places } = decoded.value;
  return [
    ...listOf(auth).filter((head) => isCborBytes(head, 32)),
    ...digestsOf(cuts),
    ...digestsOf(inside(intent, 4)),
    ...digestsOf(inside(statement, 3)),
    ...digestsOf(places, 2),
  ].flatMap((digest) => (isCborBytes(digest) ? [bytesToText(digest)] : []));
};

const listOf = (value: Cbor | undefined): readonly Cbor[] => (isCborList(value) ? value : []);

/** The digests of cuts [[device32, lane, count, D32]...], or of places [[device32, count, D32]...]. */
const digestsOf = (cuts: Cbor | undefined, at = 3): Cbor[] =>
  listOf(cuts).flatMap((cut) => {
    const digest = listOf(cut)[at];
    return digest !== undefined && isCborBytes(digest, 32) ? [digest] : [];
  });

/** One field of a CBOR list that travels as bytes because somebody has signed it. */
const inside = (bytes: Cbor | undefined, at: number): Cbor | undefined => {
  if (!isCborBytes(bytes)) return undefined;
  const decoded = decodeCbor(bytes);
  return decoded.ok ? listOf(decoded.value)[at] : undefined;
};
