import { concatBytes, utf8 } from '../kernel/ids.ts';
import type { Bytes, CryptoPort, Keyring } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { hkdf } from './hkdf.ts';
import { agreementKey, rawPublicKey, signingKey } from './webcrypto.ts';

type StoredKeys = {
  readonly signing: CryptoKeyPair;
  readonly agreement: CryptoKeyPair;
  /** 16 bytes of entropy (the recovery card's twelve words, later), sealed under `wrapping`. */
  readonly rootSealed: Uint8Array<ArrayBuffer>;
  readonly rootNonce: Uint8Array<ArrayBuffer>;
  readonly rootPublicKey: Uint8Array<ArrayBuffer>;
  readonly wrapping: CryptoKey;
};

/**
 * Keys in WebCrypto and IndexedDB. Device keys are non-extractable; the person's root is kept only sealed under a
 * non-extractable key and is opened for one signature at a time.
 */
export const createWebcryptoKeyring = (deps: {
  store: Store;
  random: Random;
  crypto: CryptoPort;
  subtle: SubtleCrypto;
}): Keyring => {
  const { store, subtle, crypto } = deps;
  const open = async () => {
    const found = await store.get('keys');
    const keys = isStoredKeys(found) ? found : await makeAndStore();
    const rootSign = async (message: Uint8Array): Promise<Bytes> => {
      const entropy = await subtle.decrypt({ name: 'AES-GCM', iv: keys.rootNonce }, keys.wrapping, keys.rootSealed);
      const { privateKey } = await rootKeyFrom(new Uint8Array(entropy));
      return signingKey(subtle, privateKey, keys.rootPublicKey).sign(message);
    };
    return {
      device: {
        signing: signingKey(subtle, keys.signing.privateKey, await rawPublicKey(subtle, keys.signing.publicKey)),
        agreement: agreementKey(
          subtle,
          keys.agreement.privateKey,
          await rawPublicKey(subtle, keys.agreement.publicKey),
        ),
      },
      rootPublicKey: keys.rootPublicKey,
      rootSign,
    };
  };

  const makeAndStore = async (): Promise<StoredKeys> => {
    const entropy = deps.random.bytes(16);
    const wrapping = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    const rootNonce = deps.random.bytes(12);
    const keys: StoredKeys = {
      signing: asPair(await subtle.generateKey('Ed25519', false, ['sign', 'verify'])),
      agreement: asPair(await subtle.generateKey('X25519', false, ['deriveBits'])),
      rootSealed: new Uint8Array(await subtle.encrypt({ name: 'AES-GCM', iv: rootNonce }, wrapping, entropy)),
      rootNonce,
      rootPublicKey: (await rootKeyFrom(entropy)).publicKey,
      wrapping,
    };
    const stored = await store.commit({ kv: [{ key: 'keys', value: keys }] }, 'strict');
    if (!stored.ok) throw new Error(`keys could not be stored: ${stored.error}`);
    return keys;
  };

  /** WebCrypto has no raw import for private Ed25519 keys, so the seed goes in as PKCS #8 (RFC 8410). */
  const rootKeyFrom = async (entropy: Bytes): Promise<{ privateKey: CryptoKey; publicKey: Bytes }> => {
    const seed = await hkdf(crypto, entropy, 'HN-ROOT');
    const pkcs8 = concatBytes(pkcs8Prefix, seed);
    const readable = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
    const { x } = await subtle.exportKey('jwk', readable);
    const privateKey = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
    const publicKey = Uint8Array.from(atob((x ?? '').replaceAll('-', '+').replaceAll('_', '/')), (char) =>
      char.charCodeAt(0),
    );
    return { privateKey, publicKey };
  };
  return { open };
};

const pkcs8Prefix = concatBytes(
  Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20),
  utf8(''),
);

const asPair = (key: CryptoKey | CryptoKeyPair): CryptoKeyPair => {
  if ('privateKey' in key) return key;
  throw new TypeError('expected a key pair');
};

const isStoredKeys = (value: unknown): value is StoredKeys =>
  typeof value === 'object' &&
  value !== null &&
  'signing' in value &&
  'agreement' in value &&
  'rootSealed' in value &&
  'wrapping' in value;
