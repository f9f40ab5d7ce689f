import { bytesToText, concatBytes, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { err, ok, type Result } from '../kernel/result.ts';

/** `picture` for a QR code: base45 (RFC 9285), which a QR code packs tightest. `words` for a message or a file: base64url. */
export const pairingTexts = (code: Uint8Array): { readonly picture: string; readonly words: string } => ({
  picture: `HN1:${toBase45(code)}`,
  words: `hn1.${bytesToText(code)}`,
});

export type PairingTextRefusal = 'pairing-unreadable' | 'pairing-cut-off' | 'pairing-is-invite';

/**
 * The bytes of a code in whatever somebody scanned, pasted or opened: either spelling, with the line breaks and spaces that a
 * message puts in. What they mean is `parsePairingCode`'s work.
 */
export const readPairingText = (text: string): Result<Uint8Array, PairingTextRefusal> => {
  if (text.length > limits.pairingTextCharsMax) return err('pairing-unreadable');
  if (/#(?:join|device)=/.test(text)) return err('pairing-is-invite');
  const words = /hn1\.([A-Za-z0-9_\-\s]*)/.exec(text)?.[1]?.replaceAll(/\s/g, '');
  if (words !== undefined) return toResult(textToBytes(words), words.length % 4 === 0);
  const picture = /HN1:([0-9A-Z $%*+\-./:]*)/.exec(text)?.[1];
  if (picture !== undefined) return toResult(fromBase45(picture), picture.length % 3 === 0);
  return err('pairing-unreadable');
};

/** Text that breaks off in the middle of a group was cut off; one of whole groups is spelled wrong. */
const toResult = (bytes: Uint8Array | null, isWhole: boolean): Result<Uint8Array, PairingTextRefusal> =>
  bytes ? ok(bytes) : err(isWhole ? 'pairing-unreadable' : 'pairing-cut-off');

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

/** Two bytes are three characters, the lowest first; one byte at the end is two. */
const toBase45 = (bytes: Uint8Array): string => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const isPair = at + 1 < bytes.length;
    let value = isPair ? ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0) : (bytes[at] ?? 0);
    for (let digits = isPair ? 3 : 2; digits > 0; digits--) {
      text += alphabet[value % 45];
      value = Math.floor(value / 45);
    }
  }
  return text;
};

const fromBase45 = (text: string): Uint8Array | null => {
  if (text.length % 3 === 1) return null;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = [...text.slice(at, at + 3)].map((character) => alphabet.indexOf(character));
    const value = group.reduceRight((total, digit) => total * 45 + digit, 0);
    if (value > (group.length === 3 ? 0xffff : 0xff)) return null;
    parts.push(group.length === 3 ? Uint8Array.of(value >> 8, value & 0xff) : Uint8Array.of(value));
  }
  return concatBytes(...parts);
};
