import { describe, expect, it } from 'vitest';
import { createFallbackCurves } from '../../src/lib/crypto/fallback.ts';
import { createFallbackSubtle } from '../../src/lib/crypto/fallback-subtle.ts';
import { lacksCurves } from '../../src/lib/crypto/lacks-curves.ts';
import { createWebcryptoKeyring } from '../../src/lib/crypto/webcrypto-keyring.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { platformRandom as random } from '../../src/lib/node/platform.ts';
import { openIdbStore } from '../../src/lib/stores/idb-store.ts';
import { runCurveVectors } from '../contracts/crypto-vectors.ts';

runCurveVectors('Chromium');

/** Chromium as it was before it knew these curves. */
const oldSubtle = (): SubtleCrypto => {
  const { subtle } = globalThis.crypto;
  const refuse = async (): Promise<never> => {
    throw new DOMException('Unrecognized algorithm name', 'NotSupportedError');
  };
  const isUnknown = (algorithm: unknown): boolean => algorithm === 'Ed25519' || algorithm === 'X25519';
  return new Proxy(subtle, {
    get: (target, name: keyof SubtleCrypto) =>
      name === 'generateKey'
        ? (...args: Parameters<SubtleCrypto['generateKey']>) =>
            isUnknown(args[0]) ? refuse() : target.generateKey(...args)
        : (target[name] as (...args: unknown[]) => unknown).bind(target),
  });
};

describe('the fallback in Chromium', () => {
  it('is wanted by a browser that lacks the curves, and by no other', async () => {
    expect(await lacksCurves(globalThis.crypto.subtle)).toBe(false);
    expect(await lacksCurves(oldSubtle())).toBe(true);
  });

  it('keeps a device in IndexedDB that finds itself again, signs for it, and lets no secret out', async () => {
    const name = `fallback ${Math.trunc(performance.now())}`;
    const subtle = createFallbackSubtle({ subtle: oldSubtle(), curves: createFallbackCurves(), random });
    const crypto = createWebCrypto(subtle);
    const openKeys = async () => {
      const store = unwrap(await openIdbStore({ name, onLost: () => {} }));
      return { store, keys: await createWebcryptoKeyring({ store, random, crypto, subtle }).open() };
    };
    const first = await openKeys();
    const message = utf8('the key hangs at the bakery');
    const signature = await first.keys.device.signing.sign(message);
    const platform = createWebCrypto();
    expect(await platform.verify(first.keys.device.signing.publicKey, message, signature)).toBe(true);
    first.store.close();
    const second = await openKeys();
    expect(second.keys.device.signing.publicKey).toEqual(first.keys.device.signing.publicKey);
    expect(await second.keys.device.signing.sign(message)).toEqual(signature);
    const other = await platform.ephemeral();
    expect(await second.keys.device.agreement.derive(other.publicKey)).toEqual(
      await other.derive(second.keys.device.agreement.publicKey),
    );
    const stored = (await second.store.get('keys')) as { signing: CryptoKeyPair };
    await expect(subtle.exportKey('jwk', stored.signing.privateKey)).rejects.toThrow('not extractable');
    second.store.close();
    indexedDB.deleteDatabase(name);
  });
});
