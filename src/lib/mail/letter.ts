import { hpkeOpen, hpkeSeal } from '../crypto/hpke.ts';
import { decodeCbor, encodeCbor, isCborBytes, isCborList } from '../kernel/codec.ts';
import { areBytesEqual, bytesToText, concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { AgreementKey, Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { Letter } from './box-item.ts';

/** A letter as its recipient reads it; `from` is the device whose signature it carries. */
export type OpenLetter = {
  readonly from: string;
  readonly topic: string;
  readonly bytes: Bytes;
  readonly secret: Bytes;
};
export type LetterRefusal = 'letter-seal' | 'letter-malformed' | 'letter-signature' | 'letter-id';

type Place = { readonly crypto: CryptoPort; readonly community: Bytes };

/**
 * Words for one device, sealed to its agreement key and signed by the sender's device inside the seal, so that whoever carries a letter
 * learns neither. `secret` makes its id: saying the secret proves that the letter was opened.
 */
export const sealLetter = async (
  { crypto, community }: Place,
  words: {
    readonly from: SigningKey;
    readonly to: string;
    readonly agreement: Uint8Array;
    readonly topic: string;
    readonly bytes: Bytes;
    readonly secret: Bytes;
    readonly expires: number;
  },
): Promise<Letter | null> => {
  const { from, topic, bytes, secret, expires } = words;
  const to = textToBytes(words.to);
  if (!to) return null;
  const body = encodeCbor([1, secret, from.publicKey, topic, bytes]);
  const signature = await from.sign(concatBytes(signLabel, community, to, body));
  const sealed = await hpkeSeal(crypto, words.agreement, infoOf(community, to), encodeCbor([body, signature]));
  if (!sealed || sealed.length > limits.letterBytesMax) return null;
  return { id: await letterId(crypto, secret), to, expires, sealed };
};

export const openLetter = async (
  { crypto, community }: Place,
  own: AgreementKey,
  letter: Letter,
): Promise<Result<OpenLetter, LetterRefusal>> => {
  const plain = await hpkeOpen(crypto, own, infoOf(community, letter.to), letter.sealed);
  if (!plain) return err('letter-seal');
  const outer = decodeCbor(plain);
  if (!outer.ok || !isCborList(outer.value) || outer.value.length !== 2) return err('letter-malformed');
  const [body, signature] = outer.value;
  if (!isCborBytes(body) || !isCborBytes(signature, 64)) return err('letter-malformed');
  const inner = decodeCbor(body);
  if (!inner.ok || !isCborList(inner.value) || inner.value.length !== 5) return err('letter-malformed');
  const [version, secret, from, topic, bytes] = inner.value;
  if (version !== 1 || !isCborBytes(secret, 32) || !isCborBytes(from, 32)) return err('letter-malformed');
  if (typeof topic !== 'string' || topic.length > limits.letterTopicCharsMax || !isCborBytes(bytes))
    return err('letter-malformed');
  if (!areBytesEqual(await letterId(crypto, secret), letter.id)) return err('letter-id');
  if (!(await crypto.verify(from, concatBytes(signLabel, community, letter.to, body), signature)))
    return err('letter-signature');
  return ok({ from: bytesToText(from), topic, bytes, secret });
};

export const letterId = (crypto: CryptoPort, secret: Uint8Array): Promise<Bytes> =>
  crypto.sha256(concatBytes(utf8('HN-LETTER-ID'), secret));

const signLabel = utf8('HN-LETTER1');
const infoOf = (community: Uint8Array, to: Uint8Array): Bytes => concatBytes(utf8('HN-LETTER-SEAL'), community, to);
