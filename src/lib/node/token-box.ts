import { createTokenJudge, judgeChain, type TokenCourt } from '../crypto/token-judge.ts';
import { parseToken, signToken, type TokenLink } from '../crypto/token.ts';
import { holdsRight } from '../kernel/bus/authorize.ts';
import type { AnyCapability } from '../kernel/bus/call.ts';
import type { Role } from '../kernel/bus/capability.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { hlcEpochMs } from '../kernel/hlc.ts';
import { areBytesEqual, bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort, SigningKey } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { coversCommand, type TokenPolicy } from '../kernel/bus/token-policy.ts';
import type { JudgeToken, TokensFor } from '../kernel/bus/token-view.ts';
import type { TokenView } from '../contracts/tokens.ts';
import type { IssuedToken, TokenActs } from '../services/tokens.ts';
import { readKeptTokens, tokensKey, type KeptTokens } from './kept-tokens.ts';

export type TokenBoxDeps = {
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly store: Pick<Store, 'get' | 'commit'>;
  readonly self: () => SigningKey;
  readonly court: TokenCourt;
  readonly roleOf: (device: string) => Role | null;
  readonly contractsByName: ReadonlyMap<string, AnyCapability>;
  /** Writes the revocation of a link into the log; else the log's refusal, or 'not-a-member'. */
  readonly writeRevocation: (hash: Bytes) => Promise<Result<unknown, string>>;
};

export type TokenBox = {
  load(): Promise<void>;
  readonly judge: JudgeToken;
  readonly tokensFor: TokensFor;
  readonly acts: TokenActs;
};

const hourSeconds = 3_600;

/**
 * The tokens of this device: those made for it, which it shows with calls that need them, and those it has made, so that it can
 * take them back. Kept in the store; what has run out makes room first.
 */
export const createTokenBox = (deps: TokenBoxDeps): TokenBox => {
  const { crypto, court, random } = deps;
  const judge = createTokenJudge(crypto, court);
  const views = { roleOf: deps.roleOf };
  const selfDevice = (): string => bytesToText(deps.self().publicKey);
  let kept: KeptTokens = { held: [], issued: [] };
  let turn: Promise<unknown> = Promise.resolve();

  const keep = (side: keyof KeptTokens, token: Bytes): Promise<Result<void, Failure>> => {
    const work = turn.then(async () => {
      const others = kept[side].filter((each) => !areBytesEqual(each, token) && !isOver(each));
      const most = side === 'held' ? limits.tokensHeldMax : limits.tokensIssuedMax;
      if (others.length >= most) return err(failure('quota_full', 'tokens'));
      const next: KeptTokens = { ...kept, [side]: [...others, token] };
      const stored = await deps.store.commit({ kv: [{ key: tokensKey, value: next }] }, 'strict');
      if (!stored.ok) return err(failure(stored.error === 'quota-full' ? 'quota_full' : 'unavailable', stored.error));
      kept = next;
      return ok(undefined);
    });
    turn = work.catch(() => undefined);
    return work;
  };
  const isOver = (token: Bytes): boolean => (linksOf(token).at(-1)?.expires ?? 0) <= court.nowSeconds();

  const sign = async (
    chain: readonly TokenLink[],
    wish: { audience: string; command: string; policy: TokenPolicy; notBefore: number; expires: number },
  ): Promise<Result<IssuedToken, Failure>> => {
    const [community, epoch, audience] = [court.community(), court.epoch(), textToBytes(wish.audience)];
    if (!community || !epoch) return err(failure('unauthorized', 'not-a-member'));
    if (!audience || !crypto.isSigningKeySound(audience)) return err(failure('bad_request', 'audience'));
    const token = await signToken(deps.self(), chain, { ...wish, audience, community, epoch, nonce: random.bytes(12) });
    const parsed = parseToken(token);
    if (!parsed.ok) return err(failure('bad_request', parsed.error));
    const refused = judgeChain(parsed.value);
    if (refused) return err(refused);
    const stored = await keep('issued', token);
    return stored.ok ? ok({ id: idOf(parsed.value), token: bytesToText(token) }) : stored;
  };

  const acts: TokenActs = {
    issue: ({ audience, command, policy, hours }) => {
      const refused = judgeOwnRight(command, deps, selfDevice());
      if (refused) return Promise.resolve(err(refused));
      const notBefore = court.nowSeconds();
      return sign([], {
        audience,
        command,
        policy: cleared(policy),
        notBefore,
        expires: notBefore + hours * hourSeconds,
      });
    },
    attenuate: async ({ id, audience, command, policy, hours }) => {
      const held = kept.held.map(linksOf).find((links) => idOf(links) === id);
      const last = held?.at(-1);
      if (!held || !last) return err(failure('not_found', 'token'));
      const notBefore = Math.max(last.notBefore, court.nowSeconds());
      const expires = hours === undefined ? last.expires : Math.min(last.expires, notBefore + hours * hourSeconds);
      if (expires <= notBefore) return err(failure('token_expired', 'token-expired'));
      const narrowed = { ...last.policy, ...cleared(policy) };
      return sign(held, { audience, command: command ?? last.command, policy: narrowed, notBefore, expires });
    },
    accept: async (text) => {
      const token = textToBytes(text.trim());
      const command = token ? linksOf(token).at(-1)?.command : undefined;
      if (!token || command === undefined) return err(failure('token_invalid', 'token-malformed'));
      // Whether its first issuer may hand the command on is asked by whoever is called.
      const judged = await judge(token, { audience: selfDevice(), command, holdsRight: () => true });
      if (!judged.ok) return judged;
      const stored = await keep('held', token);
      return stored.ok ? ok({ id: idOf(linksOf(token)) }) : stored;
    },
    list: () =>
      (['held', 'issued'] as const)
        .flatMap((side) => kept[side].flatMap((token) => describe(side, linksOf(token), court)))
        .toSorted((a, b) => b.notBefore - a.notBefore),
    revoke: async (id) => {
      const isOwn = kept.issued.some((token) => idOf(linksOf(token)) === id);
      if (!isOwn && !holdsRight(selfDevice(), 'trusted', views)) return err(failure('forbidden', 'token-issuer-right'));
      const hash = textToBytes(id);
      if (!hash) return err(failure('bad_request', 'token'));
      const written = await deps.writeRevocation(hash);
      if (written.ok) return ok({});
      if (written.error === 'not-a-member') return err(failure('unauthorized', written.error));
      return err(failure(written.error === 'quota-full' ? 'quota_full' : 'unavailable', written.error));
    },
  };

  const tokensFor: TokensFor = (command) => {
    const policy = deps.contractsByName.get(command)?.policy;
    if (policy === undefined || kept.held.length === 0 || holdsRight(selfDevice(), policy, views)) return [];
    const fits = (token: Bytes): boolean => {
      const links = linksOf(token);
      return coversCommand(links.at(-1)?.command ?? '', command) && stateOf(links, court) === 'valid';
    };
    return kept.held.filter(fits).slice(-limits.tokensPerCallMax);
  };
  const load = async (): Promise<void> => {
    kept = readKeptTokens(await deps.store.get(tokensKey));
  };
  return { load, judge, tokensFor, acts };
};

