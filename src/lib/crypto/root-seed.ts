import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { hkdf } from './hkdf.ts';

/** The Ed25519 seed of the root key that the person's 16 bytes of entropy stand for. */
export const rootSeed = (crypto: CryptoPort, entropy: Uint8Array): Promise<Bytes> => hkdf(crypto, entropy, 'HN-ROOT');
