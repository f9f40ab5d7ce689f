import {
  certificateLifeSeconds,
  issueCertificate,
  verifyCertificate,
  type Certificate,
} from '../crypto/certificate.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort, DeviceKeys, Keyring, OpenKeys, RootKey } from '../kernel/ports/crypto.ts';
import type { Store } from '../kernel/ports/store.ts';

/** This device and its person: keys, the certificate that joins them, and both ids as text. Changes only by a restart of the node. */
export type Device = {
  readonly keys: DeviceKeys;
  readonly certificate: Certificate;
  readonly device: string;
  readonly person: string;
  /** null where the person's root key is kept on another device only. */
  readonly root: RootKey | null;
};

export const certificateKey = 'certificate';
const renewBelowSeconds = certificateLifeSeconds / 2;

/**
 * Finds the keys (or makes them at the first start) and a certificate with at least half its life left. Without the root no
 * certificate can be made: the one that came by linking is used for as long as it lasts.
 */
export const openDevice = async (deps: {
  keyring: Keyring;
  store: Store;
  crypto: CryptoPort;
  clock: Clock;
}): Promise<Device> => {
  const { keyring, store, crypto, clock } = deps;
  const open = await keyring.open();
  const { device: keys, rootPublicKey, root } = open;
  const ids = { device: bytesToText(keys.signing.publicKey), person: bytesToText(rootPublicKey), root };
  const now = nowSeconds(clock);
  const stored = await store.get(certificateKey);
  const verified = stored instanceof Uint8Array ? await verifyCertificate(crypto, stored) : null;
  const known = verified?.ok && isFor(verified.value, open) ? verified.value : null;
  if (known && (known.expires - now > renewBelowSeconds || !root)) return { keys, certificate: known, ...ids };
  if (!root) throw new Error('this device has neither its certificate nor the root key to make one');
  const certificate = await certify(open, root, now);
  await store.commit({ kv: [{ key: certificateKey, value: certificate.bytes }] }, 'strict');
  return { keys, certificate, ...ids };
};

/** A certificate of these keys by their own root, with its whole life ahead. `now` in seconds since 2026-01-01. */
export const certify = ({ device, rootPublicKey }: OpenKeys, root: RootKey, now: number): Promise<Certificate> =>
  issueCertificate(
    {
      root: rootPublicKey,
      device: device.signing.publicKey,
      agreement: device.agreement.publicKey,
      created: now,
      expires: now + certificateLifeSeconds,
    },
    { root: root.sign, device: device.signing.sign },
  );

export const nowSeconds = (clock: Clock): number => Math.max(0, Math.floor((clock.now() - hlcEpochMs) / 1000));

const isFor = ({ root, device, agreement }: Certificate, open: OpenKeys): boolean =>
  areBytesEqual(root, open.rootPublicKey) &&
  areBytesEqual(device, open.device.signing.publicKey) &&
  areBytesEqual(agreement, open.device.agreement.publicKey);
