import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import type { Bytes, SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import { sha256Now } from '../../src/lib/crypto/sha256.ts';
import { concatBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Vector, VectorGroup } from '../conformance/golden-files.ts';
import { anna, bora, cbor, chen, community, dilek, epoch, filled, hex, mallory, noonSeconds, question, street } from './bus-street.ts';

/** Who may call what: by role, by what the node gives, by the shape of the question, and by tokens. */
export const gateGroups = async (): Promise<VectorGroup[]> => [
  { group: 'gates', vectors: [...roleVectors(), ...questionVectors()] },
  { group: 'tokens at the gate', vectors: await tokenVectors() },
];

type Ask = { readonly caller?: SigningKey | 'self'; readonly capability?: string; readonly input?: Cbor; readonly [more: string]: unknown };
const ask = ({ caller = bora, capability = 'library.search@1.0', input = question, world = {}, ...more }: Ask): Vector['request'] => ({
  op: 'authorize',
  world: street(world as object),
  caller: caller === 'self' ? 'self' : hex(caller.publicKey),
  capability,
  input: cbor(input),
  ...more,
});
const served = { ok: { allowed: true, read: true, handled: 1 } };
/** `isRead`: the input was looked at before the call was refused. */
const refused = (code: string, reason: string, isRead: boolean) => ({ ok: { allowed: false, failure: { code, reason }, read: isRead, handled: 0 } });

const roleVectors = (): Vector[] => {
  const ping = { capability: 'mesh.ping@1.0', input: { nonce: 7 } };
  const selfTest = { capability: 'node.selfTest@1.0', input: {} };
  return [
    { name: 'a member searches', request: ask({}), expect: served },
    { name: 'a trusted person searches', request: ask({ caller: chen }), expect: served },
    { name: 'a stranger searches', request: ask({ caller: dilek }), expect: refused('unauthorized', 'not-a-member', false) },
    { name: 'a stranger pings', request: ask({ caller: dilek, ...ping }), expect: served },
    { name: 'own screens ask what is theirs', request: ask({ caller: 'self', ...selfTest }), expect: served },
    { name: 'an anchor asks what belongs to own screens', request: ask({ caller: anna, ...selfTest }), expect: refused('forbidden', 'self-only', false) },
    { name: 'a stranger asks what belongs to own screens', request: ask({ caller: dilek, ...selfTest }), expect: refused('forbidden', 'self-only', false) },
    { name: 'the first gate alone lets a member in', request: { ...withoutInput(ask({})) }, expect: { ok: { allowed: true, read: false, handled: 0 } } },
    { name: 'the first gate alone keeps a stranger out', request: { ...withoutInput(ask({ caller: dilek })) }, expect: refused('unauthorized', 'not-a-member', false) },
  ];
};

const withoutInput = ({ input: _input, ...request }: Vector['request']): Vector['request'] => request as Vector['request'];

const questionVectors = (): Vector[] => [
  { name: 'an input that its schema does not take', request: ask({ input: { query: '' } }), expect: { ok: { allowed: false, failure: { code: 'schema_mismatch' }, read: true, handled: 0 } } },
  { name: 'an input of another kind', request: ask({ input: 'water' }), expect: { ok: { allowed: false, failure: { code: 'schema_mismatch' }, read: true, handled: 0 } } },
  { name: 'a stranger with an input that no schema takes', request: ask({ caller: dilek, input: 'water' }), expect: refused('unauthorized', 'not-a-member', false) },
  { name: 'an input that is no CBOR', request: { ...ask({}), input: hex(filled(1, 0xa1)) }, expect: refused('bad_request', 'input-truncated', true) },
  { name: 'a param that the capability knows', request: ask({ params: { corpus: 'recipes' } }), expect: served },
  { name: 'a corpus that is not here', request: ask({ params: { corpus: 'maps' } }), expect: refused('unavailable', 'params', true) },
  { name: 'a param that it does not know', request: ask({ params: { model: 'big' } }), expect: refused('bad_request', 'param-unknown', false) },
  { name: 'nine params', request: ask({ params: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`p${at}`, 'x'])) }), expect: refused('bad_request', 'params', false) },
  { name: 'what is switched off', request: ask({ world: { notGiven: ['library.search'] } }), expect: refused('unavailable', 'not-given', false) },
  { name: 'what is switched off, on own screens', request: ask({ caller: 'self', world: { notGiven: ['library.search'] } }), expect: served },
  { name: 'a stranger asks for what is switched off', request: ask({ caller: dilek, world: { notGiven: ['library.search'] } }), expect: refused('unauthorized', 'not-a-member', false) },
  ...['library.search@1.1', 'library.search@2.0', 'library.sing@1.0', 'library'].map(
    (capability): Vector => ({ name: `${capability} is not known`, request: ask({ capability }), expect: { error: { kind: 'refused', code: 'not_found', reason: 'capability-unknown' } } }),
  ),
];

type Link = { readonly by: SigningKey; readonly to: Uint8Array; readonly over?: { readonly [at: number]: Cbor }; readonly signedBy?: SigningKey };

/** Tokens put together by hand, so that dishonest ones can be made too: body = the eleven fields of PROTOCOL.md 14. */
const chainOf = async (links: readonly Link[]): Promise<Bytes> => {
  let parent: Bytes | null = null;
  const signed: Cbor[] = [];
  for (const [at, { by, to, over = {}, signedBy = by }] of links.entries()) {
    const fields: Cbor[] = [1, by.publicKey, new Uint8Array(to), community, 'library.search', {}, noonSeconds - 60, noonSeconds + 3_600, filled(12, at), parent, epoch];
    const body = encodeCbor(fields.map((field, index) => (Object.hasOwn(over, index) ? (over[index] ?? null) : field)));
    signed.push([body, await signedBy.sign(concatBytes(utf8('HN-CAP1'), body))]);
    parent = sha256Now(concatBytes(utf8('HN-CAP1-ID'), body));
  }
  return encodeCbor(signed);
};

