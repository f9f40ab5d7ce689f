import { areBytesEqual, concatBytes, utf8 } from '../kernel/ids.ts';
import type { AgreementKey, Bytes, CryptoPort, RootKey } from '../kernel/ports/crypto.ts';
import { err, type Result } from '../kernel/result.ts';
import {
  joinCertificate,
  readCertificateBody,
  signCertificateHalf,
  verifyCertificate,
  type Certificate,
} from './certificate.ts';
import { hpkeOpen, hpkeSeal } from './hpke.ts';

/** What a device that is being linked asks to have signed: its certificate's body and its own half. */
export type CertifyRequest = { readonly body: Bytes; readonly signature: Bytes };

export type CertifyRefusal =
  | 'certify-malformed'
  | 'certify-root'
  | 'certify-device'
  | 'certify-agreement'
  | 'certify-expired'
  | 'certify-signature';

/**
 * Signs for a further device of one's own. The request must name our root and exactly the keys that Hello has proven on this
 * link: what stands in it was written by the other side. `now` in seconds since 2026-01-01.
 */
export const certifyDevice = async (
  deps: { readonly crypto: CryptoPort; readonly root: RootKey; readonly rootPublicKey: Bytes },
  { body, signature }: CertifyRequest,
  hello: Certificate,
  now: number,
): Promise<Result<Certificate, CertifyRefusal>> => {
  const fields = readCertificateBody(body);
  if (!fields) return err('certify-malformed');
  if (!areBytesEqual(fields.root, deps.rootPublicKey)) return err('certify-root');
  if (!areBytesEqual(fields.device, hello.device)) return err('certify-device');
  if (!areBytesEqual(fields.agreement, hello.agreement)) return err('certify-agreement');
  if (fields.expires <= now) return err('certify-expired');
  const rootSignature = await signCertificateHalf('root', body, deps.root.sign);
  const joined = await verifyCertificate(deps.crypto, joinCertificate(body, rootSignature, signature));
  return joined.ok ? joined : err('certify-signature');
};

/** The root entropy for a device of the same person, bound to the handshake in which the six emoji were compared. */
export const sealRootEntropy = (
  crypto: CryptoPort,
  entropy: Bytes,
  recipient: Uint8Array,
  transcript: Uint8Array,
): Promise<Bytes | null> => hpkeSeal(crypto, recipient, concatBytes(rootSealLabel, transcript), entropy);

export const openRootEntropy = async (
  crypto: CryptoPort,
  own: AgreementKey,
  sealed: Uint8Array,
  transcript: Uint8Array,
): Promise<Bytes | null> => {
  const entropy = await hpkeOpen(crypto, own, concatBytes(rootSealLabel, transcript), sealed);
  return entropy?.length === 16 ? entropy : null;
};

const rootSealLabel = utf8('HN-ROOT-SEAL');
