import { concatBytes, textToBytes } from '../kernel/ids.ts';
import type { AgreementKey, Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import { hasSmallOrderR, isSoundPoint } from './point.ts';
import { sha256Now } from './sha256.ts';

/**
 * The primitives on the platform's WebCrypto: non-extractable keys and an order of magnitude faster than plain
 * JavaScript. Soundness of each signing key is computed once and remembered (bounded).
 */
export const createWebCrypto = (subtle: SubtleCrypto = globalThis.crypto.subtle): CryptoPort => {
  const soundByKey = new Map<string, boolean>();
  const keysByText = new Map<string, CryptoKey | Promise<CryptoKey>>();
  const isSigningKeySound = (publicKey: Uint8Array): boolean => {
    const text = String.fromCharCode(...publicKey);
    const known = soundByKey.get(text);
    if (known !== undefined) return known;
    const sound = isSoundPoint(publicKey);
    keepNewest(soundByKey, text, sound);
    return sound;
  };
  const importVerifyKey = (publicKey: Uint8Array): CryptoKey | Promise<CryptoKey> => {
    const text = String.fromCharCode(...publicKey);
    const known = keysByText.get(text);
    if (known) return known;
    const imported = subtle.importKey('raw', own(publicKey), 'Ed25519', false, ['verify']);
    keepNewest(keysByText, text, imported);
    // From then on a signature is handed to the platform at once, while the caller goes on to the next.
    void imported.then(
      (key) => keysByText.has(text) && keysByText.set(text, key),
      () => keysByText.delete(text),
    );
    return imported;
  };
  const aesKey = (key: Uint8Array) => subtle.importKey('raw', own(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
  return {
    sha256: async (bytes) =>
      bytes.length <= shortBytesMax ? sha256Now(bytes) : new Uint8Array(await subtle.digest('SHA-256', own(bytes))),
    hmacSha256: async (key, bytes) => {
      // WebCrypto refuses an empty HMAC key; RFC 2104 pads it with zeros, which a zero byte does as well.
      const imported = await subtle.importKey(
        'raw',
        own(key.length === 0 ? new Uint8Array(1) : key),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['sign'],
      );
      return new Uint8Array(await subtle.sign('HMAC', imported, own(bytes)));
    },
    seal: async (key, nonce, plain, additional) =>
      new Uint8Array(
        await subtle.encrypt(
          { name: 'AES-GCM', iv: own(nonce), additionalData: own(additional) },
          await aesKey(key),
          own(plain),
        ),
      ),
    open: async (key, nonce, sealed, additional) => {
      const imported = await aesKey(key);
      try {
        return new Uint8Array(
          await subtle.decrypt(
            { name: 'AES-GCM', iv: own(nonce), additionalData: own(additional) },
            imported,
            own(sealed),
          ),
        );
      } catch (error) {
        if (error instanceof DOMException && error.name === 'OperationError') return null;
        throw error;
      }
    },
    isSigningKeySound,
    verify: async (publicKey, message, signature) => {
      if (signature.length !== 64 || hasSmallOrderR(signature) || !isSigningKeySound(publicKey)) return false;
      const key = importVerifyKey(publicKey);
      return subtle.verify('Ed25519', key instanceof Promise ? await key : key, own(signature), own(message));
    },
    ephemeral: async () => {
      const pair = await subtle.generateKey('X25519', false, ['deriveBits']);
      if (!('privateKey' in pair)) throw new TypeError('X25519 gave no key pair');
      return agreementKey(subtle, pair.privateKey, await rawPublicKey(subtle, pair.publicKey));
    },
    signerFrom: (seed) => signerFromSeed(subtle, seed),
  };
};

/** WebCrypto has no raw import for private Ed25519 keys, so the seed goes in as PKCS #8 (RFC 8410). */
export const signerFromSeed = async (subtle: SubtleCrypto, seed: Uint8Array): Promise<SigningKey> => {
  const pkcs8 = concatBytes(pkcs8Prefix, seed);
  const readable = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const { x } = await subtle.exportKey('jwk', readable);
  const privateKey = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
  pkcs8.fill(0);
  return signingKey(subtle, privateKey, textToBytes(x ?? '') ?? new Uint8Array(0));
};

const pkcs8Prefix = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

/** An Ed25519 private key that WebCrypto holds, as the port wants it. */
export const signingKey = (subtle: SubtleCrypto, privateKey: CryptoKey, publicKey: Bytes): SigningKey => ({
  publicKey,
  sign: async (message) => new Uint8Array(await subtle.sign('Ed25519', privateKey, own(message))),
});

/** An X25519 private key that WebCrypto holds, as the port wants it; an all-zero result is refused (key rule X1). */
export const agreementKey = (subtle: SubtleCrypto, privateKey: CryptoKey, publicKey: Bytes): AgreementKey => ({
  publicKey,
  derive: async (peerPublicKey) => {
    try {
      const peer = await subtle.importKey('raw', own(peerPublicKey), 'X25519', false, []);
      const shared = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: peer }, privateKey, 256));
      return shared.every((byte) => byte === 0) ? null : shared;
    } catch (error) {
      if (error instanceof DOMException) return null; // not a usable X25519 key
      throw error;
    }
  },
});

export const rawPublicKey = async (subtle: SubtleCrypto, key: CryptoKey): Promise<Bytes> =>
  new Uint8Array(await subtle.exportKey('raw', key));

/** WebCrypto wants a view over a plain ArrayBuffer; a view over anything else is copied. */
const own = (bytes: Uint8Array): Bytes =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes);

/** Below this the way to WebCrypto and back costs more than the hash: ids of events, and most of their payloads. */
const shortBytesMax = 512;

const rememberedKeysMax = 1024;
const keepNewest = <V>(map: Map<string, V>, key: string, value: V): void => {
  map.set(key, value);
  const oldest = map.size > rememberedKeysMax ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
};
