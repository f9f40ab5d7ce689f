import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, type Cbor } from '../kernel/codec.ts';
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

/** What both halves sign. A device that is being linked makes it and signs its half; the root's comes from elsewhere. */
export const certificateBody = (fields: Omit<Certificate, 'bytes'>): Bytes =>
  encodeCbor([1, fields.root, fields.device, fields.agreement, fields.created, fields.expires]);

/** null when the bytes are no body: what a linking device sent is read before anything is signed. */
export const readCertificateBody = (body: Uint8Array): Omit<Certificate, 'bytes'> | null => {
  const inner = body.length <= 200 ? decodeCbor(body) : null;
  return inner?.ok ? parseBody(inner.value) : null;
};

export const signCertificateHalf = (
  half: 'root' | 'device',
  body: Uint8Array,
  sign: (message: Uint8Array) => Promise<Bytes>,
): Promise<Bytes> => sign(concatBytes(half === 'root' ? rootLabel : deviceLabel, body));

export const joinCertificate = (body: Bytes, rootSignature: Bytes, deviceSignature: Bytes): Bytes =>
  encodeCbor([body, rootSignature, deviceSignature]);

export const issueCertificate = async (
  fields: Omit<Certificate, 'bytes'>,
  sign: { root(message: Uint8Array): Promise<Bytes>; device(message: Uint8Array): Promise<Bytes> },
): Promise<Certificate> => {
  const body = certificateBody(fields);
  const rootSignature = await signCertificateHalf('root', body, sign.root);
  return {
    ...fields,
    bytes: joinCertificate(body, rootSignature, await signCertificateHalf('device', body, sign.device)),
  };
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
  const fields = inner.ok ? parseBody(inner.value) : null;
  return fields && { certificate: { ...fields, bytes: bytes.slice() as Bytes }, body, rootSignature, deviceSignature };
};

const parseBody = (value: Cbor): Omit<Certificate, 'bytes'> | null => {
  if (!isCborList(value) || value.length !== 6) return null;
  const [version, root, device, agreement, created, expires] = value;
  if (version !== 1 || !isCborBytes(root, 32) || !isCborBytes(device, 32) || !isCborBytes(agreement, 32)) return null;
  if (
    !isCborCount(created) ||
    !isCborCount(expires) ||
    expires <= created ||
    expires - created > certificateLifeSeconds
  )
    return null;
  return { root, device, agreement, created, expires };
};
