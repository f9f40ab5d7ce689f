import { createPublicKey, verify as nodeVerify, type KeyObject } from 'node:crypto';
import { hasSmallOrderR, isSoundPoint } from '../../src/lib/crypto/point.ts';
import type { CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';

/** Verdicts by (key, signature, message), shared by all nodes of one run; null checks every signature each time it is met. */
export type Verdicts = Map<string, boolean> | null;

/** The crypto of a simulated node. Whether a key is sound is remembered, as the WebCrypto adapter remembers it. */
export const createSimCrypto = (random: Random, verdicts: Verdicts): CryptoPort => ({
  ...createNodeCrypto(random),
  isSigningKeySound: (publicKey) => keyOf(publicKey) !== null,
  verify: async (publicKey, message, signature) => {
    if (signature.length !== 64 || hasSmallOrderR(signature)) return false;
    const question = verdicts && latin(publicKey) + latin(signature) + latin(message);
    const known = question === null ? undefined : verdicts?.get(question);
    if (known !== undefined) return known;
    const key = keyOf(publicKey);
    const verdict = key !== null && nodeVerify(null, message, key, signature);
    if (question !== null) verdicts?.set(question, verdict);
    return verdict;
  },
});

const keysByText = new Map<string, KeyObject | null>();
const keysMax = 10_000;

/** null for a key that is not sound. */
const keyOf = (publicKey: Uint8Array): KeyObject | null => {
  const text = latin(publicKey);
  const known = keysByText.get(text);
  if (known !== undefined) return known;
  if (keysByText.size >= keysMax) keysByText.clear();
  const key = isSoundPoint(publicKey)
    ? createPublicKey({
        key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
        format: 'jwk',
      })
    : null;
  keysByText.set(text, key);
  return key;
};

/** The bytes as a string, one letter each: the cheapest key for a map. Keys and signatures have one length, so parts cannot be confused. */
const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
