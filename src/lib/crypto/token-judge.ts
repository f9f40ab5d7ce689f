import { failure, type Failure } from '../kernel/errors.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok } from '../kernel/result.ts';
import { coversCommand, isNarrower } from '../kernel/bus/token-policy.ts';
import type { JudgeToken, TokenGrant, TokenQuestion } from '../kernel/bus/token-view.ts';
import { parseToken, tokenSigned, type TokenLink } from './token.ts';

/** What a judge knows beside the token: facts of this node's fold, and the time that no phone turned back can lower. */
export type TokenCourt = {
  /** The community this device is in, and the current epoch of its key; null before there is one. */
  readonly community: () => Bytes | null;
  readonly epoch: () => Bytes | null;
  /** Seconds since 2026-01-01 by the community clock. */
  readonly nowSeconds: () => number;
  /** Whether the link with this hash, given by this device, has been taken back. */
  readonly isRevoked: (hash: string, issuer: string) => boolean;
};

/** A token of which everything that cannot change has been judged: its bytes, its keys, its chain, its signatures. */
type StoodToken = {
  readonly links: readonly TokenLink[];
  readonly audience: string;
  readonly issuers: readonly string[];
  readonly grant: TokenGrant;
};

/**
 * The judge of tokens (protocol 9). The cheap questions come first and the signatures last. A token that stood is remembered by its
 * bytes (bounded, the one unused for longest first out); everything that can change is asked at every call.
 */
export const createTokenJudge = (crypto: CryptoPort, court: TokenCourt): JudgeToken => {
  const stoodByBytes = new Map<string, StoodToken>();

  const remember = (key: string, stood: StoodToken): void => {
    stoodByBytes.delete(key);
    const oldest = stoodByBytes.size >= limits.tokensRememberedMax ? stoodByBytes.keys().next().value : undefined;
    if (oldest !== undefined) stoodByBytes.delete(oldest);
    stoodByBytes.set(key, stood);
  };

  return async (token, question) => {
    if (token.length > limits.tokenBytesMax) return err(invalid('token-too-large'));
    const key = bytesToText(token);
    const known = stoodByBytes.get(key);
    if (known) {
      const refused = judgeNow(known, question, court);
      if (refused) return err(refused);
      remember(key, known);
      return ok(known.grant);
    }
    const parsed = parseToken(token);
    if (!parsed.ok) return err(invalid(parsed.error));
    const read = readToken(parsed.value);
    const refused =
      judgePresentation(read, question) ??
      judgeKeys(crypto, read.links) ??
      judgeChain(read.links) ??
      judgeNow(read, question, court);
    if (refused) return err(refused);
    if (!(await isSigned(crypto, read.links))) return err(invalid('token-signature'));
    remember(key, read);
    return ok(read.grant);
  };
};

const readToken = (links: readonly TokenLink[]): StoodToken => ({
  links,
  audience: bytesToText(links.at(-1)?.audience ?? new Uint8Array(0)),
  issuers: links.map(({ issuer }) => bytesToText(issuer)),
  grant: { links: links.map(({ hash, policy }) => ({ hash: bytesToText(hash), policy })) },
});

const isSigned = async (crypto: CryptoPort, links: readonly TokenLink[]): Promise<boolean> => {
  for (const { issuer, body, signature } of links)
    if (!(await crypto.verify(issuer, tokenSigned(body), signature))) return false;
  return true;
};

/** What may be otherwise at the next call: who shows it and for what, the place, the hour, what was taken back, the giver's right. */
const judgeNow = (token: StoodToken, question: TokenQuestion, court: TokenCourt): Failure | null => {
  const refused =
    judgePresentation(token, question) ?? judgePlace(token.links, court) ?? judgeTime(token.links, court.nowSeconds());
  if (refused) return refused;
  const isRevoked = token.grant.links.some(({ hash }, at) => court.isRevoked(hash, token.issuers[at] ?? ''));
  if (isRevoked) return failure('revoked', 'token-revoked');
  return question.holdsRight(token.issuers[0] ?? '') ? null : invalid('token-issuer-right');
};

/** null when every link says no more than the one before it, and hands on to who signs the next. Also asked before handing on. */
export const judgeChain = (links: readonly TokenLink[]): Failure | null => {
  let before: TokenLink | null = null;
  for (const link of links) {
    if (before === null) {
      if (link.parent !== null) return invalid('token-parent');
    } else {
      if (link.parent === null || !areBytesEqual(link.parent, before.hash)) return invalid('token-parent');
      if (!areBytesEqual(link.issuer, before.audience)) return invalid('token-chain');
      if (!coversCommand(before.command, link.command)) return invalid('token-widened-command');
      if (!isNarrower(link.policy, before.policy)) return invalid('token-widened-policy');
      if (link.notBefore < before.notBefore || link.expires > before.expires) return invalid('token-widened-time');
    }
    before = link;
  }
  return null;
};

const invalid = (reason: string): Failure => failure('token_invalid', reason);

/** A token counts for the device at the end of its chain only, and for what its last link names. */
const judgePresentation = (token: StoodToken, { audience, command }: TokenQuestion): Failure | null => {
  const last = token.links.at(-1);
  if (!last || token.audience !== audience) return invalid('token-audience');
  return coversCommand(last.command, command) ? null : failure('token_scope_insufficient', 'token-command');
};

/** Key rule ED1 for audiences too: an audience of zeros, or any other key that everybody holds, is a wildcard. */
const judgeKeys = (crypto: CryptoPort, links: readonly TokenLink[]): Failure | null =>
  links.every(({ issuer, audience }) => crypto.isSigningKeySound(issuer) && crypto.isSigningKeySound(audience))
    ? null
    : invalid('token-key-unsound');

const judgePlace = (links: readonly TokenLink[], court: TokenCourt): Failure | null => {
  const [community, epoch] = [court.community(), court.epoch()];
  if (!community || !links.every((link) => areBytesEqual(link.community, community))) return invalid('token-community');
  if (!epoch || !links.every((link) => areBytesEqual(link.epoch, epoch)))
    return failure('token_expired', 'token-epoch');
  return null;
};

/** Not over by the second; not before its time, with some minutes of grace for an issuer whose clock is ahead. */
const judgeTime = (links: readonly TokenLink[], now: number): Failure | null => {
  if (links.some(({ expires }) => expires <= now)) return failure('token_expired', 'token-expired');
  return links.some(({ notBefore }) => notBefore - limits.tokenSkewSeconds > now)
    ? failure('token_expired', 'token-early')
    : null;
};
