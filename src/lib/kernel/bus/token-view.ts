import type { Failure } from '../errors.ts';
import type { Bytes } from '../ports/crypto.ts';
import type { Result } from '../result.ts';
import type { TokenPolicy } from './token-policy.ts';

/** One link of a token that stands: its hash as text, and what it takes away. All links of a token hold together. */
export type GrantedLink = { readonly hash: string; readonly policy: TokenPolicy };
export type TokenGrant = { readonly links: readonly GrantedLink[] };

/** `holdsRight` says whether a device may call the command by its own role: asked of who gave the first link. */
export type TokenQuestion = {
  /** The device that presents the token, as its link has proven it. */
  readonly audience: string;
  readonly command: string;
  readonly holdsRight: (device: string) => boolean;
};

/**
 * Judges one token as it came over a link (protocol 9). Total: a grant, or one of `token_invalid`, `token_expired`,
 * `token_scope_insufficient` and `revoked`, for any bytes. A bus without one takes no tokens.
 */
export type JudgeToken = (token: Uint8Array, question: TokenQuestion) => Promise<Result<TokenGrant, Failure>>;

/** The tokens this device holds that may help a call of its own on another device; empty where its role is enough. */
export type TokensFor = (command: string) => readonly Bytes[];
