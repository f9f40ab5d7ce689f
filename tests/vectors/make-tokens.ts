import { parseToken, signToken } from '../../src/lib/crypto/token.ts';
import { bytesToHex } from '../../src/lib/kernel/ids.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { signingFromSeed } from '../support/node-crypto.ts';

const filled = (length: number, byte: number): Bytes => new Uint8Array(length).fill(byte);

/** Golden vectors of capability tokens: one that anna gives bora, and what bora hands on of it to chen. */
export const makeTokens = async (): Promise<object> => {
  const [anna, bora, chen] = [0x11, 0x21, 0x31].map((seed) => signingFromSeed(filled(32, seed)));
  if (!anna || !bora || !chen) throw new Error('three devices are needed');
  const [community, epoch] = [filled(16, 0xc0), filled(16, 0x50)];
  const given = await signToken(anna, [], {
    audience: bora.publicKey,
    community,
    command: 'library.',
    policy: { max: { k: 8 }, oneOf: { corpora: ['street-notes', 'recipes'] }, prefix: { query: 'water' }, rpm: 60 },
    notBefore: 14_342_400,
    expires: 14_428_800,
    nonce: filled(12, 0x01),
    epoch,
  });
  const handedOn = await signToken(bora, unwrap(parseToken(given)), {
    audience: chen.publicKey,
    community,
    command: 'library.search',
    policy: { max: { k: 4 }, oneOf: { corpora: ['recipes'] }, prefix: { query: 'water pump' }, rpm: 6 },
    notBefore: 14_342_400,
    expires: 14_346_000,
    nonce: filled(12, 0x02),
    epoch,
  });
  return {
    note: 'Ed25519 seeds of the devices are 32 bytes of 11 (anna), 21 (bora), 31 (chen). Times are seconds since 2026-01-01.',
    keys: { anna: bytesToHex(anna.publicKey), bora: bytesToHex(bora.publicKey), chen: bytesToHex(chen.publicKey) },
    community: bytesToHex(community),
    epoch: bytesToHex(epoch),
    given: describe(given),
    handedOn: describe(handedOn),
  };
};

const describe = (token: Bytes): object => ({
  token: bytesToHex(token),
  links: unwrap(parseToken(token)).map(({ body, hash, command, policy }) => ({
    command,
    policy,
    body: bytesToHex(body),
    hash: bytesToHex(hash),
  })),
});
