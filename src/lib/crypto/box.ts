import { concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { BoxKey } from '../kernel/ports/mailbox.ts';
import type { Random } from '../kernel/ports/random.ts';
import { hkdf } from './hkdf.ts';

/** The box of everybody who knows one community key: the key that opens it at a relay, and the seal of what lies in it. */
export type Box = {
  readonly key: BoxKey;
  /** null when it would be longer than an item may be. Lengths are rounded up, so that a relay learns little of what it keeps. */
  seal(random: Random, plain: Uint8Array): Promise<Bytes | null>;
  /** null for what was not sealed for this box, or has been changed. */
  open(item: Uint8Array): Promise<Bytes | null>;
};

const nonceBytes = 12;
const tagBytes = 16;
/** Plain bytes are followed by this one and by zeros up to a whole number of steps. */
const endMark = 0x80;

/** What fits into one item, before its seal. */
export const boxPlainBytesMax =
  Math.floor((limits.mailItemBytesMax - nonceBytes - tagBytes) / limits.boxPadBytes) * limits.boxPadBytes - 1;

export const openBox = async (crypto: CryptoPort, communityKey: Uint8Array): Promise<Box> => {
  const seed = await hkdf(crypto, communityKey, 'HN-BOX');
  const signer = await crypto.signerFrom(seed);
  seed.fill(0);
  const sealKey = await hkdf(crypto, communityKey, 'HN-BOX-SEAL');
  const additional = concatBytes(utf8('HN-BOX-ITEM1'), signer.publicKey);
  return {
    key: { id: signer.publicKey, sign: signer.sign },
    seal: async (random, plain) => {
      if (plain.length > boxPlainBytesMax) return null;
      const padded = new Uint8Array(Math.ceil((plain.length + 1) / limits.boxPadBytes) * limits.boxPadBytes);
      padded.set(plain);
      padded[plain.length] = endMark;
      const nonce = random.bytes(nonceBytes);
      return concatBytes(nonce, await crypto.seal(sealKey, nonce, padded, additional));
    },
    open: async (item) => {
      if (item.length < nonceBytes + tagBytes || item.length > limits.mailItemBytesMax) return null;
      const padded = await crypto.open(sealKey, item.slice(0, nonceBytes), item.slice(nonceBytes), additional);
      const end = padded ? padded.findLastIndex((byte) => byte !== 0) : -1;
      return padded?.[end] === endMark ? padded.slice(0, end) : null;
    },
  };
};
