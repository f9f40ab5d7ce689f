import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { areBytesEqual, bytesToText, concatBytes, textToBytes, utf8 } from '../kernel/ids.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/**
 * The recovery card: the person's 16 bytes of root entropy as twelve words (BIP 39, English list, 4 checksum bits in the last
 * word) and as the text of a QR code: "hearthnet:card:" and base64url of entropy 16 || first 4 bytes of
 * SHA-256("HN-CARD" || entropy).
 */
export type Card = { readonly words: readonly string[]; readonly qr: string };

/** card-word: the word at `position` (from 1) is not in the list; card-count: not twelve; card-checksum: words of the list that do not belong together. */
export type CardRefusal =
  | { readonly reason: 'card-word'; readonly position: number }
  | { readonly reason: 'card-count' | 'card-checksum' | 'card-unreadable' };

export const makeCard = async (crypto: CryptoPort, entropy: Bytes): Promise<Card> => ({
  words: entropyToMnemonic(entropy, wordlist).split(' '),
  qr: qrPrefix + bytesToText(concatBytes(entropy, await checkOf(crypto, entropy))),
});

/** Takes the words as people type them (capitals, any blanks, numbers in front of the words) or the QR code's text. */
export const readCard = async (crypto: CryptoPort, text: string): Promise<Result<Bytes, CardRefusal>> =>
  text.trim().startsWith(qrPrefix) ? readQr(crypto, text.trim().slice(qrPrefix.length)) : readWords(text);

const qrPrefix = 'hearthnet:card:';
const wordCount = 12;
const entropyBytes = 16;
const checkBytes = 4;

const checkOf = async (crypto: CryptoPort, entropy: Uint8Array): Promise<Bytes> =>
  (await crypto.sha256(concatBytes(utf8('HN-CARD'), entropy))).slice(0, checkBytes);

const readQr = async (crypto: CryptoPort, code: string): Promise<Result<Bytes, CardRefusal>> => {
  const bytes = textToBytes(code);
  if (bytes?.length !== entropyBytes + checkBytes) return err({ reason: 'card-unreadable' });
  const entropy = bytes.slice(0, entropyBytes);
  return areBytesEqual(await checkOf(crypto, entropy), bytes.slice(entropyBytes))
    ? ok(entropy)
    : err({ reason: 'card-checksum' });
};

const readWords = (text: string): Result<Bytes, CardRefusal> => {
  const words = text
    .normalize('NFKC')
    .toLowerCase()
    .split(/[\s,;.\d)]+/u)
    .filter((word) => word !== '');
  const stranger = words.findIndex((word) => !known.has(word));
  if (stranger >= 0) return err({ reason: 'card-word', position: stranger + 1 });
  if (words.length !== wordCount) return err({ reason: 'card-count' });
  try {
    return ok(mnemonicToEntropy(words.join(' '), wordlist).slice());
  } catch (error) {
    // The words are twelve of the list, so all that is left for the library to refuse is the checksum.
    if (error instanceof Error) return err({ reason: 'card-checksum' });
    throw error;
  }
};

const known = new Set(wordlist);
