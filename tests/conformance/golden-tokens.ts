import { parseToken } from '../../src/lib/crypto/token.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { $hex, elsewhere, flipped, readVectors, type TokenFile, type Vector } from './golden-files.ts';
import { hexBytes, toNotation } from './notation.ts';

/** Tokens as a judge sees them. */
export const tokenVectors = (): Vector[] => {
  const { keys, community, epoch, given, handedOn } = readVectors<TokenFile>('tokens.json');
  const now = Date.UTC(2026, 0, 1) + 14_343_000_000;
  const world = {
    community: $hex(community),
    epoch: $hex(epoch),
    now,
    roles: [{ device: $hex(keys.anna), role: 'member' }],
  };
  const ask = (token: string, audience: string, command: string, over: object = {}) => ({
    ...{ op: 'verify', type: 'token', bytes: $hex(token), audience: $hex(audience), command },
    world: { ...world, ...over },
  });
  const write = ({ token }: TokenFile['given'], seed: string, chain: TokenFile['given'] | null) => {
    const link = unwrap(parseToken(hexBytes(token))).at(-1);
    if (!link) throw new Error('a token without a link');
    const { issuer: _issuer, parent: _parent, body: _body, signature: _signature, hash: _hash, ...fields } = link;
    const told = toNotation(fields) as object;
    return { op: 'encode', type: 'token', seed: $hex(seed.repeat(32)), chain: chain && $hex(chain.token), ...told };
  };
  const tellsLinks = ({ links }: TokenFile['given']) => ({
    ok: { links: links.map(({ hash }) => ({ hash: $hex(hash) })) },
  });
  const refusedAs = (code: string, reason: string) => ({ error: { kind: 'refused', code, reason } });
  const late = { now: now + 7 * 24 * 3_600_000 };
  return [
    {
      name: 'a token is read',
      request: { op: 'decode', type: 'token', bytes: $hex(handedOn.token) },
      expect: tellsLinks(handedOn),
    },
    { name: 'a token is written', request: write(given, '11', null), expect: { ok: { bytes: $hex(given.token) } } },
    {
      name: 'a token is handed on',
      request: write(handedOn, '21', given),
      expect: { ok: { bytes: $hex(handedOn.token) } },
    },
    { name: 'a token holds', request: ask(given.token, keys.bora, 'library.read'), expect: tellsLinks(given) },
    {
      name: 'a token that was handed on holds',
      request: ask(handedOn.token, keys.chen, 'library.search'),
      expect: tellsLinks(handedOn),
    },
    {
      name: 'a token shown by another',
      request: ask(given.token, keys.chen, 'library.read'),
      expect: refusedAs('token_invalid', 'token-audience'),
    },
    {
      name: 'a token for another command',
      request: ask(handedOn.token, keys.chen, 'library.read'),
      expect: refusedAs('token_scope_insufficient', 'token-command'),
    },
    {
      name: 'a token of another community',
      request: ask(given.token, keys.bora, 'library.read', { community: elsewhere }),
      expect: refusedAs('token_invalid', 'token-community'),
    },
    {
      name: 'a token of an old epoch',
      request: ask(given.token, keys.bora, 'library.read', { epoch: $hex('51'.repeat(16)) }),
      expect: refusedAs('token_expired', 'token-epoch'),
    },
    {
      name: 'a token that has run out',
      request: ask(given.token, keys.bora, 'library.read', late),
      expect: refusedAs('token_expired', 'token-expired'),
    },
    {
      name: 'a token taken back',
      request: ask(handedOn.token, keys.chen, 'library.search', { revoked: [$hex(given.links[0]?.hash ?? '')] }),
      expect: refusedAs('revoked', 'token-revoked'),
    },
    {
      name: 'a token by somebody without the right',
      request: ask(given.token, keys.bora, 'library.read', { roles: [] }),
      expect: refusedAs('token_invalid', 'token-issuer-right'),
    },
    {
      name: 'a token with a signature of another',
      request: ask(flipped(given.token), keys.bora, 'library.read'),
      expect: refusedAs('token_invalid', 'token-signature'),
    },
  ];
};
