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
};

/** The keys of this person and this device. Made once, kept by the keyring adapter, never readable as bytes. */
export type DeviceKeys = { readonly signing: SigningKey; readonly agreement: AgreementKey };

/**
 * Where keys live. `open` makes them on the first call and finds them again later. `rootSign` unwraps the person's root key
 * for one signature over a device certificate and forgets it.
 */
export type Keyring = {
  open(): Promise<{
    readonly device: DeviceKeys;
    readonly rootPublicKey: Bytes;
    rootSign(message: Uint8Array): Promise<Bytes>;
  }>;
};