/** Nobody can give what they do not have: some command that is meant must be open to the giver, and none of one's own screens is. */
const judgeOwnRight = (command: string, { contractsByName, roleOf }: TokenBoxDeps, self: string): Failure | null => {
  const meant = [...contractsByName.values()].filter(({ name }) => coversCommand(command, name));
  if (meant.length === 0) return failure('not_found', 'capability-unknown');
  const lendable = meant.filter(({ policy }) => policy !== 'self');
  if (lendable.length === 0) return failure('forbidden', 'self-only');
  return lendable.some(({ policy }) => holdsRight(self, policy, { roleOf }))
    ? null
    : failure('forbidden', 'role-too-low');
};

const linksOf = (token: Uint8Array): readonly TokenLink[] => {
  const parsed = parseToken(token);
  return parsed.ok ? parsed.value : [];
};

const idOf = (links: readonly TokenLink[]): string => bytesToText(links.at(-1)?.hash ?? new Uint8Array(0));

/** The form gives absent operators as undefined; a link leaves them out. */
const cleared = (policy: { readonly [K in keyof TokenPolicy]: TokenPolicy[K] | undefined }): TokenPolicy =>
  Object.fromEntries(Object.entries(policy).filter(([, part]) => part !== undefined)) as TokenPolicy;

const stateOf = (links: readonly TokenLink[], court: TokenCourt): TokenView['state'] => {
  const [now, epoch, community] = [court.nowSeconds(), court.epoch(), court.community()];
  if (links.some(({ hash, issuer }) => court.isRevoked(bytesToText(hash), bytesToText(issuer)))) return 'revoked';
  if (links.some(({ expires }) => expires <= now)) return 'expired';
  const isCurrent = (link: TokenLink): boolean =>
    epoch !== null &&
    community !== null &&
    areBytesEqual(link.epoch, epoch) &&
    areBytesEqual(link.community, community);
  if (!links.every(isCurrent)) return 'old-epoch';
  return links.some(({ notBefore }) => notBefore - limits.tokenSkewSeconds > now) ? 'early' : 'valid';
};

const describe = (side: keyof KeptTokens, links: readonly TokenLink[], court: TokenCourt): TokenView[] => {
  const last = links.at(-1);
  if (!last) return [];
  return [
    {
      id: idOf(links),
      side,
      issuer: bytesToText(last.issuer),
      audience: bytesToText(last.audience),
      command: last.command,
      policy: structuredClone(last.policy) as TokenView['policy'],
      notBefore: last.notBefore * 1000 + hlcEpochMs,
      expires: last.expires * 1000 + hlcEpochMs,
      links: links.length,
      state: stateOf(links, court),
    },
  ];
};
