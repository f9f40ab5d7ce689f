import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList } from '../kernel/codec.ts';
import { concatBytes, utf8 } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/**
 * A person's root key says: this device is mine, and the device says: this person's. CBOR [body, root signature64, device
 * signature64] with body = CBOR [1, root32, device32, agreement32, created, expires] (seconds since 2026-01-01); the root signs
 * "HN-CERT1" || body, the device "HN-CERT1-DEVICE" || body. Without the second one anybody could claim another's device.
 * Expiry gates Hello and tokens, never the validity of an event.
 */
export type Certificate = {
  readonly root: Bytes;
  readonly device: Bytes;
  readonly agreement: Bytes;
  readonly created: number;
  readonly expires: number;
  readonly bytes: Bytes;
};

export type CertificateRefusal =
  'certificate-malformed' | 'certificate-key-unsound' | 'certificate-signature' | 'certificate-device-signature';

/** At most 400 days (protocol 2); remade on use. */
export const certificateLifeSeconds = 400 * 24 * 3600;

export const issueCertificate = async (
  fields: Omit<Certificate, 'bytes'>,
  sign: { root(message: Uint8Array): Promise<Bytes>; device(message: Uint8Array): Promise<Bytes> },
): Promise<Certificate> => {
  const body = encodeCbor([1, fields.root, fields.device, fields.agreement, fields.created, fields.expires]);
  const bytes = encodeCbor([
    body,
    await sign.root(concatBytes(rootLabel, body)),
    await sign.device(concatBytes(deviceLabel, body)),
  ]);
  return { ...fields, bytes };
};

export const verifyCertificate = async (
  crypto: CryptoPort,
  bytes: Uint8Array,
): Promise<Result<Certificate, CertificateRefusal>> => {
  const parsed = parseCertificate(bytes);
  if (!parsed) return err('certificate-malformed');
  const { certificate, body, rootSignature, deviceSignature } = parsed;
  if (!crypto.isSigningKeySound(certificate.root) || !crypto.isSigningKeySound(certificate.device))
    return err('certificate-key-unsound');
  if (!(await crypto.verify(certificate.root, concatBytes(rootLabel, body), rootSignature)))
    return err('certificate-signature');
  if (!(await crypto.verify(certificate.device, concatBytes(deviceLabel, body), deviceSignature)))
    return err('certificate-device-signature');
  return ok(certificate);
};

const rootLabel = utf8('HN-CERT1');
const deviceLabel = utf8('HN-CERT1-DEVICE');

const parseCertificate = (
  bytes: Uint8Array,
): { certificate: Certificate; body: Bytes; rootSignature: Bytes; deviceSignature: Bytes } | null => {
  if (bytes.length > 300) return null;
  const outer = decodeCbor(bytes);
  if (!outer.ok || !isCborList(outer.value) || outer.value.length !== 3) return null;
  const [body, rootSignature, deviceSignature] = outer.value;
  if (!isCborBytes(body) || !isCborBytes(rootSignature, 64) || !isCborBytes(deviceSignature, 64)) return null;
  const inner = decodeCbor(body);
  if (!inner.ok || !isCborList(inner.value) || inner.value.length !== 6) return null;
  const [version, root, device, agreement, created, expires] = inner.value;
  if (version !== 1 || !isCborBytes(root, 32) || !isCborBytes(device, 32) || !isCborBytes(agreement, 32)) return null;
  if (
    !isCborCount(created) ||
    !isCborCount(expires) ||
    expires <= created ||
    expires - created > certificateLifeSeconds
  )
    return null;
  return {
    certificate: { root, device, agreement, created, expires, bytes: bytes.slice() as Bytes },
    body,
    rootSignature,
    deviceSignature,
  };
};
