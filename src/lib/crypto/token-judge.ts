import { failure, type Failure } from '../kernel/errors.ts';
import { areBytesEqual, bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import { err, ok } from '../kernel/result.ts';
import { coversCommand, isNarrower } from '../kernel/token-policy.ts';
import type { JudgeToken, TokenQuestion } from '../kernel/token-view.ts';
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

/**
 * The judge of tokens (protocol 9). The cheap questions come first and the signatures last; signatures that stood are remembered
 * (bounded), everything that can change is asked at every call.
 */
export const createTokenJudge = (crypto: CryptoPort, court: TokenCourt): JudgeToken => {
  const signedTokens = new Set<string>();

  const isSigned = async (token: Uint8Array, links: readonly TokenLink[]): Promise<boolean> => {
    const key = bytesToText(await crypto.sha256(token));
    if (signedTokens.has(key)) return true;
    for (const { issuer, body, signature } of links)
      if (!(await crypto.verify(issuer, tokenSigned(body), signature))) return false;
    const oldest = signedTokens.size >= limits.tokensRememberedMax ? signedTokens.values().next().value : undefined;
    if (oldest !== undefined) signedTokens.delete(oldest);
    signedTokens.add(key);
    return true;
  };

  return async (token, question) => {
    const parsed = parseToken(token);
    if (!parsed.ok) return err(invalid(parsed.error));
    const links = parsed.value;
    const refused =
      judgePresentation(links, question) ??
      judgeKeys(crypto, links) ??
      judgeChain(links) ??
      judgePlace(links, court) ??
      judgeTime(links, court.nowSeconds());
    if (refused) return err(refused);
    if (links.some(({ hash, issuer }) => court.isRevoked(bytesToText(hash), bytesToText(issuer))))
      return err(failure('revoked', 'token-revoked'));
    if (!question.holdsRight(bytesToText(links[0]?.issuer ?? new Uint8Array(0))))
      return err(invalid('token-issuer-right'));
    if (!(await isSigned(token, links))) return err(invalid('token-signature'));
    return ok({ links: links.map(({ hash, policy }) => ({ hash: bytesToText(hash), policy })) });
  };
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
const judgePresentation = (links: readonly TokenLink[], { audience, command }: TokenQuestion): Failure | null => {
  const last = links.at(-1);
  if (!last || bytesToText(last.audience) !== audience) return invalid('token-audience');
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
