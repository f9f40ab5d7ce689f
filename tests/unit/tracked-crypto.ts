import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import type { CryptoPort } from '../../src/lib/kernel/ports/crypto.ts';

let pending = 0;
const counted = <T>(work: Promise<T>): Promise<T> => {
  pending += 1;
  return work.finally(() => {
    pending -= 1;
  });
};

const inner = createWebCrypto();

/**
 * The platform's crypto, one for all tests of a file because it remembers which keys are sound. WebCrypto works on threads of
 * its own, so what it still owes is counted: a test can wait until everything has been done, however loaded the machine is.
 */
export const platformCrypto: CryptoPort = {
  sha256: (...args) => counted(inner.sha256(...args)),
  hmacSha256: (...args) => counted(inner.hmacSha256(...args)),
  seal: (...args) => counted(inner.seal(...args)),
  open: (...args) => counted(inner.open(...args)),
  isSigningKeySound: inner.isSigningKeySound,
  verify: (...args) => counted(inner.verify(...args)),
  ephemeral: () => counted(inner.ephemeral()),
  signerFrom: (...args) => counted(inner.signerFrom(...args)),
};

export const isCryptoBusy = (): boolean => pending > 0;
