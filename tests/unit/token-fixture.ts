import { createTokenJudge, type TokenCourt } from '../../src/lib/crypto/token-judge.ts';
import { parseToken, signToken, tokenSigned, type TokenFields, type TokenLink } from '../../src/lib/crypto/token.ts';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { Bytes, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';
import { createNodeCrypto, signingFromSeed } from '../support/node-crypto.ts';

export type Holder = { readonly name: string; readonly signing: SigningKey; readonly device: string };
export const filled = (length: number, byte: number): Bytes => new Uint8Array(length).fill(byte);
export const nowSeconds = 20_000_000;
export const community = filled(16, 0xc0);
export const epoch = filled(16, 0xe0);

const holder = (name: string, seed: number): Holder => {
  const signing = signingFromSeed(filled(32, seed));
  return { name, signing, device: bytesToText(signing.publicKey) };
};
export const anna = holder('anna', 1);
export const bora = holder('bora', 2);
export const chen = holder('chen', 3);
export const dilek = holder('dilek', 4);
export const eva = holder('eva', 5);
export const mallory = holder('mallory', 6);

export type LinkWish = Partial<Omit<TokenFields, 'issuer' | 'audience' | 'parent'>>;
const random = createSeededRandom(61);

export const fieldsFor = (audience: Holder, wish: LinkWish = {}): Omit<TokenFields, 'issuer' | 'parent'> => ({
  audience: audience.signing.publicKey,
  community,
  command: 'test.echo',
  policy: {},
  notBefore: nowSeconds - 60,
  expires: nowSeconds + 3_600,
  nonce: random.bytes(12),
  epoch,
  ...wish,
});

/** A chain from giver to giver: the first signs for the second, and so on. Each step may say how it differs. */
export const chainOf = async (holders: readonly Holder[], wishes: readonly LinkWish[] = []): Promise<Bytes> => {
  let token: Bytes = encodeCbor([]);
  let links: readonly TokenLink[] = [];
  for (const [at, issuer] of holders.slice(0, -1).entries()) {
    const audience = holders[at + 1] ?? issuer;
    token = await signToken(issuer.signing, links, fieldsFor(audience, wishes[at]));
    const parsed = parseToken(token);
    if (!parsed.ok) return token;
    links = parsed.value;
  }
  return token;
};

export const linksOf = (token: Bytes): readonly TokenLink[] => unwrap(parseToken(token));

/** A token from bodies that are no honest link's: signed all the same by who is named. */
export const signBodies = async (bodies: readonly { body: Bytes; by: SigningKey }[]): Promise<Bytes> => {
  const links: Cbor[] = [];
  for (const { body, by } of bodies) links.push([body, await by.sign(tokenSigned(body))]);
  return encodeCbor(links);
};

/** A judge whose facts the test may change while it runs. */
export const createTestCourt = () => {
  const facts = { now: nowSeconds, community: community as Bytes | null, epoch: epoch as Bytes | null };
  const revoked = new Set<string>();
  const court: TokenCourt = {
    community: () => facts.community,
    epoch: () => facts.epoch,
    nowSeconds: () => facts.now,
    isRevoked: (hash) => revoked.has(hash),
  };
  const verdicts = { asked: 0 };
  const crypto = createNodeCrypto(createSeededRandom(62));
  const counting = {
    ...crypto,
    verify: (...check: Parameters<typeof crypto.verify>) => ((verdicts.asked += 1), crypto.verify(...check)),
  };
  return { facts, revoked, verdicts, court, judge: createTokenJudge(counting, court) };
};
