import { signToken, tokenSigned } from '../../src/lib/crypto/token.ts';
import { decodeCbor, encodeCbor, isCborList, type Cbor } from '../../src/lib/kernel/codec.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import {
  anna,
  bora,
  chainOf,
  chen,
  dilek,
  eva,
  fieldsFor,
  filled,
  linksOf,
  mallory,
  nowSeconds,
  type createTestCourt,
  type Holder,
  type LinkWish,
} from '../unit/token-fixture.ts';

export type TokenAttack = {
  readonly name: string;
  readonly reason: string;
  /** The token that is presented, and by whom when it is not bora. */
  readonly make: (command: string) => Promise<{ token: Bytes; by?: Holder }>;
  readonly before?: (trial: ReturnType<typeof createTestCourt>, token: Bytes) => void;
};

const flipLast = (token: Bytes): Bytes => token.map((byte, at) => (at === token.length - 1 ? byte ^ 1 : byte));
const partsOf = (token: Bytes): readonly Cbor[] => {
  const decoded = decodeCbor(token);
  return decoded.ok && isCborList(decoded.value) ? decoded.value : [];
};
export const only = async (command: string, wish: LinkWish = {}) => ({
  token: await chainOf([anna, bora], [{ command, ...wish }]),
});
/** Anna's token for chen under a policy and a time; what chen then gives bora is the attack. */
export const handedOn = async (command: string, first: LinkWish, second: LinkWish) => ({
  token: await chainOf(
    [anna, chen, bora],
    [
      { command, ...first },
      { command, ...second },
    ],
  ),
});
const sibling = (command: string): string => `${command}Other`;

