import { concatBytes, utf8 } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { hkdfExpand } from './hkdf.ts';

/** Seals and opens the messages of one lane of a link in the order they were sent; nothing else opens. */
export type RelaySeal = {
  seal(lane: number, plain: Uint8Array): Promise<Bytes>;
  /** null when it is not the very next message of this lane from the other end. */
  open(lane: number, sealed: Uint8Array): Promise<Bytes | null>;
};

/** What sealing adds. */
export const relaySealBytes = 16;

/**
 * AES-256-GCM between the two ends that Hello has proven to each other, for links that a server passes on. Each direction has its own
 * key from Hello's secret, each message the next number of its lane as nonce (lane, 4 bytes, and number, 8 bytes): a message that is
 * changed, repeated, left out, moved to another lane or sent back does not open.
 */
export const createRelaySeal = async (crypto: CryptoPort, secret: Bytes, isOfferer: boolean): Promise<RelaySeal> => {
  const keyOf = (side: 'I' | 'R') => hkdfExpand(crypto, secret, utf8(`HN-RELAY1 ${side}`), 32);
  const [own, other] = await Promise.all(isOfferer ? [keyOf('I'), keyOf('R')] : [keyOf('R'), keyOf('I')]);
  const sealed = new Map<number, number>();
  const opened = new Map<number, number>();
  return {
    seal: (lane, plain) => crypto.seal(own, nextNonce(sealed, lane), plain, nothing),
    open: (lane, bytes) => crypto.open(other, nextNonce(opened, lane), bytes, nothing),
  };
};

const nothing = new Uint8Array(0);

/** Numbers stay far below 2^53. */
const nextNonce = (counters: Map<number, number>, lane: number): Bytes => {
  const number = counters.get(lane) ?? 0;
  counters.set(lane, number + 1);
  const nonce = new DataView(new ArrayBuffer(12));
  nonce.setUint32(0, lane);
  nonce.setBigUint64(4, BigInt(number));
  return concatBytes(new Uint8Array(nonce.buffer));
};
