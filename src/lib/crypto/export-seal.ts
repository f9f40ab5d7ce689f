import { scryptAsync } from '@noble/hashes/scrypt.js';
import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList } from '../kernel/codec.ts';
import { concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { hkdf } from './hkdf.ts';

/** What opens the sealed part of an export: words a person remembers, or the 32 bytes a passkey gives (WebAuthn PRF). */
export type ExportKey =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'passkey'; readonly secret: Uint8Array };

export type ExportSealRefusal = 'passphrase-short' | 'passkey-secret' | 'seal-malformed' | 'seal-kind' | 'seal-key';

/**
 * CBOR [kind, log2 N, salt 16, nonce 12, sealed]. kind 1: key = scrypt (RFC 7914; N = 2^log2N, r 8, p 1) of the passphrase in
 * NFKC; kind 2: key = HKDF of the passkey's secret with the salt, log2 N is 0. AES-256-GCM, with "HN-EXPORT1", the first three
 * fields and `context` authenticated, so that a seal fits only the file it was made for.
 */
export const sealExport = async (
  deps: { readonly crypto: CryptoPort; readonly random: Random },
  plain: Bytes,
  key: ExportKey,
  context: Uint8Array,
  log2N: number = defaultLog2N,
): Promise<Result<Bytes, ExportSealRefusal>> => {
  const salt = deps.random.bytes(16);
  const derived = await deriveKey(deps.crypto, key, salt, log2N);
  if (!derived.ok) return derived;
  const head: Head = [key.kind === 'passphrase' ? 1 : 2, key.kind === 'passphrase' ? log2N : 0, salt];
  const nonce = deps.random.bytes(12);
  const sealed = await deps.crypto.seal(derived.value, nonce, plain, additional(head, context));
  return ok(encodeCbor([...head, nonce, sealed]));
};

/** `seal-key`: the wrong passphrase or passkey, or somebody changed the file; nobody can tell which. */
export const openExport = async (
  crypto: CryptoPort,
  seal: Uint8Array,
  key: ExportKey,
  context: Uint8Array,
): Promise<Result<Bytes, ExportSealRefusal>> => {
  const parsed = parseSeal(seal);
  if (!parsed) return err('seal-malformed');
  const { head, nonce, sealed } = parsed;
  if (head[0] !== (key.kind === 'passphrase' ? 1 : 2)) return err('seal-kind');
  const derived = await deriveKey(crypto, key, head[2], head[1]);
  if (!derived.ok) return derived;
  const plain = await crypto.open(derived.value, nonce, sealed, additional(head, context));
  return plain ? ok(plain) : err('seal-key');
};

/** 2^17: 128 MiB of memory for one guess. */
const defaultLog2N = 17;

type Head = readonly [kind: 1 | 2, log2N: number, salt: Bytes];

const additional = (head: Head, context: Uint8Array): Bytes =>
  concatBytes(utf8('HN-EXPORT1'), encodeCbor(head), context);

const deriveKey = async (
  crypto: CryptoPort,
  key: ExportKey,
  salt: Bytes,
  log2N: number,
): Promise<Result<Bytes, ExportSealRefusal>> => {
  if (key.kind === 'passkey')
    return key.secret.length === 32
      ? ok(await hkdf(crypto, key.secret, 'HN-EXPORT-PASSKEY', salt))
      : err('passkey-secret');
  const passphrase = key.passphrase.normalize('NFKC');
  const chars = [...passphrase].length;
  if (chars < limits.passphraseCharsMin || chars > limits.passphraseCharsMax) return err('passphrase-short');
  const derived = await scryptAsync(utf8(passphrase), salt, { N: 2 ** log2N, r: 8, p: 1, dkLen: 32 });
  return ok(derived.slice());
};

const parseSeal = (seal: Uint8Array): { head: Head; nonce: Bytes; sealed: Bytes } | null => {
  const decoded = seal.length <= 1024 ? decodeCbor(seal) : null;
  if (!decoded?.ok || !isCborList(decoded.value) || decoded.value.length !== 5) return null;
  const [kind, log2N, salt, nonce, sealed] = decoded.value;
  if ((kind !== 1 && kind !== 2) || !isCborCount(log2N) || !isCborBytes(salt, 16)) return null;
  if (!isCborBytes(nonce, 12) || !isCborBytes(sealed)) return null;
  const isCostSound = kind === 2 ? log2N === 0 : log2N >= limits.scryptLog2Min && log2N <= limits.scryptLog2Max;
  return isCostSound ? { head: [kind, log2N, salt], nonce, sealed } : null;
};
