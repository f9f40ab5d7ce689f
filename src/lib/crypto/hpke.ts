import { concatBytes, utf8 } from '../kernel/ids.ts';
import type { AgreementKey, Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { hkdfExpand, hkdfExtract } from './hkdf.ts';

/**
 * HPKE base mode, single shot (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Sealed bytes are
 * enc (32) || ciphertext. On our own port because the simulator must run it in a fixed order; the tests hold it
 * against a published implementation.
 */
export const hpkeSeal = async (
  crypto: CryptoPort,
  recipient: Uint8Array,
  info: Uint8Array,
  plain: Uint8Array,
): Promise<Bytes | null> => {
  const ephemeral = await crypto.ephemeral();
  const shared = await ephemeral.derive(recipient);
  if (!shared) return null;
  const { key, nonce } = await schedule(crypto, shared, ephemeral.publicKey, recipient, info);
  return concatBytes(ephemeral.publicKey, await crypto.seal(key, nonce, plain, empty));
};

/** null when the bytes were not sealed to this key with this info, or were changed. */
export const hpkeOpen = async (
  crypto: CryptoPort,
  recipient: AgreementKey,
  info: Uint8Array,
  sealed: Uint8Array,
): Promise<Bytes | null> => {
  if (sealed.length < 32 + 16) return null;
  const enc = sealed.slice(0, 32);
  const shared = await recipient.derive(enc);
  if (!shared) return null;
  const { key, nonce } = await schedule(crypto, shared, enc, recipient.publicKey, info);
  return crypto.open(key, nonce, sealed.slice(32), empty);
};

const empty = new Uint8Array(0);
const kemSuite = concatBytes(utf8('KEM'), Uint8Array.of(0x00, 0x20));
const hpkeSuite = concatBytes(utf8('HPKE'), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x02));

const schedule = async (
  crypto: CryptoPort,
  dh: Uint8Array,
  enc: Uint8Array,
  recipient: Uint8Array,
  info: Uint8Array,
) => {
  const extract = (suite: Uint8Array, salt: Uint8Array, label: string, secret: Uint8Array) =>
    hkdfExtract(crypto, salt, concatBytes(utf8('HPKE-v1'), suite, utf8(label), secret));
  const expand = (suite: Uint8Array, prk: Uint8Array, label: string, context: Uint8Array, length: number) =>
    hkdfExpand(
      crypto,
      prk,
      concatBytes(Uint8Array.of(0, length), utf8('HPKE-v1'), suite, utf8(label), context),
      length,
    );
  const eaePrk = await extract(kemSuite, empty, 'eae_prk', dh);
  const shared = await expand(kemSuite, eaePrk, 'shared_secret', concatBytes(enc, recipient), 32);
  const context = concatBytes(
    Uint8Array.of(0),
    await extract(hpkeSuite, empty, 'psk_id_hash', empty),
    await extract(hpkeSuite, empty, 'info_hash', info),
  );
  const secret = await extract(hpkeSuite, shared, 'secret', empty);
  return {
    key: await expand(hpkeSuite, secret, 'key', context, 32),
    nonce: await expand(hpkeSuite, secret, 'base_nonce', context, 12),
  };
};
