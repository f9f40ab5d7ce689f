import { Point } from '@noble/ed25519';
import { bytesToHex } from '../kernel/ids.ts';

/**
 * Key rule ED1: raw engines disagree on edge-case Ed25519 keys and signatures, so an event could be valid for half of a
 * neighbourhood. A key is sound only if it is canonical, not of small order and free of torsion (Chalkias et al. 2020).
 */
export const isSoundPoint = (publicKey: Uint8Array): boolean => {
  if (publicKey.length !== 32 || smallOrderEncodings.has(bytesToHex(publicKey))) return false;
  try {
    const point = Point.fromBytes(publicKey, false);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch (error) {
    if (error instanceof Error) return false; // noble throws on bytes that are no point
    throw error;
  }
};

/** True when R, the first half of a signature, is one of the encodings of a small-order point; such signatures are refused. */
export const hasSmallOrderR = (signature: Uint8Array): boolean =>
  smallOrderFirstBytes.has(signature[0] ?? 0) && smallOrderEncodings.has(bytesToHex(signature.subarray(0, 32)));

/** The eight points of small order in every encoding an engine might accept, canonical or not (y and y + p, both signs). */
const smallOrderEncodings = new Set(
  [
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ].flatMap((hex) => [hex, withSignBit(hex)]),
);

/** Nearly every R is told apart by its first byte, which the sign bit does not touch. */
const smallOrderFirstBytes = new Set([...smallOrderEncodings].map((hex) => Number.parseInt(hex.slice(0, 2), 16)));

function withSignBit(hex: string): string {
  const last = Number.parseInt(hex.slice(62), 16) | 0x80;
  return hex.slice(0, 62) + last.toString(16).padStart(2, '0');
}
