import type { Bytes, CryptoPort, KeyChange, Keyring, OpenKeys, RootKey, SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Commit, Store } from '../kernel/ports/store.ts';
import { rootSeed } from './root-seed.ts';
import { agreementKey, rawPublicKey, signerFromSeed, signingKey } from './webcrypto.ts';

type StoredKeys = {
  readonly signing: CryptoKeyPair;
  readonly agreement: CryptoKeyPair;
  /** 16 bytes of entropy (the recovery card's twelve words) sealed under `wrapping`; null where the root is kept elsewhere. */
  readonly rootSealed: Bytes | null;
  readonly rootNonce: Bytes;
  readonly rootPublicKey: Bytes;
  readonly wrapping: CryptoKey;
};
type StoredRoot = Pick<StoredKeys, 'rootSealed' | 'rootNonce' | 'rootPublicKey' | 'wrapping'>;
type StoredDevice = Pick<StoredKeys, 'signing' | 'agreement'>;

/**
 * Keys in WebCrypto and IndexedDB. Device keys are non-extractable; the person's root is kept only sealed under a
 * non-extractable key and is opened for one signature at a time.
 */
export const createWebcryptoKeyring = (deps: {
  store: Store;
  random: Random;
  crypto: CryptoPort;
  subtle: SubtleCrypto;
}): Keyring => {
  const { store, subtle } = deps;
  const keep = (keys: StoredKeys, along: NonNullable<Commit['kv']> = []) =>
    store.commit({ kv: [{ key: 'keys', value: keys }, ...along] }, 'strict');

  const stored = async (): Promise<StoredKeys> => {
    const found = await store.get('keys');
    if (isStoredKeys(found)) return found;
    const keys = { ...(await makeDevice(subtle)), ...(await sealRoot(deps, deps.random.bytes(16))) };
    const kept = await keep(keys);
    if (!kept.ok) throw new Error(`keys could not be stored: ${kept.error}`);
    return keys;
  };

  const changeRoot = async (root: KeyChange['root'], current: StoredKeys): Promise<StoredRoot> => {
    if (root === 'keep') return current;
    if (root === 'new') return sealRoot(deps, deps.random.bytes(16));
    if ('entropy' in root) return sealRoot(deps, root.entropy);
    return { ...current, rootSealed: null, rootPublicKey: root.publicKey };
  };

  return {
    open: async () => openKeys(deps, await stored()),
    prepare: async (change) => {
      const { signing, agreement, ...current } = await stored();
      const device = change.device === 'new' ? await makeDevice(subtle) : { signing, agreement };
      const next = { ...device, ...(await changeRoot(change.root, { ...current, ...device })) };
      return { keys: await openKeys(deps, next), commit: (along) => keep(next, along) };
    },
  };
};

type RootDeps = { readonly random: Random; readonly crypto: CryptoPort; readonly subtle: SubtleCrypto };

const openKeys = async (deps: RootDeps, keys: StoredKeys): Promise<OpenKeys> => ({
  device: {
    signing: signingKey(deps.subtle, keys.signing.privateKey, await rawPublicKey(deps.subtle, keys.signing.publicKey)),
    agreement: agreementKey(
      deps.subtle,
      keys.agreement.privateKey,
      await rawPublicKey(deps.subtle, keys.agreement.publicKey),
    ),
  },
  rootPublicKey: keys.rootPublicKey,
  root: keys.rootSealed ? rootKeyOf(deps, keys, keys.rootSealed) : null,
});

const rootKeyOf = (deps: RootDeps, { rootNonce, wrapping }: StoredKeys, sealed: Bytes): RootKey => {
  const { subtle } = deps;
  const entropy = async (): Promise<Bytes> =>
    new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv: rootNonce }, wrapping, sealed));
  return {
    entropy,
    sign: async (message) => {
      const opened = await entropy();
      const root = await rootKeyFrom(deps, opened);
      opened.fill(0);
      return root.sign(message);
    },
  };
};

const makeDevice = async (subtle: SubtleCrypto): Promise<StoredDevice> => ({
  signing: asPair(await subtle.generateKey('Ed25519', false, ['sign', 'verify'])),
  agreement: asPair(await subtle.generateKey('X25519', false, ['deriveBits'])),
});

const sealRoot = async (deps: RootDeps, entropy: Bytes): Promise<StoredRoot> => {
  const wrapping = await deps.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const rootNonce = deps.random.bytes(12);
  return {
    rootSealed: new Uint8Array(await deps.subtle.encrypt({ name: 'AES-GCM', iv: rootNonce }, wrapping, entropy)),
    rootNonce,
    rootPublicKey: (await rootKeyFrom(deps, entropy)).publicKey,
    wrapping,
  };
};

const rootKeyFrom = async ({ subtle, crypto }: RootDeps, entropy: Bytes): Promise<SigningKey> => {
  const seed = await rootSeed(crypto, entropy);
  const root = await signerFromSeed(subtle, seed);
  seed.fill(0);
  return root;
};

const asPair = (key: CryptoKey | CryptoKeyPair): CryptoKeyPair => {
  if ('privateKey' in key) return key;
  throw new TypeError('expected a key pair');
};

const isStoredKeys = (value: unknown): value is StoredKeys =>
  typeof value === 'object' &&
  value !== null &&
  'signing' in value &&
  'agreement' in value &&
  'rootSealed' in value &&
  'wrapping' in value;