export const tokenAttacks: readonly TokenAttack[] = [
  {
    name: 'forged signature',
    reason: 'token-signature',
    make: async (command) => ({ token: flipLast((await only(command)).token) }),
  },
  {
    name: 'signed by another than it names',
    reason: 'token-signature',
    make: async (command) => {
      const [link] = linksOf((await only(command)).token);
      const body = link?.body ?? filled(0, 0);
      return { token: encodeCbor([[body, await mallory.signing.sign(tokenSigned(body))]]) };
    },
  },
  {
    name: 'expired',
    reason: 'token-expired',
    make: (command) => only(command, { notBefore: nowSeconds - 90, expires: nowSeconds }),
  },
  {
    name: 'not yet valid',
    reason: 'token-early',
    make: (command) => only(command, { notBefore: nowSeconds + limits.tokenSkewSeconds + 1 }),
  },
  {
    name: 'wrong audience',
    reason: 'token-audience',
    make: async (command) => ({ token: await chainOf([anna, chen], [{ command }]) }),
  },
  {
    name: 'replayed over another link',
    reason: 'token-audience',
    make: async (command) => ({ ...(await only(command)), by: mallory }),
  },
  {
    name: 'wrong community',
    reason: 'token-community',
    make: (command) => only(command, { community: filled(16, 0xcc) }),
  },
  { name: 'other command', reason: 'token-command', make: (command) => only(sibling(command)) },
  { name: 'command that only begins alike', reason: 'token-command', make: (command) => only(command.slice(0, -1)) },
  {
    name: 'giver without the right',
    reason: 'token-issuer-right',
    make: async (command) => ({ token: await chainOf([chen, bora], [{ command }]) }),
  },
  {
    name: 'widened policy',
    reason: 'token-widened-policy',
    make: (command) => handedOn(command, { policy: { prefix: { text: 'power' } } }, {}),
  },
  {
    name: 'widened command',
    reason: 'token-widened-command',
    make: (command) => handedOn(command, { command: sibling(command) }, {}),
  },
  {
    name: 'widened expiry',
    reason: 'token-widened-time',
    make: (command) => handedOn(command, { expires: nowSeconds + 10 }, { expires: nowSeconds + 11 }),
  },
  {
    name: 'widened beginning',
    reason: 'token-widened-time',
    make: (command) => handedOn(command, { notBefore: nowSeconds + 10 }, { notBefore: nowSeconds }),
  },
  {
    name: 'revoked',
    reason: 'token-revoked',
    make: (command) => only(command),
    before: ({ revoked }, token) => void revoked.add(bytesToText(linksOf(token)[0]?.hash ?? filled(0, 0))),
  },
  {
    name: 'parent revoked',
    reason: 'token-revoked',
    make: (command) => handedOn(command, {}, {}),
    before: ({ revoked }, token) => void revoked.add(bytesToText(linksOf(token)[0]?.hash ?? filled(0, 0))),
  },
  { name: 'old epoch', reason: 'token-epoch', make: (command) => only(command, { epoch: filled(16, 0xdd) }) },
  {
    name: 'chain of five',
    reason: 'token-links',
    make: async (command) => {
      const four = await chainOf(
        [anna, chen, dilek, eva, bora],
        Array.from({ length: 4 }, () => ({ command })),
      );
      const five = await signToken(bora.signing, linksOf(four), fieldsFor(bora, { command }));
      return { token: five };
    },
  },
  {
    name: 'wildcard audience',
    reason: 'token-malformed',
    make: async (command) => ({ token: await rewrite((await only(command)).token, 2, '*') }),
  },
  {
    name: 'audience of a key that everybody holds',
    reason: 'token-key-unsound',
    // Handed on by a key of small order: anybody can sign for it.
    make: async (command) => {
      const anybody = filled(32, 0).with(0, 1) as Bytes;
      const first = await rewrite((await only(command)).token, 2, anybody);
      const link = { ...fieldsFor(bora, { command }), issuer: anybody, parent: linksOf(first)[0]?.hash ?? null };
      const body = bodyOf(link);
      return { token: encodeCbor([...partsOf(first), [body, filled(64, 0)]]) };
    },
  },
  {
    name: 'truncated',
    reason: 'token-malformed',
    make: async (command) => ({ token: (await only(command)).token.slice(0, -1) }),
  },
  {
    name: 'non-canonical CBOR',
    reason: 'token-malformed',
    // The list of one written with a length byte that it does not need.
    make: async (command) => ({ token: Uint8Array.from([0x98, 0x01, ...(await only(command)).token.subarray(1)]) }),
  },
  {
    name: 'trailing byte',
    reason: 'token-malformed',
    make: async (command) => ({ token: Uint8Array.from([...(await only(command)).token, 0]) }),
  },
  {
    name: 'swapped links',
    reason: 'token-audience',
    make: async (command) => ({ token: encodeCbor(partsOf((await handedOn(command, {}, {})).token).toReversed()) }),
  },
  {
    name: 'swapped links, presented by whom they then name',
    reason: 'token-parent',
    make: async (command) => ({
      token: encodeCbor(partsOf((await handedOn(command, {}, {})).token).toReversed()),
      by: chen,
    }),
  },
  {
    name: 'link of another chain',
    reason: 'token-parent',
    make: async (command) => {
      const [mine] = partsOf(await chainOf([anna, chen], [{ command }]));
      const [, theirs] = partsOf((await handedOn(command, {}, {})).token);
      return { token: encodeCbor([mine ?? null, theirs ?? null]) };
    },
  },
  {
    name: 'handed on by another than its audience',
    reason: 'token-chain',
    make: async (command) => {
      const first = linksOf(await chainOf([anna, chen], [{ command }]));
      return { token: await signToken(dilek.signing, first, fieldsFor(bora, { command })) };
    },
  },
  {
    name: 'orphan of a chain',
    reason: 'token-parent',
    make: async (command) => ({ token: encodeCbor(partsOf((await handedOn(command, {}, {})).token).slice(1)) }),
  },
  { name: 'nothing at all', reason: 'token-links', make: async () => ({ token: encodeCbor([]) }) },
];

const bodyOf = (link: ReturnType<typeof fieldsFor> & { issuer: Bytes; parent: Bytes | null }): Bytes =>
  encodeCbor([
    1,
    link.issuer,
    link.audience,
    link.community,
    link.command,
    link.policy,
    link.notBefore,
    link.expires,
    link.nonce,
    link.parent,
    link.epoch,
  ]);

/** Changes one part of the first link's body, signed by anna all the same. */
const rewrite = async (token: Bytes, index: number, value: Cbor): Promise<Bytes> => {
  const body = decodeCbor(linksOf(token)[0]?.body ?? filled(0, 0));
  if (!body.ok || !isCborList(body.value)) throw new Error('the fixture made no link');
  const changed = encodeCbor(body.value.map((part, at) => (at === index ? value : part)));
  return encodeCbor([[changed, await anna.signing.sign(tokenSigned(changed))]]);
};