const tokenVectors = async (): Promise<Vector[]> => {
  const given: Link = { by: bora, to: dilek.publicKey };
  const policy = (value: Cbor): Link => ({ ...given, over: { 5: value } });
  const first: Link = { by: bora, to: chen.publicKey };
  const second: Link = { by: chen, to: dilek.publicKey };
  const people = [bora, chen, dilek, mallory, anna, bora];
  const five = people.slice(0, 5).map((by, at): Link => ({ by, to: (people[at + 1] ?? dilek).publicKey }));
  const scope = (reason: string) => refused('token_scope_insufficient', reason, true);
  const invalid = (reason: string) => refused('token_invalid', reason, false);
  const over = (reason: string) => refused('token_expired', reason, false);
  const cases: readonly (readonly [string, readonly Link[], Vector['expect'], Ask?])[] = [
    ['opens what the role does not', [given], served],
    ['is not looked at where the role is enough', [{ ...given, signedBy: mallory }], served, { caller: bora }],
    ['handed on', [first, second], served],
    ['with every operator kept', [policy({ max: { k: 4 }, oneOf: { corpora: ['recipes'] }, prefix: { query: 'water' }, rpm: 1 })], served],
    ['with more asked than max', [policy({ max: { k: 3 } })], scope('token-max')],
    ['with max of a field that is not there', [policy({ max: { page: 3 } })], scope('token-max')],
    ['with another choice', [policy({ oneOf: { corpora: ['maps'] } })], scope('token-one-of')],
    ['with another beginning', [policy({ prefix: { query: 'fire' } })], scope('token-prefix')],
    ['with an operator nobody knows', [policy({ least: { k: 1 } })], invalid('token-policy')],
    ['with an empty operator', [policy({ max: {} })], invalid('token-policy')],
    ['for own screens only', [given], refused('forbidden', 'self-only', false), { capability: 'node.selfTest@1.0', input: {} }],
    ['for another command', [{ ...given, over: { 4: 'library.read' } }], refused('token_scope_insufficient', 'token-command', false)],
    ['for a prefix', [{ ...given, over: { 4: 'library.' } }], served],
    ['for everything', [{ ...given, over: { 4: '*' } }], invalid('token-command')],
    ['shown by another', [given], invalid('token-audience'), { caller: mallory }],
    ['for everybody: an audience of zeros', [{ ...given, to: filled(32, 0) }], invalid('token-audience')],
    ['of another community', [{ ...given, over: { 3: filled(16, 0xab) } }], invalid('token-community')],
    ['of an old epoch', [{ ...given, over: { 10: filled(16, 0x51) } }], over('token-epoch')],
    ['that is over', [{ ...given, over: { 6: noonSeconds - 600, 7: noonSeconds } }], over('token-expired')],
    ['ten minutes early', [{ ...given, over: { 6: noonSeconds + 600 } }], served],
    ['ten minutes and a second early', [{ ...given, over: { 6: noonSeconds + 601 } }], over('token-early')],
    ['that lives for 32 days', [{ ...given, over: { 7: noonSeconds + 32 * 86_400 } }], invalid('token-life')],
    ['of another version', [{ ...given, over: { 0: 2 } }], invalid('token-version')],
    ['signed by another', [{ ...given, signedBy: mallory }], invalid('token-signature')],
    ['by somebody who is not in', [{ by: mallory, to: dilek.publicKey }], invalid('token-issuer-right')],
    ['that begins with a parent', [{ ...given, over: { 9: filled(32, 1) } }], invalid('token-parent')],
    ['whose parent is another', [first, { ...second, over: { 9: filled(32, 1) } }], invalid('token-parent')],
    ['handed on by somebody else', [first, { by: mallory, to: dilek.publicKey }], invalid('token-chain')],
    ['with a wider command', [first, { ...second, over: { 4: 'library.' } }], invalid('token-widened-command')],
    ['with a wider policy', [{ ...first, over: { 5: { max: { k: 2 } } } }, { ...second, over: { 5: { max: { k: 3 } } } }], invalid('token-widened-policy')],
    ['with a longer life', [first, { ...second, over: { 7: noonSeconds + 3_601 } }], invalid('token-widened-time')],
    ['of five links', five, invalid('token-links'), { caller: bora, world: { roles: [] } }],
  ];
  const vectors: Vector[] = [];
  for (const [name, links, expect, more = {}] of cases)
    vectors.push({ name: `a token ${name}`, request: ask({ caller: dilek, tokens: [hex(await chainOf(links))], ...more }), expect });
  const token = await chainOf([given]);
  vectors.push({ name: 'a token taken back', request: ask({ caller: dilek, tokens: [hex(token)], world: { revoked: [hex(await hashOf(given))] } }), expect: refused('revoked', 'token-revoked', false) });
  vectors.push({ name: 'five tokens', request: ask({ caller: dilek, tokens: Array.from({ length: 5 }, () => hex(token)) }), expect: refused('bad_request', 'params', false) });
  vectors.push({ name: 'a token that is no token', request: ask({ caller: dilek, tokens: [hex(filled(40, 0xff))] }), expect: invalid('token-malformed') });
  return vectors;
};

const hashOf = async ({ by, to }: Link): Promise<Bytes> => {
  const fields: Cbor[] = [1, by.publicKey, new Uint8Array(to), community, 'library.search', {}, noonSeconds - 60, noonSeconds + 3_600, filled(12, 0), null, epoch];
  return sha256Now(concatBytes(utf8('HN-CAP1-ID'), encodeCbor(fields)));
};
