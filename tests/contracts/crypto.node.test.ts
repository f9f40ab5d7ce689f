import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { runAgreement, runCryptoContract, runLenientEngine } from './crypto-contract.ts';

const newNodeCrypto = () => createNodeCrypto(seededRandom('crypto contract'));

runCryptoContract("Node's synchronous functions", newNodeCrypto);
runCryptoContract('WebCrypto', () => createWebCrypto());
runAgreement("WebCrypto and Node's functions", () => [createWebCrypto(), newNodeCrypto()]);
runLenientEngine('WebCrypto', createWebCrypto);
