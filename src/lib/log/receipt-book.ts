import { nextHlc, type Hlc } from '../kernel/hlc.ts';
import { bytesToText, compareBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Store } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { authorityLane } from './event.ts';
import type { EventLog } from './event-log.ts';
import type { Entry } from './lanes.ts';
import { placeKey, signReceipt, verifyReceipt, type ReceiptRefusal, type ReceiptVector } from './receipts.ts';

export type ReceiptBookDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly store: Store;
  readonly log: EventLog;
  readonly signing: SigningKey;
};

const keyPrefix = 'receipt/';

/** The newest signed receipt of every device, our own among them; kept over restarts so that a tick never goes back. */
export const createReceiptBook = ({ crypto, clock, store, log, signing }: ReceiptBookDeps) => {
  const newestByDevice = new Map<string, ReceiptVector>();
  const heldByPlace = new Map<string, number>();
  const own = bytesToText(signing.publicKey);
  let lastHlc: Hlc = 0;

  const commit = (vector: ReceiptVector, durability: 'strict' | 'relaxed') =>
    store.commit({ kv: [{ key: keyPrefix + vector.device, value: vector.bytes }] }, durability);

  const keep = async (vector: ReceiptVector): Promise<void> => {
    newestByDevice.set(vector.device, vector);
    await commit(vector, 'relaxed');
  };

  /** A receipt may come before the event that names its device, so some of strangers are kept; anybody can make up more of them. */
  const strangers = (): number => [...newestByDevice.keys()].filter((device) => !log.isAdmitted(device)).length;

  const isHeld = (entry: Entry | undefined): boolean =>
    entry !== undefined && (entry.payload !== null || log.isDropped(entry.event.id));
  log.onStored(({ isRebuilt }) => {
    if (isRebuilt) heldByPlace.clear();
  });

  /** How many leading events of a place we hold with their payload; one that was dropped on purpose counts as held. */
  const heldNext = (author: string, lane: number): number => {
    let next = heldByPlace.get(placeKey(author, lane)) ?? 0;
    while (isHeld(log.slice(author, lane, next, 1)[0])) next += 1;
    heldByPlace.set(placeKey(author, lane), next);
    return next;
  };

  const ownVector = (): Map<string, number> => {
    const vector = new Map<string, number>();
    for (const { author, lane } of log.heads()) {
      if (lane === authorityLane || author === own) continue;
      const next = heldNext(author, lane);
      if (next > 0) vector.set(placeKey(author, lane), next);
    }
    return vector;
  };

  const hasNews = (nextByPlace: ReadonlyMap<string, number>): boolean => {
    const before = newestByDevice.get(own)?.nextByPlace;
    // A place that is gone is news too: the last receipt says more than is held.
    const isFewer = before !== undefined && nextByPlace.size < before.size;
    return isFewer || [...nextByPlace].some(([place, next]) => before?.get(place) !== next);
  };

  return {
    load: async (): Promise<void> => {
      for (const { value } of await store.list(keyPrefix)) {
        if (!(value instanceof Uint8Array)) continue;
        const vector = await verifyReceipt(crypto, log.community, value);
        if (!vector.ok) continue; // a receipt of an earlier community
        newestByDevice.set(vector.value.device, vector.value);
        if (vector.value.device === own) lastHlc = vector.value.hlc;
      }
    },
    /** Takes in a receipt from outside; true when it is news worth passing on. */
    take: async (bytes: Uint8Array): Promise<Result<boolean, ReceiptRefusal | 'receipt-own' | 'receipt-stranger'>> => {
      // Every neighbour passes it on: the one we hold already is not verified again.
      for (const known of newestByDevice.values()) if (compareBytes(known.bytes, bytes) === 0) return ok(false);
      const vector = await verifyReceipt(crypto, log.community, bytes);
      if (!vector.ok) return vector;
      if (vector.value.device === own) return err('receipt-own');
      const known = newestByDevice.get(vector.value.device);
      if (known && known.hlc >= vector.value.hlc) return ok(false);
      if (!known && !log.isAdmitted(vector.value.device) && strangers() >= limits.receiptStrangersMax)
        return err('receipt-stranger');
      await keep(vector.value);
      return ok(true);
    },
    hasNews: (): boolean => hasNews(ownVector()),
    /**
     * A fresh signed receipt of our own, or null when nothing has been added since the last one, or the store refused it
     * (then `hasNews` stays true). It is committed strictly before anybody may see it, and that commit covers every relaxed
     * one before it: what neighbours count on here survives a power cut.
     */
    refreshOwn: async (): Promise<Bytes | null> => {
      const nextByPlace = ownVector();
      if (!hasNews(nextByPlace)) return null;
      lastHlc = nextHlc(lastHlc, clock.now());
      const vector = await signReceipt(signing, { community: log.community, hlc: lastHlc, nextByPlace });
      if (!(await commit(vector, 'strict')).ok) return null;
      newestByDevice.set(own, vector);
      return vector.bytes;
    },
    /** Our own newest one, or null while nothing was to be signed for. */
    own: (): Bytes | null => newestByDevice.get(own)?.bytes ?? null,
    /** How many leading events of a place every one of these devices has signed for; from where a lane was forked on nobody counts. */
    heldBy: (devices: readonly string[], author: string, lane: number): number =>
      Math.min(
        log.proofAt(author, lane)?.seq ?? Number.POSITIVE_INFINITY,
        ...devices.map((device) => newestByDevice.get(device)?.nextByPlace.get(placeKey(author, lane)) ?? 0),
      ),
    all: (): Bytes[] => [...newestByDevice.values()].map(({ bytes }) => bytes),
    /**
     * Devices (not our own) whose signed receipt covers the event at this place. From where a lane was forked on a count
     * does not say which twin was meant, so nobody counts.
     */
    holders: (author: string, lane: number, seq: number): string[] =>
      seq >= (log.proofAt(author, lane)?.seq ?? Number.POSITIVE_INFINITY)
        ? []
        : [...newestByDevice.values()]
            .filter(({ device, nextByPlace }) => device !== own && (nextByPlace.get(placeKey(author, lane)) ?? 0) > seq)
            .map(({ device }) => device),
  };
};
export type ReceiptBook = ReturnType<typeof createReceiptBook>;
