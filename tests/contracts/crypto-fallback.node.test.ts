import { describe, expect, it } from 'vitest';
import { createFallbackCurves } from '../../src/lib/crypto/fallback.ts';
import { createFallbackSubtle } from '../../src/lib/crypto/fallback-subtle.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { runAgreement, runCryptoContract } from './crypto-contract.ts';

const newFallback = () =>
  createWebCrypto(
    createFallbackSubtle({
      subtle: globalThis.crypto.subtle,
      curves: createFallbackCurves(),
      random: seededRandom('fallback'),
    }),
  );

runCryptoContract('the fallback', newFallback);
runAgreement('the fallback and WebCrypto', () => [newFallback(), createWebCrypto()]);

describe('keys of the fallback', () => {
  const { subtle } = globalThis.crypto;
  const fallback = createFallbackSubtle({ subtle, curves: createFallbackCurves(), random: seededRandom('keys') });
  const asKey = (value: unknown): CryptoKey => value as CryptoKey;

  it('tell their secret to nobody, and their public half only where it was meant to be told', async () => {
    const { privateKey, publicKey } = asPair(await fallback.generateKey('Ed25519', false, ['sign', 'verify']));
    await expect(fallback.exportKey('jwk', privateKey)).rejects.toThrow('not extractable');
    expect(new Uint8Array(await fallback.exportKey('raw', publicKey))).toHaveLength(32);
    const readable = asPair(await fallback.generateKey('Ed25519', true, ['sign', 'verify']));
    expect(Object.keys(await fallback.exportKey('jwk', readable.privateKey)).toSorted()).toEqual(['crv', 'kty', 'x']);
    // Node lets a CryptoKey be cloned as IndexedDB does; what is kept beside it must hold no secret in the clear.
    const kept = structuredClone(privateKey) as unknown as { sealed: Uint8Array; wrapping: CryptoKey };
    expect([kept.sealed.length, kept.wrapping.extractable]).toEqual([48, false]);
  });

  it('serve their own curve only, and malformed ones are refused', async () => {
    const signing = asPair(await fallback.generateKey('Ed25519', false, ['sign', 'verify']));
    const agreement = asPair(await fallback.generateKey('X25519', false, ['deriveBits']));
    await expect(fallback.sign('Ed25519', agreement.privateKey, new Uint8Array(1))).rejects.toThrow('other curve');
    await expect(
      fallback.deriveBits({ name: 'X25519', public: agreement.publicKey }, signing.privateKey, 256),
    ).rejects.toThrow('other curve');
    for (const length of [0, 31, 33])
      await expect(fallback.importKey('raw', new Uint8Array(length), 'X25519', false, [])).rejects.toThrow('32 bytes');
    await expect(fallback.importKey('pkcs8', new Uint8Array(47), 'Ed25519', false, ['sign'])).rejects.toThrow(
      '32 bytes',
    );
  });

  it('leave everything else to the platform', async () => {
    const key = await fallback.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    const iv = new Uint8Array(12);
    const sealed = await fallback.encrypt({ name: 'AES-GCM', iv }, asKey(key), new Uint8Array([1, 2, 3]));
    expect(new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv }, asKey(key), sealed))).toEqual(
      Uint8Array.of(1, 2, 3),
    );
  });
});

const asPair = (key: CryptoKey | CryptoKeyPair): CryptoKeyPair => {
  if ('privateKey' in key) return key;
  throw new TypeError('expected a pair');
};
