import { decodeCbor, encodeCbor, isCborBytes, isCborCount, isCborList, type Cbor } from '../kernel/codec.ts';
import { concatBytes, utf8 } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes, SigningKey } from '../kernel/ports/crypto.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { isCommand, parsePolicy, type TokenPolicy } from '../kernel/bus/token-policy.ts';
import { sha256Now } from './sha256.ts';

/**
 * One link of a capability token `hncap/1` (protocol 9): its issuer lets its audience call the command in this community, from
 * `notBefore` until `expires` (seconds since 2026-01-01), as far as the policy permits. Token = CBOR list of 1 to 4 links, the
 * first one first; link = CBOR [body, signature64]; body = CBOR [1, issuer32, audience32, community16, command, policy map,
 * notBefore, expires, nonce12, parent hash32 or null, epoch16]. The signature covers "HN-CAP1" || body, a link's hash is
 * SHA-256("HN-CAP1-ID" || body), which is also how a later link names its parent and how a link is revoked.
 */
export type TokenFields = {
  readonly issuer: Bytes;
  /** A device key, never a wildcard. */
  readonly audience: Bytes;
  readonly community: Bytes;
  readonly command: string;
  readonly policy: TokenPolicy;
  readonly notBefore: number;
  readonly expires: number;
  readonly nonce: Bytes;
  /** Hash of the link before; null in the first one. */
  readonly parent: Bytes | null;
  /** The epoch of the community key it was made in: a new epoch ends it. */
  readonly epoch: Bytes;
};
export type TokenLink = TokenFields & { readonly body: Bytes; readonly signature: Bytes; readonly hash: Bytes };

export type TokenRefusal =
  | 'token-too-large'
  | 'token-malformed'
  | 'token-links'
  | 'token-version'
  | 'token-command'
  | 'token-policy'
  | 'token-life';

/** Everything about a token that its bytes alone tell: size, canonical form, arity, ranges. Total; no key is touched. */
export const parseToken = (bytes: Uint8Array): Result<readonly TokenLink[], TokenRefusal> => {
  if (bytes.length > limits.tokenBytesMax) return err('token-too-large');
  const outer = decodeCbor(bytes);
  if (!outer.ok || !isCborList(outer.value)) return err('token-malformed');
  if (outer.value.length < 1 || outer.value.length > limits.tokenLinksMax) return err('token-links');
  const links: TokenLink[] = [];
  for (const each of outer.value) {
    if (!isCborList(each) || each.length !== 2) return err('token-malformed');
    const [body, signature] = each;
    if (!isCborBytes(body) || !isCborBytes(signature, 64)) return err('token-malformed');
    const fields = parseBody(body);
    if (!fields.ok) return fields;
    links.push({ ...fields.value, body, signature, hash: tokenHash(body) });
  }
  return ok(links);
};

/** Adds a link to a chain (an empty one for the first link) and gives the whole token. Whether it narrows is the caller's care. */
export const signToken = async (
  signing: SigningKey,
  chain: readonly TokenLink[],
  fields: Omit<TokenFields, 'issuer' | 'parent'>,
): Promise<Bytes> => {
  const parent = chain.at(-1)?.hash ?? null;
  const body = encodeBody({ ...fields, issuer: signing.publicKey, parent });
  const links: Cbor[] = chain.map((link) => [link.body, link.signature]);
  return encodeCbor([...links, [body, await signing.sign(tokenSigned(body))]]);
};

/** What the signature of a link covers. */
export const tokenSigned = (body: Bytes): Bytes => concatBytes(signLabel, body);

const signLabel = utf8('HN-CAP1');
const hashLabel = utf8('HN-CAP1-ID');
const version = 1;
const bodyArity = 11;

const tokenHash = (body: Bytes): Bytes => sha256Now(concatBytes(hashLabel, body));

const encodeBody = (fields: TokenFields): Bytes =>
  encodeCbor([
    version,
    fields.issuer,
    fields.audience,
    fields.community,
    fields.command,
    fields.policy,
    fields.notBefore,
    fields.expires,
    fields.nonce,
    fields.parent,
    fields.epoch,
  ]);

const parseBody = (body: Bytes): Result<TokenFields, TokenRefusal> => {
  const decoded = decodeCbor(body);
  if (!decoded.ok || !isCborList(decoded.value)) return err('token-malformed');
  if (decoded.value[0] !== version) return err('token-version');
  if (decoded.value.length !== bodyArity) return err('token-malformed');
  const [, issuer, audience, community, command, policyMap, notBefore, expires, nonce, parent, epoch] = decoded.value;
  if (!isCborBytes(issuer, 32) || !isCborBytes(audience, 32) || !isCborBytes(community, 16))
    return err('token-malformed');
  if (!isCborBytes(nonce, 12) || !isCborBytes(epoch, 16) || !isHashOrNull(parent)) return err('token-malformed');
  if (typeof command !== 'string' || !isCommand(command)) return err('token-command');
  const policy = parsePolicy(policyMap);
  if (policy === null) return err('token-policy');
  if (!isCborCount(notBefore) || !isCborCount(expires) || expires > 0xffffffff) return err('token-malformed');
  if (expires <= notBefore || (expires - notBefore) * 1000 > limits.tokenLifeMaxMs) return err('token-life');
  return ok({ issuer, audience, community, command, policy, notBefore, expires, nonce, parent, epoch });
};

const isHashOrNull = (value: Cbor | undefined): value is Bytes | null => value === null || isCborBytes(value, 32);
