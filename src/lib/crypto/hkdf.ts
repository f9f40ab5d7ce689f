import { concatBytes, utf8 } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';

/** HKDF-SHA-256 (RFC 5869), with a label for every use so that no two uses ever share a key. */
export const hkdf = async (
  crypto: CryptoPort,
  secret: Uint8Array,
  label: string,
  context: Uint8Array = empty,
  length = 32,
): Promise<Bytes> =>
  hkdfExpand(crypto, await hkdfExtract(crypto, empty, secret), concatBytes(utf8(label), context), length);

export const hkdfExtract = (crypto: CryptoPort, salt: Uint8Array, secret: Uint8Array): Promise<Bytes> =>
  crypto.hmacSha256(salt.length === 0 ? new Uint8Array(32) : salt, secret);

export const hkdfExpand = async (
  crypto: CryptoPort,
  prk: Uint8Array,
  info: Uint8Array,
  length: number,
): Promise<Bytes> => {
  let block: Uint8Array = empty;
  let whole: Bytes = new Uint8Array(0);
  for (let counter = 1; whole.length < length; counter++) {
    block = await crypto.hmacSha256(prk, concatBytes(block, info, Uint8Array.of(counter)));
    whole = concatBytes(whole, block);
  }
  return whole.slice(0, length);
};

const empty = new Uint8Array(0);
