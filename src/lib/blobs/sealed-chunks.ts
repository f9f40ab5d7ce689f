import { utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';

/**
 * How private blobs are encrypted before they are hashed: AES-256-GCM chunk by chunk under a key made for this one blob, the
 * chunk's number as the nonce. Nobody can cut, swap or repeat chunks, because the cid covers their order and number.
 */
export const sealChunk = (crypto: CryptoPort, key: Uint8Array, index: number, plain: Uint8Array): Promise<Bytes> =>
  crypto.seal(key, nonceOf(index), plain, label);

/** null when the key is not the one. */
export const openChunk = (
  crypto: CryptoPort,
  key: Uint8Array,
  index: number,
  sealed: Uint8Array,
): Promise<Bytes | null> => crypto.open(key, nonceOf(index), sealed, label);

const tagBytes = 16;
/** Bytes of the plain text in one full chunk. */
export const sealedSliceBytes = limits.blobChunkBytes - tagBytes;
/** Bytes of the plain text behind a sealed blob of this size with so many chunks. */
export const plainSizeOf = (size: number, chunks: number): number => Math.max(0, size - chunks * tagBytes);

const label = utf8('HN-BLOB1');

const nonceOf = (index: number): Bytes => {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, index);
  return nonce;
};
