import { areBytesEqual, concatBytes, utf8 } from '../kernel/ids.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok } from '../kernel/result.ts';
import { sealNonceBytes, sealOverheadBytes, type MeetingSeal } from './meeting-seal.ts';

const checkBytes = sealOverheadBytes - sealNonceBytes;

/**
 * Stands in for the seal of a meeting place in the memory network: the same lengths and the same refusals, at once and the same in
 * every run. A change, another key and another tag are noticed; nothing is secret, and whoever wants to forge can.
 */
export const createMemorySeal = (deps: { key: Uint8Array; tag: string; random: Random }): MeetingSeal => {
  const mixed = concatBytes(deps.key, utf8(deps.tag));
  const checkOf = (nonce: Uint8Array, plain: Uint8Array): Uint8Array => {
    const check = new Uint8Array(checkBytes);
    let sum = 0x811c9dc5;
    let at = 0;
    for (const part of [mixed, nonce, plain]) {
      for (const byte of part) {
        sum = Math.imul(sum ^ byte, 0x01000193);
        at = (at + 1) % checkBytes;
        check[at] = (check[at] ?? 0) ^ (sum >>> 24);
      }
    }
    return check;
  };
  return {
    seal: async (plain) => {
      const nonce = deps.random.bytes(sealNonceBytes);
      return concatBytes(nonce, checkOf(nonce, plain), plain);
    },
    open: async (sealed) => {
      if (sealed.length < sealOverheadBytes) return err('unsealable');
      const nonce = sealed.subarray(0, sealNonceBytes);
      const plain = sealed.slice(sealOverheadBytes);
      const isTrue = areBytesEqual(checkOf(nonce, plain), sealed.subarray(sealNonceBytes, sealOverheadBytes));
      return isTrue ? ok(plain) : err('unsealable');
    },
  };
};
