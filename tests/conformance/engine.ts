import { createNodeCrypto } from '../support/node-crypto.ts';

/** The crypto port on Node, held to the same vectors as the browser's. Nothing the suite asks for is made at random. */
export const crypto = createNodeCrypto({
  bytes: () => {
    throw new Error('nothing here is random');
  },
});

/** The same with one ephemeral key that the request names, for handshakes that can be repeated. */
export const cryptoWithEphemeral = (seed: Uint8Array<ArrayBuffer>): typeof crypto =>
  createNodeCrypto({ bytes: () => seed });
