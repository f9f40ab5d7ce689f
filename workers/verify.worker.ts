import { createWebCrypto } from '../src/lib/crypto/webcrypto.ts';
import { serveVerification } from '../src/lib/crypto/verify-work.ts';

/** Sent by the page: the node worker's line to this helper. */
export type VerifyWorkerMessage = { readonly port: MessagePort };

/** A thread that checks signatures for the node worker while a long log comes in. It holds no key and no state. */
const crypto = createWebCrypto();
addEventListener('message', ({ data }: MessageEvent<VerifyWorkerMessage>) =>
  serveVerification(data.port, crypto, () => {
    postMessage('ended');
    close();
  }),
);
