import { answerNumbers } from '../../src/lib/kernel/wire/mesh-wire.ts';

/**
 * The answer `from`, byte for byte as the codec writes it (a test compares them). It is the one frame that is passed on in great
 * number, so it is written in one piece: `from` and `tag` are base64url text of 16 and 32 bytes.
 */
export const fromFrame = (from: string, tag: string, bytes: Uint8Array): Buffer => {
  const head = headOf(bytes.length);
  const frame = Buffer.allocUnsafe(fixedBytes + head.length + bytes.length);
  frame.set(opening, 0);
  frame.write(from, 4, 16, 'base64url');
  frame.set(beforeTag, 20);
  frame.write(tag, 22, 32, 'base64url');
  frame.set(head, fixedBytes);
  frame.set(bytes, fixedBytes + head.length);
  return frame;
};

/** CBOR: an array of four, the number, a byte string of 16; then one of 32. */
const opening = [0x84, 0x18, answerNumbers.from, 0x50];
const beforeTag = [0x58, 0x20];
const fixedBytes = opening.length + 16 + beforeTag.length + 32;

/** The head of a byte string of fewer than 65,536 bytes, which every request is. */
const headOf = (length: number): readonly number[] => {
  if (length < 24) return [0x40 | length];
  return length < 0x100 ? [0x58, length] : [0x59, length >> 8, length & 0xff];
};
