import {
  certificateLifeSeconds,
  issueCertificate,
  verifyCertificate,
  type Certificate,
} from '../crypto/certificate.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort, DeviceKeys, Keyring } from '../kernel/ports/crypto.ts';
import type { Store } from '../kernel/ports/store.ts';

/** This device and its person: keys, the certificate that joins them, and both ids as text. */
export type Device = {
  readonly keys: DeviceKeys;
  readonly certificate: Certificate;
  readonly device: string;
  readonly person: string;
};

const certificateKey = 'certificate';
const renewBelowSeconds = certificateLifeSeconds / 2;

/** Finds the keys (or makes them at the first start) and a certificate with at least half its life left. */
export const openDevice = async (deps: {
  keyring: Keyring;
  store: Store;
  crypto: CryptoPort;
  clock: Clock;
}): Promise<Device> => {
  const { keyring, store, crypto, clock } = deps;
  const { device: keys, rootPublicKey, rootSign } = await keyring.open();
  const now = Math.max(0, Math.floor((clock.now() - hlcEpochMs) / 1000));
  const ids = { device: bytesToText(keys.signing.publicKey), person: bytesToText(rootPublicKey) };
  const stored = await store.get(certificateKey);
  const known = stored instanceof Uint8Array ? await verifyCertificate(crypto, stored) : null;
  if (
    known?.ok &&
    known.value.expires - now > renewBelowSeconds &&
    areBytesEqual(known.value.device, keys.signing.publicKey)
  ) {
    return { keys, certificate: known.value, ...ids };
  }
  const certificate = await issueCertificate(
    {
      root: rootPublicKey,
      device: keys.signing.publicKey,
      agreement: keys.agreement.publicKey,
      created: now,
      expires: now + certificateLifeSeconds,
    },
    { root: rootSign, device: keys.signing.sign },
  );
  await store.commit({ kv: [{ key: certificateKey, value: certificate.bytes }] }, 'strict');
  return { keys, certificate, ...ids };
};
