import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  sign as nodeSign,
  verify as nodeVerify,
  type KeyObject,
} from 'node:crypto';
import { hasSmallOrderR, isSoundPoint } from '../../src/lib/crypto/point.ts';
import type {
  AgreementKey,
  Bytes,
  CryptoPort,
  KeyChange,
  Keyring,
  OpenKeys,
  PreparedKeys,
  SigningKey,
} from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import type { Store } from '../../src/lib/kernel/ports/store.ts';
import { ok } from '../../src/lib/kernel/result.ts';

/**
 * The crypto port on Node's synchronous functions: every promise is already resolved, so a simulated run has one order of events
 * and the same seed gives the same trace. The same contract suite holds it and WebCrypto to one behaviour.
 * `trustCache`: verdicts by (key, bytes) are remembered across nodes of one process.
 */
export const createNodeCrypto = (random: Random, verdicts: Map<string, boolean> = new Map()): CryptoPort => ({
  sha256: async (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
  hmacSha256: async (key, bytes) => new Uint8Array(createHmac('sha256', key).update(bytes).digest()),
  seal: async (key, nonce, plain, additional) => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional);
    return new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
  },
  open: async (key, nonce, sealed, additional) => {
    if (sealed.length < 16) return null;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce)
      .setAAD(additional)
      .setAuthTag(sealed.subarray(sealed.length - 16));
    try {
      return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - 16)), decipher.final()]));
    } catch {
      return null; // the tag does not fit
    }
  },
  isSigningKeySound: isSoundPoint,
  verify: async (publicKey, message, signature) => {
    if (signature.length !== 64 || hasSmallOrderR(signature)) return false;
    const cacheKey = createHash('sha256').update(publicKey).update(signature).update(message).digest('base64');
    const known = verdicts.get(cacheKey);
    if (known !== undefined) return known;
    const verdict = isSoundPoint(publicKey) && nodeVerify(null, message, publicKeyOf('Ed25519', publicKey), signature);
    verdicts.set(cacheKey, verdict);
    return verdict;
  },
  ephemeral: async () => agreementFromSeed(random.bytes(32)),
  signerFrom: async (seed) => signingFromSeed(seed),
});

/**
 * Keys from a seed: the same device every time the same seed is given. A change of identity is kept on the store when one is
 * given (so a copied disk carries it), else in the keyring; `random` then makes the new keys.
 */
export const createSeededKeyring = (
  seed: Uint8Array,
  place: { readonly store?: Store; readonly random?: Random } = {},
): Pick<Keyring, 'prepare'> & { open(): Promise<SeededKeys> } => {
  const part = (label: string) => new Uint8Array(createHash('sha256').update(label).update(seed).digest());
  const { store, random = { bytes: (length: number) => part(`changed ${changes++}`).slice(0, length) } } = place;
  let changes = 0;
  let kept: SeedKeys = { device: part('device'), agreement: part('agreement'), entropy: part('root').slice(0, 16) };
  const current = async (): Promise<SeedKeys> => ((await store?.get('keys')) as SeedKeys | undefined) ?? kept;
  return {
    open: async () => openSeeds(await current()),
    prepare: async ({ root, device }) => {
      const now = await current();
      const own = device === 'keep' ? now : { device: random.bytes(32), agreement: random.bytes(32) };
      const next: SeedKeys = { ...now, device: own.device, agreement: own.agreement, ...rootParts(root, now, random) };
      const commit: PreparedKeys['commit'] = async (along) => {
        const committed = await store?.commit({ kv: [{ key: 'keys', value: next }, ...along] }, 'strict');
        if (committed?.ok !== false) kept = next;
        return committed ?? ok(undefined);
      };
      return { keys: openSeeds(next), commit };
    },
  };
};

type SeededKeys = OpenKeys & { readonly rootSign: SigningKey['sign'] };
type SeedKeys = {
  readonly device: Bytes;
  readonly agreement: Bytes;
  readonly entropy: Bytes | null;
  readonly person?: Bytes;
};

const rootParts = (root: KeyChange['root'], now: SeedKeys, random: Random): Pick<SeedKeys, 'entropy' | 'person'> => {
  if (root === 'keep') return { entropy: now.entropy, ...(now.person ? { person: now.person } : {}) };
  if (root !== 'new' && 'publicKey' in root) return { entropy: null, person: root.publicKey };
  return { entropy: root === 'new' ? random.bytes(16) : root.entropy };
};

/** HKDF-SHA-256 with the label of the real keyring, so that a recovery card means the same person to both. */
const rootFromEntropy = (entropy: Uint8Array): SigningKey =>
  signingFromSeed(new Uint8Array(hkdfSync('sha256', entropy, new Uint8Array(32), 'HN-ROOT', 32)));

const openSeeds = ({ device, agreement, entropy, person }: SeedKeys): SeededKeys => {
  const root = entropy && rootFromEntropy(entropy);
  const rootSign: SigningKey['sign'] = root ? root.sign : () => Promise.reject(new Error('this keyring has no root'));
  return {
    device: { signing: signingFromSeed(device), agreement: agreementFromSeed(agreement) },
    rootPublicKey: root?.publicKey ?? person ?? new Uint8Array(32),
    root: root && entropy ? { sign: root.sign, entropy: async () => entropy.slice() } : null,
    rootSign,
  };
};

export const signingFromSeed = (seed: Uint8Array): SigningKey => {
  const privateKey = privateKeyOf('Ed25519', seed);
  return { publicKey: rawOf(privateKey), sign: async (message) => new Uint8Array(nodeSign(null, message, privateKey)) };
};

export const agreementFromSeed = (seed: Uint8Array): AgreementKey => {
  const privateKey = privateKeyOf('X25519', seed);
  return {
    publicKey: rawOf(privateKey),
    derive: async (peer) => {
      if (peer.length !== 32) return null;
      try {
        const shared = new Uint8Array(diffieHellman({ privateKey, publicKey: publicKeyOf('X25519', peer) }));
        return shared.every((byte) => byte === 0) ? null : shared;
      } catch {
        return null; // OpenSSL refuses low-order points by throwing
      }
    },
  };
};

const oids = { Ed25519: 0x70, X25519: 0x6e } as const;
const privateKeyOf = (curve: keyof typeof oids, seed: Uint8Array): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([
      Buffer.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, oids[curve], 4, 0x22, 4, 0x20]),
      seed,
    ]),
    format: 'der',
    type: 'pkcs8',
  });
const publicKeyOf = (curve: keyof typeof oids, raw: Uint8Array): KeyObject =>
  createPublicKey({
    key: Buffer.concat([Buffer.from([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, oids[curve], 3, 0x21, 0]), raw]),
    format: 'der',
    type: 'spki',
  });
const rawOf = (key: KeyObject): Bytes =>
  new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
