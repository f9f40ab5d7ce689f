import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList } from '../kernel/codec.ts';
import type { Hlc } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText, compareBytes, concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/**
 * What one device says it holds: for each (author, lane) how many events of the gapless prefix, payloads included. Not an
 * event: the newest of a device replaces the older ones. CBOR [body, signature64], body = CBOR
 * [1, community16, device32, hlc, [[author32, lane, next]...]], signed over "HN-RECEIPT1" || body.
 */
export type ReceiptVector = {
  readonly device: string;
  readonly hlc: Hlc;
  readonly nextByPlace: ReadonlyMap<string, number>;
  readonly bytes: Bytes;
};

export type ReceiptRefusal = 'receipt-malformed' | 'receipt-community' | 'receipt-signature';

export const placeKey = (author: string, lane: number): string => `${author} ${lane}`;

export const signReceipt = async (
  key: SigningKey,
  { community, hlc, nextByPlace }: { community: Bytes; hlc: Hlc; nextByPlace: ReadonlyMap<string, number> },
): Promise<ReceiptVector> => {
  const places = [...nextByPlace].map(([place, next]) => {
    const [author = '', lane = ''] = place.split(' ');
    return { author: textToBytes(author) ?? new Uint8Array(0), lane: Number(lane), next };
  });
  places.sort((a, b) => compareBytes(a.author, b.author) || a.lane - b.lane);
  const body = encodeCbor([
    1,
    community,
    key.publicKey,
    hlc,
    places.map(({ author, lane, next }) => [author, lane, next]),
  ]);
  return {
    device: bytesToText(key.publicKey),
    hlc,
    nextByPlace,
    bytes: encodeCbor([body, await key.sign(concatBytes(label, body))]),
  };
};

/** Counts only what its device has signed; whether that device is a member is asked when receipts are counted. */
export const verifyReceipt = async (
  crypto: CryptoPort,
  community: Bytes,
  bytes: Uint8Array,
): Promise<Result<ReceiptVector, ReceiptRefusal>> => {
  if (bytes.length > limits.carrierMessageBytesMax) return err('receipt-malformed');
  const outer = decodeCbor(bytes);
  if (!outer.ok || !isCborList(outer.value) || outer.value.length !== 2) return err('receipt-malformed');
  const [body, signature] = outer.value;
  if (!isCborBytes(body) || !isCborBytes(signature, 64)) return err('receipt-malformed');
  const inner = decodeCbor(body);
  if (!inner.ok || !isCborList(inner.value) || inner.value.length !== 5) return err('receipt-malformed');
  const [version, named, device, hlc, places] = inner.value;
  if (version !== 1 || !isCborBytes(named, 16) || !isCborBytes(device, 32) || !isCborCount(hlc) || !isCborList(places))
    return err('receipt-malformed');
  if (!areBytesEqual(named, community)) return err('receipt-community');
  if (places.length > limits.stateVectorEntriesMax) return err('receipt-malformed');
  const nextByPlace = new Map<string, number>();
  let last: { readonly author: Bytes; readonly lane: number } | null = null;
  for (const place of places) {
    if (!isCborList(place) || place.length !== 3) return err('receipt-malformed');
    const [author, lane, next] = place;
    if (!isCborBytes(author, 32) || !isCborCount(lane) || !isCborCount(next)) return err('receipt-malformed');
    // One vector has one spelling: places in order, none twice.
    const order = last ? compareBytes(last.author, author) || last.lane - lane : -1;
    if (order >= 0) return err('receipt-malformed');
    last = { author, lane };
    nextByPlace.set(placeKey(bytesToText(author), lane), next);
  }
  if (!(await crypto.verify(device, concatBytes(label, body), signature))) return err('receipt-signature');
  return ok({ device: bytesToText(device), hlc, nextByPlace, bytes: bytes.slice() as Bytes });
};

/** Whose receipt these bytes say to be; of one that was not verified it proves nothing. */
export const deviceOfReceipt = (bytes: Uint8Array): string | null => {
  const outer = decodeCbor(bytes);
  const body = outer.ok && isCborList(outer.value) ? outer.value[0] : undefined;
  const inner = isCborBytes(body) ? decodeCbor(body) : null;
  const device = inner?.ok && isCborList(inner.value) ? inner.value[2] : undefined;
  return isCborBytes(device, 32) ? bytesToText(device) : null;
};

const label = utf8('HN-RECEIPT1');
