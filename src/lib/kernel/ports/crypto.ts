import type { Result } from '../result.ts';
import type { Commit, StoreRefusal } from './store.ts';

/** Bytes with their own buffer, as WebCrypto wants them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** An Ed25519 key that signs and cannot be read (RFC 8032). */
export type SigningKey = { readonly publicKey: Bytes; sign(message: Uint8Array): Promise<Bytes> };

/** An X25519 key (RFC 7748). `derive` is null for an all-zero result (key rule X1) or a malformed peer key. */
export type AgreementKey = { readonly publicKey: Bytes; derive(peerPublicKey: Uint8Array): Promise<Bytes | null> };

/**
 * The primitives everything in `crypto/` is built from, injected so that the simulator can run a deterministic twin.
 * `verify` applies key rule ED1: canonical, torsion-free keys, small-order R refused, cofactorless equation.
 * `open` is null when the tag does not fit.
 */
export type CryptoPort = {
  sha256(bytes: Uint8Array): Promise<Bytes>;
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Promise<Bytes>;
  seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, additional: Uint8Array): Promise<Bytes>;
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, additional: Uint8Array): Promise<Bytes | null>;
  isSigningKeySound(publicKey: Uint8Array): boolean;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  ephemeral(): Promise<AgreementKey>;
  /** The Ed25519 key that 32 secret bytes stand for: whoever knows the bytes has the same key. The bytes are not kept. */
  signerFrom(seed: Uint8Array): Promise<SigningKey>;
};

/** The keys of this person and this device. Made once, kept by the keyring adapter, never readable as bytes. */
export type DeviceKeys = { readonly signing: SigningKey; readonly agreement: AgreementKey };

/**
 * The person's root key, from which everything else of a person can be made anew: 16 bytes of entropy (the recovery card's
 * twelve words), opened for one use at a time. `sign` is for device certificates and revocations only.
 */
export type RootKey = { sign(message: Uint8Array): Promise<Bytes>; entropy(): Promise<Bytes> };

export type OpenKeys = {
  readonly device: DeviceKeys;
  readonly rootPublicKey: Bytes;
  /** null on a device that was linked without the root key: it can neither certify devices nor show the card. */
  readonly root: RootKey | null;
};

/**
 * What a change of identity changes. root: `entropy` takes over a person from a card, a file or another device; `publicKey`
 * makes this a device of a person whose root stays elsewhere. A new device key has never signed anything.
 */
export type KeyChange = {
  readonly root: 'keep' | 'new' | { readonly entropy: Bytes } | { readonly publicKey: Bytes };
  readonly device: 'keep' | 'new';
};

/** Keys that are made and not kept yet. `commit` puts them in the place of the old ones, with `along` in the same transaction. */
export type PreparedKeys = {
  readonly keys: OpenKeys;
  commit(along: NonNullable<Commit['kv']>): Promise<Result<void, StoreRefusal>>;
};

/** Where keys live. `open` makes them on the first call and finds them again later; `prepare` begins a change of identity. */
export type Keyring = {
  open(): Promise<OpenKeys>;
  prepare(change: KeyChange): Promise<PreparedKeys>;
};
