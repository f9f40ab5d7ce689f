import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, type Cbor } from '../kernel/codec.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';

/**
 * What lies in a community's box under one seal: CBOR [1, [[envelope, payload or null]...], [receipt...], [letter...],
 * [receipt for a letter...]]. Each part is judged by the room it is for, exactly as if a neighbour had sent it.
 */
export type BoxItem = {
  readonly events: readonly BoxedEvent[];
  readonly receipts: readonly Bytes[];
  readonly letters: readonly Letter[];
  /** Secrets that only whoever opened a letter knows; each says that its letter has arrived. */
  readonly arrived: readonly Bytes[];
};

export type BoxedEvent = { readonly envelope: Bytes; readonly payload: Bytes | null };

/** Sealed words for one device. `id` is the hash of a secret inside; `expires` in seconds since 2026-01-01. */
export type Letter = { readonly id: Bytes; readonly to: Bytes; readonly expires: number; readonly sealed: Bytes };

export const emptyItem: BoxItem = { events: [], receipts: [], letters: [], arrived: [] };

/** Bytes that an event adds to an item, at most. */
export const boxedEventBytes = ({ envelope, payload }: BoxedEvent): number =>
  envelope.length + (payload?.length ?? 0) + 12;

export const encodeBoxItem = ({ events, receipts, letters, arrived }: BoxItem): Bytes =>
  encodeCbor([
    1,
    events.map(({ envelope, payload }) => [envelope, payload]),
    receipts,
    letters.map(letterFields),
    arrived,
  ]);

export const letterFields = ({ id, to, expires, sealed }: Letter): Cbor => [id, to, expires, sealed];

/** Total: an item, or null for any other bytes. */
export const parseBoxItem = (bytes: Uint8Array): BoxItem | null => {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok || !isCborList(decoded.value) || decoded.value.length !== 5) return null;
  const [version, ...lists] = decoded.value;
  if (version !== 1) return null;
  const events = readList(lists[0], limits.boxEventsPerItemMax, readEvent);
  const receipts = readList(lists[1], limits.boxReceiptsPerItemMax, (each) => (isCborBytes(each) ? each : null));
  const letters = readList(lists[2], limits.boxLettersPerItemMax, readLetter);
  const arrived = readList(lists[3], limits.boxLettersPerItemMax, (each) => (isCborBytes(each, 32) ? each : null));
  return events && receipts && letters && arrived ? { events, receipts, letters, arrived } : null;
};

const readList = <T>(list: Cbor | undefined, most: number, read: (item: Cbor) => T | null): T[] | null => {
  if (!isCborList(list) || list.length > most) return null;
  const items: T[] = [];
  for (const each of list) {
    const item = read(each);
    if (item === null) return null;
    items.push(item);
  }
  return items;
};

const readEvent = (item: Cbor): BoxedEvent | null => {
  if (!isCborList(item) || item.length !== 2) return null;
  const [envelope, payload] = item;
  if (!isCborBytes(envelope) || envelope.length > limits.envelopeBytesMax) return null;
  if (payload === null) return { envelope, payload };
  return isCborBytes(payload) && payload.length <= limits.payloadBytesMax ? { envelope, payload } : null;
};

export const readLetter = (item: Cbor): Letter | null => {
  if (!isCborList(item) || item.length !== 4) return null;
  const [id, to, expires, sealed] = item;
  return isCborBytes(id, 32) && isCborBytes(to, 32) && isCborCount(expires) && isLetterSealed(sealed)
    ? { id, to, expires, sealed }
    : null;
};

const isLetterSealed = (sealed: Cbor | undefined): sealed is Bytes =>
  isCborBytes(sealed) && sealed.length <= limits.letterBytesMax;
