import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { areBytesEqual, concatBytes } from '../kernel/ids.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';

/**
 * Ed25519 and X25519 in plain JavaScript, for browsers whose WebCrypto lacks them (docs/adr/0026). Seeds and secrets are 32
 * bytes. `verify` is the bare cofactorless equation as RFC 8032 writes it; key rule ED1 stands before it, as it stands before
 * WebCrypto's. `derive` is null for an all-zero result (key rule X1) and for what is no key. Total for any bytes.
 */
export const createFallbackCurves = () => ({
  signingPublicKey: (seed: Uint8Array): Bytes => ed25519.getPublicKey(seed) as Bytes,
  sign: (seed: Uint8Array, message: Uint8Array): Bytes => ed25519.sign(message, seed) as Bytes,
  verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    const [r, s] = [signature.subarray(0, 32), toNumber(signature.subarray(32))];
    const key = pointOf(publicKey);
    if (key === null || s >= order) return false;
    const challenge = toNumber(sha512(concatBytes(r, publicKey, message))) % order;
    const expected = ed25519.Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(challenge));
    return areBytesEqual(expected.toBytes(), r);
  },
  agreementPublicKey: (secret: Uint8Array): Bytes => x25519.getPublicKey(secret) as Bytes,
  derive: (secret: Uint8Array, peer: Uint8Array): Bytes | null => {
    if (peer.length !== 32) return null;
    try {
      return x25519.getSharedSecret(secret, peer) as Bytes;
    } catch (error) {
      if (error instanceof Error) return null; // noble throws on points of low order
      throw error;
    }
  },
});
export type FallbackCurves = ReturnType<typeof createFallbackCurves>;

const order = ed25519.Point.Fn.ORDER;

/** null for bytes that are no point in its one canonical spelling. */
const pointOf = (bytes: Uint8Array) => {
  try {
    return ed25519.Point.fromBytes(bytes, false);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
};

/** Little endian, as Ed25519 writes scalars. */
const toNumber = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
