import { createTokenJudge } from '../../src/lib/crypto/token-judge.ts';
import { parseToken, signToken } from '../../src/lib/crypto/token.ts';
import { createWebCrypto, signingKey } from '../../src/lib/crypto/webcrypto.ts';
import { authorize } from '../../src/lib/kernel/bus/authorize.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { platformRandom as random } from '../../src/lib/node/platform.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';

const capability = { name: 'library.search', policy: 'member' } as const;

/** Microseconds of the first gate for a caller who has no role, and stands on a token of two links that was shown before. */
export const timeAuthorize = async (rounds: number): Promise<number[]> => {
  const [anna, chen, bora] = [await newHolder(), await newHolder(), await newHolder()];
  const fields = { community: random.bytes(16), command: capability.name, policy: {}, epoch: random.bytes(16) };
  const times = { notBefore: 100, expires: 3_600 };
  const first = await signToken(anna.signing, [], { ...fields, ...times, nonce: random.bytes(12), audience: chen.key });
  const chain = unwrap(parseToken(first));
  const token = await signToken(chen.signing, chain, {
    ...fields,
    ...times,
    nonce: random.bytes(12),
    audience: bora.key,
  });
  const judgeToken = createTokenJudge(createWebCrypto(), {
    community: () => fields.community,
    epoch: () => fields.epoch,
    nowSeconds: () => 200,
    isRevoked: () => false,
  });
  const views = { roleOf: (device: string) => (device === anna.device ? ('anchor' as const) : null), judgeToken };
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = performance.now();
    for (let at = 0; at < callsInBurst; at++) {
      const judged = await authorize({ kind: 'device', device: bora.device }, capability, {}, [token], views);
      if (!judged.ok) throw new Error(judged.error.reason);
    }
    samples.push(((performance.now() - before) * 1000) / callsInBurst);
  }
  return samples.slice(1);
};

const callsInBurst = 50;

const newHolder = async () => {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
  const key = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { key, device: bytesToText(key), signing: signingKey(crypto.subtle, pair.privateKey, key) };
};
