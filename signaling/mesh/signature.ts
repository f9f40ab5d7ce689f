import { createPublicKey, verify, type KeyObject } from 'node:crypto';

/** Whether the raw Ed25519 key signed the message. A key that is none is a false like any other. */
export const isSignedBy = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  const publicKey = readKey(key);
  return publicKey !== null && verify(null, message, publicKey, signature);
};

const readKey = (key: Uint8Array): KeyObject | null => {
  try {
    return createPublicKey({ key: Buffer.concat([spkiHead, key]), format: 'der', type: 'spki' });
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
};

/** RFC 8410: SubjectPublicKeyInfo of Ed25519, up to the 32 bytes of the key. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');
