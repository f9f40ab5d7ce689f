import { bytesToText } from '../kernel/ids.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { FallbackCurves } from './fallback.ts';

/** The curves, here or at the other end of a line to another thread. */
export type AwaitedCurves = {
  readonly [K in keyof FallbackCurves]: (
    ...args: Parameters<FallbackCurves[K]>
  ) => ReturnType<FallbackCurves[K]> | Promise<ReturnType<FallbackCurves[K]>>;
};

type Curve = 'Ed25519' | 'X25519';
type PublicKey = { readonly fallback: Curve; readonly raw: Bytes };
/** The secret is sealed under a key that WebCrypto does not let out, and opened for one use at a time. */
type PrivateKey = {
  readonly fallback: Curve;
  readonly sealed: Bytes;
  readonly nonce: Bytes;
  readonly wrapping: CryptoKey;
  /** What `exportKey` may tell; null for a key that is not extractable. The secret itself is never exported. */
  readonly readablePublicKey: Bytes | null;
};
type Algorithm = AlgorithmIdentifier | { readonly name: string; readonly public?: unknown };

/**
 * WebCrypto with its two missing curves: everything else goes to the platform. Keys of these curves are plain objects that can be
 * stored as CryptoKeys can; script that runs in this origin could read them, which it cannot with the platform's own
 * (docs/THREATS.md). Only what `crypto/` uses is there: other uses of these curves are refused.
 */
export const createFallbackSubtle = (deps: {
  readonly subtle: SubtleCrypto;
  readonly curves: AwaitedCurves;
  readonly random: Random;
}): SubtleCrypto => {
  const { subtle, curves } = deps;
  const own = {
    generateKey: async (algorithm: Algorithm, extractable: boolean, usages: KeyUsage[]) => {
      const curve = curveOf(algorithm);
      if (!curve) return subtle.generateKey(algorithm as AesKeyGenParams, extractable, usages);
      const secret = deps.random.bytes(32);
      const publicKey = await publicKeyOf(curve, secret);
      return { publicKey, privateKey: await sealSecret(deps, publicKey, secret, extractable) };
    },
    importKey: async (
      format: 'raw' | 'pkcs8',
      bytes: Bytes,
      algorithm: Algorithm,
      extractable: boolean,
      usages: KeyUsage[],
    ) => {
      const curve = curveOf(algorithm);
      if (!curve) return subtle.importKey(format, bytes, algorithm as AlgorithmIdentifier, extractable, usages);
      if (format === 'raw') {
        if (bytes.length !== 32) throw new DOMException('a public key has 32 bytes', 'DataError');
        return { fallback: curve, raw: bytes.slice() } satisfies PublicKey;
      }
      const secret = bytes.slice(pkcs8PrefixBytes);
      if (secret.length !== 32) throw new DOMException('a private key has 32 bytes', 'DataError');
      return sealSecret(deps, await publicKeyOf(curve, secret), secret, extractable);
    },
    exportKey: async (format: 'raw' | 'jwk', key: CryptoKey | PublicKey | PrivateKey) => {
      if (!('fallback' in key)) return subtle.exportKey(format, key);
      if ('raw' in key) return key.raw.slice().buffer;
      if (!key.readablePublicKey) throw new DOMException('the key is not extractable', 'InvalidAccessError');
      return { kty: 'OKP', crv: key.fallback, x: bytesToText(key.readablePublicKey) };
    },
    sign: async (algorithm: Algorithm, key: CryptoKey | PrivateKey, message: Bytes) => {
      if (!('fallback' in key)) return subtle.sign(algorithm as AlgorithmIdentifier, key, message);
      return withSecret(deps, key, 'Ed25519', async (secret) => (await curves.sign(secret, message)).buffer);
    },
    verify: async (algorithm: Algorithm, key: CryptoKey | PublicKey, signature: Bytes, message: Bytes) =>
      'fallback' in key
        ? curves.verify(key.raw, message, signature)
        : subtle.verify(algorithm as AlgorithmIdentifier, key, signature, message),
    deriveBits: async (algorithm: Algorithm, key: CryptoKey | PrivateKey, length: number) => {
      if (!('fallback' in key)) return subtle.deriveBits(algorithm as AlgorithmIdentifier, key, length);
      const peer = typeof algorithm === 'object' && 'public' in algorithm ? (algorithm.public as PublicKey) : null;
      return withSecret(deps, key, 'X25519', async (secret) => {
        const shared = peer ? await curves.derive(secret, peer.raw) : null;
        if (!shared) throw new DOMException('no key can be agreed with this one', 'OperationError');
        return shared.buffer;
      });
    },
    digest: subtle.digest.bind(subtle),
    encrypt: subtle.encrypt.bind(subtle),
    decrypt: subtle.decrypt.bind(subtle),
    deriveKey: subtle.deriveKey.bind(subtle),
    wrapKey: subtle.wrapKey.bind(subtle),
    unwrapKey: subtle.unwrapKey.bind(subtle),
  };

  const publicKeyOf = async (curve: Curve, secret: Bytes): Promise<PublicKey> => ({
    fallback: curve,
    raw: await (curve === 'Ed25519' ? curves.signingPublicKey(secret) : curves.agreementPublicKey(secret)),
  });
  // The overloads of SubtleCrypto cannot be written as one arrow each; every caller in `crypto/` uses the forms above.
  return own as unknown as SubtleCrypto;
};

/** The head of RFC 8410's PKCS #8 for both curves; the 32 secret bytes follow. */
const pkcs8PrefixBytes = 16;

const curveOf = (algorithm: Algorithm): Curve | null => {
  const name = typeof algorithm === 'string' ? algorithm : algorithm.name;
  return name === 'Ed25519' || name === 'X25519' ? name : null;
};

const sealSecret = async (
  { subtle, random }: { subtle: SubtleCrypto; random: Random },
  { fallback, raw }: PublicKey,
  secret: Bytes,
  extractable: boolean,
): Promise<PrivateKey> => {
  const wrapping = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const nonce = random.bytes(12);
  const sealed = new Uint8Array(await subtle.encrypt({ name: 'AES-GCM', iv: nonce }, wrapping, secret));
  secret.fill(0);
  return { fallback, sealed, nonce, wrapping, readablePublicKey: extractable ? raw : null };
};

const withSecret = async <T>(
  { subtle }: { subtle: SubtleCrypto },
  { fallback, nonce, wrapping, sealed }: PrivateKey,
  curve: Curve,
  use: (secret: Bytes) => Promise<T>,
): Promise<T> => {
  if (fallback !== curve) throw new DOMException('a key of the other curve', 'InvalidAccessError');
  const secret = new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv: nonce }, wrapping, sealed));
  try {
    return await use(secret);
  } finally {
    secret.fill(0);
  }
};
