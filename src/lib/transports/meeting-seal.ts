import { concatBytes, utf8 } from '../kernel/ids.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, ok, type Result } from '../kernel/result.ts';

export type MeetingSeal = {
  seal(plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  open(sealed: Uint8Array<ArrayBuffer>): Promise<Result<Uint8Array<ArrayBuffer>, 'unsealable'>>;
};

export const sealNonceBytes = 12;
const sealTagBytes = 16;
const sealKeyBytes = 32;
/** What sealing adds to a message. */
export const sealOverheadBytes = sealNonceBytes + sealTagBytes;

/**
 * AES-256-GCM under the key of a meeting place, bound to its tag, so that what was said in one place cannot be repeated in another.
 * A sealed message is nonce (96 random bits) || ciphertext || tag. Whoever runs the server can neither read nor make one.
 */
export const createMeetingSeal = (deps: { key: Uint8Array<ArrayBuffer>; tag: string; random: Random }): MeetingSeal => {
  if (deps.key.length !== sealKeyBytes) throw new RangeError(`meeting: a key of ${deps.key.length} bytes`);
  const key = crypto.subtle.importKey('raw', deps.key, 'AES-GCM', false, ['encrypt', 'decrypt']);
  const additionalData = utf8(deps.tag);
  return {
    seal: async (plain) => {
      const iv = deps.random.bytes(sealNonceBytes);
      const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, await key, plain);
      return concatBytes(iv, new Uint8Array(sealed));
    },
    open: async (sealed) => {
      if (sealed.length < sealOverheadBytes) return err('unsealable');
      const iv = sealed.subarray(0, sealNonceBytes);
      try {
        const plain = await crypto.subtle.decrypt(
          { name: 'AES-GCM', iv, additionalData },
          await key,
          sealed.subarray(sealNonceBytes),
        );
        return ok(new Uint8Array(plain));
      } catch (error) {
        // WebCrypto tells a wrong key, a wrong tag and a changed byte apart from bugs by this one name.
        if (error instanceof Error && error.name === 'OperationError') return err('unsealable');
        throw error;
      }
    },
  };
};
