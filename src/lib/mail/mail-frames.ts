import { decodeCbor, encodeCbor, isCborBytes, isCborList } from '../kernel/codec.ts';
import { concatBytes } from '../kernel/ids.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import { letterFields, readLetter, type Letter } from './box-item.ts';

/**
 * What neighbours say of letters on a link's `sync` channel, as frame type 110: one byte, then CBOR [0, letter] "carry this, or it is
 * yours", [1, id] "I carry it", [2, secret] "it has arrived", [3, id, reason] "I cannot".
 */
export type MailFrame =
  | { readonly type: 'letter'; readonly letter: Letter }
  | { readonly type: 'taken'; readonly id: Bytes }
  | { readonly type: 'arrived'; readonly secret: Bytes }
  | { readonly type: 'refused'; readonly id: Bytes; readonly reason: string };

/** Below 128, so that it is its own variable-length spelling. */
const mailFrameType = 110;

export const isMailFrame = (bytes: Uint8Array): boolean => bytes[0] === mailFrameType;

export const encodeMailFrame = (frame: MailFrame): Bytes => {
  const body = (() => {
    if (frame.type === 'letter') return encodeCbor([0, letterFields(frame.letter)]);
    if (frame.type === 'taken') return encodeCbor([1, frame.id]);
    if (frame.type === 'arrived') return encodeCbor([2, frame.secret]);
    return encodeCbor([3, frame.id, frame.reason]);
  })();
  return concatBytes(Uint8Array.of(mailFrameType), body);
};

/** Total: null for whatever is none. */
export const parseMailFrame = (bytes: Uint8Array): MailFrame | null => {
  const decoded = isMailFrame(bytes) ? decodeCbor(bytes.slice(1)) : null;
  if (!decoded?.ok || !isCborList(decoded.value)) return null;
  const [type, first, second, ...rest] = decoded.value;
  if (rest.length > 0 || first === undefined) return null;
  if (type === 3)
    return isCborBytes(first, 32) && typeof second === 'string' && /^[a-z-]{1,40}$/.test(second)
      ? { type: 'refused', id: first, reason: second }
      : null;
  if (second !== undefined) return null;
  if (type === 0) {
    const letter = readLetter(first);
    return letter && { type: 'letter', letter };
  }
  if (!isCborBytes(first, 32)) return null;
  if (type === 1) return { type: 'taken', id: first };
  return type === 2 ? { type: 'arrived', secret: first } : null;
};
